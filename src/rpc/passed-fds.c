/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "rpc/passed-fds.h"

#include <systemd/sd-daemon.h>
#include <unistd.h>


static void
on_fd_cleared(gpointer data)
{
    int *fd = data;

    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}


static GArray *
make_fds(void)
{
    GArray *fds = g_array_new(FALSE, FALSE, sizeof(int));

    g_array_set_clear_func(fds, on_fd_cleared);
    return fds;
}


/* A second state is closed: there is one per daemon. */
static void
sort_fd(MdPassedFds *self, int fd, const char *name)
{
    if (g_strcmp0(name, MD_PASSED_CLIENT) == 0) {
        g_array_append_val(self->clients, fd);
    } else if (g_strcmp0(name, MD_PASSED_STATE) != 0) {
        g_array_append_val(self->listening, fd);
    } else if (self->state < 0) {
        self->state = fd;
    } else {
        close(fd);
    }
}


gboolean
md_passed_fds_is_expected(void)
{
    return sd_listen_fds(0) > 0;
}


MdPassedFds *
md_passed_fds_take(void)
{
    MdPassedFds *self = g_new0(MdPassedFds, 1);
    char **names = NULL;
    int n = sd_listen_fds_with_names(1, &names);

    self->listening = make_fds();
    self->clients = make_fds();
    self->state = -1;
    for (int i = 0; i < n; i++) {
        sort_fd(self, SD_LISTEN_FDS_START + i, names[i]);
        free(names[i]);
    }
    free(names);
    return self;
}


void
md_passed_fds_free(MdPassedFds *self)
{
    if (self == NULL)
        return;

    g_array_unref(self->listening);
    g_array_unref(self->clients);
    if (self->state >= 0)
        close(self->state);
    g_free(self);
}
