/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Defaults, every type of value, and a clear error for every mistake. */
#include "config.h"

#include <glib/gstdio.h>
#include <string.h>

#include "util/error.h"
#include "util/settings.h"


static MdSettings *
load_file(const char *path, gboolean required, GError **error)
{
    g_autoptr(MdRoots) roots = md_roots_new_below("/", FALSE);

    return md_settings_load(roots,
                            &(MdSettingsOrigin){ .config = path, .config_required = required },
                            error);
}


static MdSettings *
load(const char *text, GError **error)
{
    g_autofree char *path = NULL;
    MdSettings *settings = NULL;
    int fd = g_file_open_tmp("mediated-settings-XXXXXX", &path, NULL);

    g_assert_cmpint(fd, >=, 0);
    g_assert_true(g_close(fd, NULL));
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    settings = load_file(path, TRUE, error);
    g_unlink(path);
    return settings;
}


static void
test_defaults(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MdSettings) settings = load_file(NULL, FALSE, &error);

    g_assert_no_error(error);
    g_assert_cmpstr(settings->socket_dir, ==, "/run/libvirt");
    g_assert_null(settings->socket_group);
    g_assert_cmpuint(settings->socket_rw_mode, ==, 0700);
    g_assert_cmpuint(settings->socket_ro_mode, ==, 0777);
    g_assert_cmpuint(settings->max_client_requests, ==, 5);
    g_assert_cmpuint(settings->event_timeout, ==, 5000);
    g_assert_cmpstr(settings->scripts_dir, ==, "/usr/lib/mdevctl/scripts.d");
    g_assert_cmpstr(settings->scripts_deprecated_dir, ==, "/etc/mdevctl.d/scripts.d");
    g_assert_cmpuint(settings->script_timeout, ==, 30000);
    g_assert_cmpstr(settings->definitions_dir, ==, "/etc/mdevctl.d");
    g_assert_cmpstr(settings->state_dir, ==, "/run/mediated");
    g_assert_true(settings->vgpu_enabled);
    g_assert_true(settings->vgpu_enable);
    g_assert_cmpuint(settings->vgpu_settle, ==, 10000);
    g_assert_cmpuint(settings->vgpu_poll, ==, 0);
    g_assert_cmpint(settings->auth_unix_rw, ==, MD_AUTH_NONE);
    g_assert_cmpint(settings->auth_unix_ro, ==, MD_AUTH_NONE);
    g_assert_false(settings->access_drivers);
    g_assert_true(settings->xml_details);
}


static void
test_update(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MdSettings) settings =
        load("[sockets]\ngroup = old\n[keepalive]\ninterval = 1\n", &error);
    g_autoptr(MdSettings) from =
        load("[sockets]\ngroup = new\nrw_mode = 0770\n[udev]\nreceive_buffer = 4096\n"
             "[limits]\nmax_clients = 7\n[xml]\ndetails = false\n",
             &error);

    g_assert_no_error(error);
    g_test_expect_message(G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "*[sockets] group has changed*");
    g_test_expect_message(G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "*[sockets] rw_mode has changed*");
    g_test_expect_message(G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "*[udev] receive_buffer has changed*");
    md_settings_update(settings, from);
    g_test_assert_expected_messages();

    g_assert_cmpstr(settings->socket_group, ==, "old");
    g_assert_cmpuint(settings->socket_rw_mode, ==, 0700);
    g_assert_cmpuint(settings->udev_receive_buffer, ==, 128 << 20);
    g_assert_cmpuint(settings->max_clients, ==, 7);
    g_assert_cmpuint(settings->keepalive_interval, ==, 5000);
    g_assert_false(settings->xml_details);
}


/* A file writable for others is used, because that may be intended, with a warning. */
static void
test_open_to_all(void)
{
    g_autofree char *path = g_build_filename(g_get_tmp_dir(), "mediated-open-to-all.conf", NULL);
    g_autoptr(MdSettings) settings = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(g_file_set_contents(path, "[limits]\nmax_clients = 7\n", -1, NULL));
    g_assert_cmpint(g_chmod(path, 0646), ==, 0);
    g_test_expect_message(G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE,
                          "*open-to-all.conf' is world-writable*");
    settings = load_file(path, TRUE, &error);
    g_test_assert_expected_messages();
    g_unlink(path);
    g_assert_no_error(error);
    g_assert_cmpuint(settings->max_clients, ==, 7);
}


/* An error that quotes invalid bytes of the file is valid UTF-8. */
static void
test_no_utf8(void)
{
    static const char *const texts[] = { "a\xff\n", "[sockets]\n\x95lour = red\n",
                                         "[\xff]\na = 1\n" };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(load(texts[i], &error));
        g_assert_true(g_utf8_validate(error->message, -1, NULL));
    }
}


static void
test_values(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MdSettings) settings =
        load("[sockets]\ndirectory = /tmp/x\ngroup = libvirt\nrw_mode = 0770\n"
             "[limits]\nmax_clients = 7\n[keepalive]\ninterval = 0\n"
             "[callouts]\ndirectory = /d\ntimeout = 0.2\n"
             "[mdev]\nevent_timeout = 0.25\nstate_directory = /tmp/s\n[definitions]\ndirectory = "
             "/tmp/d\n[xml]\ndetails = false\n"
             "[vgpu]\nenabled = false\ntypes_file = /t\npoll = 30\nenable_command = /c\n"
             "[access]\nauth_unix_rw = polkit\nauth_unix_ro = none\naccess_drivers = polkit\n",
             &error);

    g_assert_no_error(error);
    g_assert_cmpstr(settings->socket_dir, ==, "/tmp/x");
    g_assert_cmpstr(settings->socket_group, ==, "libvirt");
    g_assert_cmpuint(settings->socket_rw_mode, ==, 0770);
    g_assert_cmpuint(settings->max_clients, ==, 7);
    g_assert_cmpuint(settings->keepalive_interval, ==, 0);
    g_assert_cmpuint(settings->event_timeout, ==, 250);
    g_assert_cmpstr(settings->scripts_dir, ==, "/d");
    g_assert_cmpuint(settings->script_timeout, ==, 200);
    g_assert_cmpstr(settings->definitions_dir, ==, "/tmp/d");
    g_assert_cmpstr(settings->state_dir, ==, "/tmp/s");
    g_assert_false(settings->vgpu_enabled);
    g_assert_cmpstr(settings->vgpu_types_file, ==, "/t");
    g_assert_cmpuint(settings->vgpu_poll, ==, 30000);
    g_assert_cmpstr(settings->vgpu_enable_command, ==, "/c");
    g_assert_true(settings->auth_unix_rw);
    g_assert_false(settings->auth_unix_ro);
    g_assert_true(settings->access_drivers);
    g_assert_false(settings->xml_details);
}


static void
test_mistake(gconstpointer data)
{
    g_auto(GStrv) parts = g_strsplit(data, "|", 2);
    g_autoptr(GError) error = NULL;
    g_autoptr(MdSettings) settings = load(parts[0], &error);

    g_assert_null(settings);
    g_assert_error(error, MD_ERROR, VIR_ERR_CONF_SYNTAX);
    g_assert_nonnull(strstr(error->message, parts[1]));
}


static void
test_line(void)
{
    static const struct {
        const char *text;
        const char *line;
    } cases[] = {
        { "[xml]\n# a comment\ngarbage\n[mdev]\nmore garbage\n", ":3: " },
        { "key = before\n[xml]\n", ":1: " },
        { "\n\n[xml", ":3: " },
        { "[xml]\n\n= 3\n", ":3: " },
        { "[xml]\nkey[ = x\n", ":2: " },
        { "[xml]\r\ngarbage", ":2: " },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MdSettings) settings = load(cases[i].text, &error);

        g_assert_null(settings);
        g_assert_nonnull(error);
        g_assert_nonnull(strstr(error->message, cases[i].line));
    }
}


static void
test_find_group(void)
{
    g_autoptr(MdSettings) none = load("", NULL);
    g_autoptr(MdSettings) root = load("[sockets]\ngroup = root\n", NULL);
    g_autoptr(MdSettings) wrong = load("[sockets]\ngroup = no such group\n", NULL);
    g_autoptr(GError) error = NULL;

    g_assert_true(md_settings_find_group(none, &error));
    g_assert_true(none->socket_gid == (gid_t)-1);
    g_assert_true(root->socket_gid == (gid_t)-1);
    g_assert_true(md_settings_find_group(root, &error));
    g_assert_true(root->socket_gid == 0);
    g_assert_false(md_settings_find_group(wrong, &error));
    g_assert_error(error, MD_ERROR, VIR_ERR_OPERATION_FAILED);
    g_assert_cmpstr(error->message, ==, "[sockets] group: unknown group 'no such group'");
}


static void
test_missing_file(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MdSettings) optional = load_file("/nonexistent/mediated.conf", FALSE, &error);
    g_autoptr(MdSettings) required = NULL;

    g_assert_no_error(error);
    g_assert_nonnull(optional);
    required = load_file("/nonexistent/mediated.conf", TRUE, &error);
    g_assert_null(required);
    g_assert_nonnull(strstr(error->message, "/nonexistent/mediated.conf"));
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/settings/defaults", test_defaults);
    g_test_add_func("/settings/values", test_values);
    g_test_add_func("/settings/no-utf8", test_no_utf8);
    g_test_add_func("/settings/open-to-all", test_open_to_all);
    g_test_add_func("/settings/update", test_update);
    g_test_add_func("/settings/missing-file", test_missing_file);
    g_test_add_data_func("/settings/unknown-key",
                         "[xml]\ncolour = red\n|[xml] colour: unknown setting", test_mistake);
    g_test_add_data_func("/settings/unknown-group", "[tls]\nkey = x\n|[tls]: unknown section",
                         test_mistake);
    g_test_add_data_func("/settings/unknown-empty-group", "[xml]\n[tls]\n|[tls]: unknown section",
                         test_mistake);
    g_test_add_data_func(
        "/settings/bad-boolean",
        "[xml]\ndetails = perhaps\n|[xml] details: invalid value 'perhaps', expected true or false",
        test_mistake);
    g_test_add_data_func("/settings/bad-polkit",
                         "[access]\nauth_unix_rw = sasl\n|[access] auth_unix_rw: invalid value "
                         "'sasl', expected none, polkit or root",
                         test_mistake);
    g_test_add_data_func("/settings/bad-mode",
                         "[sockets]\nrw_mode = 0999\n|[sockets] rw_mode: invalid value '0999', "
                         "expected an octal number from 0 to 777",
                         test_mistake);
    g_test_add_data_func("/settings/zero-clients",
                         "[limits]\nmax_clients = 0\n|[limits] max_clients: invalid value '0', "
                         "expected a number from 1 to 1000000",
                         test_mistake);
    g_test_add_data_func("/settings/negative-time",
                         "[mdev]\nevent_timeout = -1\n|[mdev] event_timeout: invalid value "
                         "'-1', expected a number of seconds from 0.001 to 3600",
                         test_mistake);
    g_test_add_data_func("/settings/nan-time", "[mdev]\nevent_timeout = nan\n|[mdev] event_timeout",
                         test_mistake);
    g_test_add_data_func("/settings/empty-text",
                         "[sockets]\ndirectory =\n|[sockets] directory: invalid value '', "
                         "expected a non-empty string",
                         test_mistake);
    g_test_add_data_func("/settings/bad-escape", "[xml]\ndetails = a\\q\n|[xml] details: the value",
                         test_mistake);
    g_test_add_data_func("/settings/bad-escape-in-text",
                         "[sockets]\ndirectory = a\\q\n|[sockets] directory: the value",
                         test_mistake);
    g_test_add_func("/settings/line", test_line);
    g_test_add_func("/settings/find-group", test_find_group);
    return g_test_run();
}
