/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The listening sockets of the daemon, passed by systemd or created. */
#include "config.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sys/stat.h>

#include "rpc/listener.h"
#include "util/error.h"
#include "util/names.h"

/* The system's directory must be accessible to unprivileged clients, a user's to that user only. */
#define DIRECTORY_MODE         0755
#define SESSION_DIRECTORY_MODE 0700

/* The socket for administration is for the daemon's own user. */
#define ADMIN_MODE 0600


/* All sockets passed by systemd except the one for administration, which remains in the array.
 * Sockets for other purposes are closed. */
static GPtrArray *
adopt_all(GArray *fds, GError **error)
{
    g_autoptr(GPtrArray) listeners =
        g_ptr_array_new_with_free_func((GDestroyNotify)md_listener_free);

    for (guint i = 0; i < fds->len; i++) {
        int *fd = &g_array_index(fds, int, i);
        g_autoptr(GError) err = NULL;
        MdListener *listener = NULL;

        if (md_listener_is_admin_fd(*fd))
            continue;
        listener = md_listener_new_from_fd(g_steal_fd(fd), &err);
        if (listener != NULL)
            g_ptr_array_add(listeners, listener);
        else
            g_message("%s", err->message);
    }
    if (listeners->len == 0) {
        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_OPERATION_FAILED,
                          "none of the passed sockets is '%s' or '%s'", MD_SOCKET_RW, MD_SOCKET_RO);
        return NULL;
    }
    return g_steal_pointer(&listeners);
}


static gboolean
make_directory(const MdRoots *roots, const char *path, GError **error)
{
    mode_t mode = roots->is_session ? SESSION_DIRECTORY_MODE : DIRECTORY_MODE;
    mode_t mask = umask(~mode & 0777);
    int rc = g_mkdir_with_parents(path, (int)mode);
    int errnum = errno;

    umask(mask);
    if (rc < 0)
        md_error_set_errno(error, errnum, "cannot create socket directory '%s'", path);
    return rc == 0;
}


GPtrArray *
md_listener_open_all(const MdSettings *settings, GArray *passed, GError **error)
{
    g_autoptr(GPtrArray) listeners = NULL;
    MdListener *listener = NULL;

    if (passed->len > 0)
        return adopt_all(passed, error);
    if (!make_directory(settings->roots, settings->socket_dir, error))
        return NULL;

    listeners = g_ptr_array_new_with_free_func((GDestroyNotify)md_listener_free);
    listener = md_listener_new(settings->socket_dir, MD_SOCKET_RW, FALSE, settings->socket_rw_mode,
                               settings->socket_gid, error);
    if (listener == NULL)
        return NULL;
    g_ptr_array_add(listeners, listener);
    if (settings->roots->is_session)
        return g_steal_pointer(&listeners);

    listener = md_listener_new(settings->socket_dir, MD_SOCKET_RO, TRUE, settings->socket_ro_mode,
                               settings->socket_gid, error);
    if (listener == NULL)
        return NULL;
    g_ptr_array_add(listeners, listener);
    return g_steal_pointer(&listeners);
}


static MdListener *
adopt_admin(GArray *fds, GError **error)
{
    for (guint i = 0; i < fds->len; i++) {
        int *fd = &g_array_index(fds, int, i);

        if (md_listener_is_admin_fd(*fd))
            return md_listener_new_from_fd(g_steal_fd(fd), error);
    }
    return NULL;
}


MdListener *
md_listener_open_admin(const MdSettings *settings, GArray *passed, GError **error)
{
    if (passed->len > 0)
        return adopt_admin(passed, error);
    return md_listener_new(settings->socket_dir, MD_SOCKET_ADMIN, FALSE, ADMIN_MODE, (gid_t)-1,
                           error);
}
