/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as mediated.conf: accepted, with every number in its range, or refused with an error in
 * valid UTF-8. The same bytes as virtnodedevd.conf: accepted, and no socket is open to more users
 * than before unless polkit decides. */
#include "config.h"

#include <string.h>
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


static void
check_config(const char *path)
{
    const MdSettingsOrigin origin = { .config = path, .config_required = TRUE };
    g_autoptr(GError) error = NULL;
    g_autoptr(MdRoots) roots = md_roots_new_below("/", FALSE);
    g_autoptr(MdSettings) settings = md_settings_load(roots, &origin, &error);

    g_assert_true((settings == NULL) == (error != NULL));
    if (settings != NULL)
        check_settings(settings);
    else
        g_assert_true(g_utf8_validate(error->message, -1, NULL));
}


/* Whether the file contains a value that must be there for a socket to be open without polkit. */
static gboolean
has_none(const guint8 *data, gsize size)
{
    g_autofree char *text = g_strndup((const char *)data, size);

    return strstr(text, "auth_unix_rw") != NULL && strstr(text, "none") != NULL;
}


static void
check_stock_config(const char *path, const guint8 *data, gsize size)
{
    const MdSettingsOrigin origin = { .stock_config = path };
    g_autoptr(MdRoots) roots = md_roots_new_below("/", FALSE);
    g_autoptr(MdSettings) settings = md_settings_load(roots, &origin, NULL);
    g_autofree char *text = NULL;

    g_assert_nonnull(settings);
    check_settings(settings);
    if ((settings->socket_rw_mode & 0077) != 0 && settings->auth_unix_rw == MD_AUTH_NONE)
        g_assert_true(has_none(data, size));
    text = md_settings_describe(settings);
    g_assert_true(g_utf8_validate(text, -1, NULL));
    for (guint i = 0; i < settings->problems->len; i++)
        g_assert_true(g_utf8_validate(settings->problems->pdata[i], -1, NULL));
}


int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    int fd = make_file(data, size);
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);

    check_config(path);
    check_stock_config(path, data, size);
    close(fd);
    return 0;
}
