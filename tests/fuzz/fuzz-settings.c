/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a configuration file: accepted, with every number in its range, or refused with
 * an error in valid UTF-8. */
#include "config.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/settings.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);


static void
check_settings(const MdSettings *settings)
{
    const char *const texts[] = { settings->socket_dir, settings->definitions_dir,
                                  settings->scripts_dir, settings->scripts_deprecated_dir };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_assert_nonnull(texts[i]);
        g_assert_cmpstr(texts[i], !=, "");
    }
    g_assert_cmphex(settings->socket_rw_mode & ~0777u, ==, 0);
    g_assert_cmphex(settings->socket_ro_mode & ~0777u, ==, 0);
    g_assert_cmpuint(settings->max_clients, >, 0);
    g_assert_cmpuint(settings->max_client_requests, >, 0);
    g_assert_cmpuint(settings->driver_timeout, >, 0);
    g_assert_cmpuint(settings->script_timeout, >, 0);
    g_assert_cmpuint(settings->keepalive_count, >, 0);
}


/* Returns a file in memory with this content. */
static int
make_file(const guint8 *data, gsize size)
{
    int fd = memfd_create("settings", MFD_CLOEXEC);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(fchmod(fd, 0600), ==, 0);
    g_assert_cmpint(write(fd, data, size), ==, (gssize)size);
    return fd;
}


int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    int fd = make_file(data, size);
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    g_autoptr(GError) error = NULL;
    g_autoptr(MdRoots) roots = md_roots_new();
    g_autoptr(MdSettings) settings = md_settings_load(roots, path, TRUE, &error);

    close(fd);
    g_assert_true((settings == NULL) == (error != NULL));
    if (settings != NULL)
        check_settings(settings);
    else
        g_assert_true(g_utf8_validate(error->message, -1, NULL));
    return 0;
}
