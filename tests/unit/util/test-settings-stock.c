/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtnodedevd.conf: what it sets, that mediated.conf has precedence, and that neither nonsense nor
 * a combination of both files opens a socket to more users. */
#include "config.h"

#include <glib/gstdio.h>
#include <string.h>

#include "scratch.h"
#include "util/settings.h"

typedef struct {
    char *directory;
    char *stock;
    char *libvirtd;
    char *config;
} Files;


static void
files_set_up(Files *files, gconstpointer data G_GNUC_UNUSED)
{
    files->directory = g_dir_make_tmp("mediated-stock-XXXXXX", NULL);
    files->stock = g_build_filename(files->directory, "virtnodedevd.conf", NULL);
    files->libvirtd = g_build_filename(files->directory, "libvirtd.conf", NULL);
    files->config = g_build_filename(files->directory, "mediated.conf", NULL);
}


static void
files_tear_down(Files *files, gconstpointer data G_GNUC_UNUSED)
{
    scratch_remove(files->directory);
    g_free(files->stock);
    g_free(files->libvirtd);
    g_free(files->config);
}


/* A text may be NULL: no file. */
static MdSettings *
load(const Files *files, const char *stock, const char *config, gboolean is_service)
{
    g_autoptr(MdRoots) roots = md_roots_new_below("/", FALSE);
    const MdSettingsOrigin origin = { .config = files->config,
                                      .stock_config = files->stock,
                                      .libvirtd_config = files->libvirtd,
                                      .is_service = is_service };
    g_autoptr(GError) error = NULL;
    MdSettings *settings = NULL;

    g_unlink(files->stock);
    g_unlink(files->config);
    g_assert_true(stock == NULL || g_file_set_contents(files->stock, stock, -1, NULL));
    g_assert_true(config == NULL || g_file_set_contents(files->config, config, -1, NULL));
    settings = md_settings_load(roots, &origin, &error);
    g_assert_no_error(error);
    return settings;
}


static void
assert_lines(const GPtrArray *lines, guint n)
{
    for (guint i = n; i < lines->len; i++)
        g_test_message("%s", (const char *)lines->pdata[i]);
    g_assert_cmpuint(lines->len, ==, n);
}


static void
assert_line(const GPtrArray *lines, const char *words)
{
    for (guint i = 0; i < lines->len; i++) {
        if (strstr(lines->pdata[i], words) != NULL)
            return;
    }
    g_test_fail_printf("no line with '%s'", words);
}


static void
test_absent(Files *files, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(MdSettings) settings = load(files, NULL, NULL, FALSE);

    assert_lines(settings->problems, 0);
    assert_lines(settings->notes, 0);
    g_assert_cmpuint(settings->socket_rw_mode, ==, 0700);
    g_assert_cmpint(settings->auth_unix_rw, ==, MD_AUTH_NONE);
}


static void
test_values(Files *files, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(MdSettings) settings = load(
        files,
        "unix_sock_dir = \"/run/x\"\nunix_sock_group = \"libvirt\"\n"
        "unix_sock_rw_perms = \"0770\"\nunix_sock_ro_perms = \"0750\"\nauth_unix_rw = "
        "\"none\"\nauth_unix_ro = \"polkit\"\naccess_drivers = [ \"polkit\" ]\nmax_clients = 70\n"
        "max_client_requests = 9\nmax_anonymous_clients = 8\nkeepalive_interval = 7\n"
        "keepalive_count = 3\n",
        NULL, FALSE);

    assert_lines(settings->problems, 0);
    assert_lines(settings->notes, 0);
    g_assert_cmpstr(settings->socket_dir, ==, "/run/x");
    g_assert_cmpstr(settings->socket_group, ==, "libvirt");
    g_assert_cmpuint(settings->socket_rw_mode, ==, 0770);
    g_assert_cmpuint(settings->socket_ro_mode, ==, 0750);
    g_assert_cmpint(settings->auth_unix_rw, ==, MD_AUTH_NONE);
    g_assert_cmpint(settings->auth_unix_ro, ==, MD_AUTH_POLKIT);
    g_assert_true(settings->access_drivers);
    g_assert_cmpuint(settings->max_clients, ==, 70);
    g_assert_cmpuint(settings->max_client_requests, ==, 9);
    g_assert_cmpuint(settings->max_anonymous_clients, ==, 8);
    g_assert_cmpuint(settings->keepalive_interval, ==, 7000);
    g_assert_cmpuint(settings->keepalive_count, ==, 3);
}


static void
test_precedence(Files *files, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(MdSettings) settings =
        load(files, "max_clients = 7\nkeepalive_count = 3\nmax_clients = 8\n",
             "[limits]\nmax_clients = 9\n[keepalive]\n# a comment\n\n interval = 4\ninterval=2\n",
             FALSE);
    g_autofree char *text = NULL;
    g_autofree char *stock = g_strdup_printf("[keepalive] count = 3 (%s:2)\n", files->stock);
    g_autofree char *limit = g_strdup_printf("[limits] max_clients = 9 (%s:2)\n", files->config);
    g_autofree char *last = g_strdup_printf("[keepalive] interval = 2 (%s:7)\n", files->config);

    g_assert_true(md_settings_override(settings, "sockets", "directory", "/x", NULL));
    text = md_settings_describe(settings);
    g_assert_nonnull(strstr(text, stock));
    g_assert_nonnull(strstr(text, limit));
    g_assert_nonnull(strstr(text, last));
    g_assert_nonnull(strstr(text, "[sockets] directory = /x (command line)\n"));
    g_assert_nonnull(strstr(text, "[sockets] rw_mode = 0700 (default)\n"));
    g_assert_nonnull(
        strstr(text, "auth_unix_rw = none (default; polkit for sockets passed by systemd)\n"));
}


/* The first line counts, as in libvirt. */
static void
test_twice(Files *files, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(MdSettings) settings =
        load(files, "auth_unix_rw = \"polkit\"\nauth_unix_rw = \"none\"\n", NULL, FALSE);

    g_assert_cmpint(settings->auth_unix_rw, ==, MD_AUTH_POLKIT);
}


/* Numbers that virtnodedevd accepts and the daemon does not. */
static void
test_numbers(Files *files, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(MdSettings) settings =
        load(files,
             "max_clients = 0\nmax_client_requests = 1000000\nmax_anonymous_clients = 0\n"
             "keepalive_interval = -1\nkeepalive_count = 0\n",
             NULL, FALSE);

    assert_lines(settings->problems, 0);
    assert_lines(settings->notes, 3);
    assert_line(settings->notes, "virtnodedevd.conf:1: max_clients: using 1 in place of 0");
    g_assert_cmpuint(settings->max_clients, ==, 1);
    g_assert_cmpuint(settings->max_client_requests, ==, 10000);
    g_assert_cmpuint(settings->max_anonymous_clients, ==, 1000000);
    g_assert_cmpuint(settings->keepalive_interval, ==, 0);
    g_assert_cmpuint(settings->keepalive_count, ==, 1);
}


/* Each key without effect is named once. */
static void
test_ignored(Files *files, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GString) text = g_string_new("host_uuid = \"x\"\nhost_uuid = \"y\"\n");
    g_autoptr(GString) notes = g_string_new(NULL);
    g_autoptr(MdSettings) settings = NULL;

    for (guint i = 0; i < 100; i++)
        g_string_append_printf(text, "unsupported_key_%02u = 1\n", i);
    settings = load(files, text->str, NULL, FALSE);
    assert_lines(settings->problems, 0);
    for (guint i = 0; i < settings->notes->len; i++) {
        g_assert_cmpuint(strlen(settings->notes->pdata[i]), <, 500);
        g_string_append_printf(notes, "%s,", (const char *)settings->notes->pdata[i]);
    }
    for (guint i = 0; i < 100; i++) {
        g_autofree char *name = g_strdup_printf(" unsupported_key_%02u,", i);

        g_assert_nonnull(strstr(notes->str, name));
    }
    g_assert_nonnull(strstr(notes->str, "host_uuid"));
    g_assert_null(strstr(strstr(notes->str, "host_uuid") + 1, "host_uuid"));
}


/* What concerns access becomes as strict as any value; everything else has its default. */
static void
test_bad_values(Files *files, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(MdSettings) settings =
        load(files,
             "auth_unix_rw = \"sasl\"\nauth_unix_ro = 5\naccess_drivers = [ \"selinux\" ]\n"
             "unix_sock_rw_perms = \"0999\"\nunix_sock_ro_perms = 777\nmax_clients = \"many\"\n"
             "keepalive_interval = [ 5 ]\nunix_sock_dir = \"run\"\nunix_sock_group = \"\"\n"
             "max_client_requests = -1\n",
             NULL, FALSE);

    assert_lines(settings->problems, 10);
    assert_line(settings->problems, "virtnodedevd.conf:1: auth_unix_rw: expected");
    assert_line(settings->problems,
                "virtnodedevd.conf:6: max_clients: expected a number; using the default");
    g_assert_cmpint(settings->auth_unix_rw, ==, MD_AUTH_ROOT);
    g_assert_cmpint(settings->auth_unix_ro, ==, MD_AUTH_ROOT);
    g_assert_true(settings->access_drivers);
    g_assert_cmpuint(settings->socket_rw_mode, ==, 0700);
    g_assert_cmpuint(settings->socket_ro_mode, ==, 0700);
    g_assert_cmpuint(settings->max_clients, ==, 5000);
    g_assert_cmpuint(settings->keepalive_interval, ==, 5000);
    g_assert_cmpstr(settings->socket_dir, ==, "/run/libvirt");
    g_assert_null(settings->socket_group);
}


/* "root" is a value of mediated.conf only; a string is no list. */
static void
test_foreign_values(Files *files, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(MdSettings) settings =
        load(files, "auth_unix_rw = \"root\"\naccess_drivers = \"none\"\n", NULL, FALSE);

    assert_lines(settings->problems, 2);
    g_assert_cmpint(settings->auth_unix_rw, ==, MD_AUTH_ROOT);
    g_assert_true(settings->access_drivers);
}


static void
test_syntax_error(Files *files, gconstpointer data G_GNUC_UNUSED)
{
    static const char bad[] =
        "max_clients = 7\nauth_unix_rw = \"none\"\naccess_drivers = [ \"polkit\"\n";
    g_autoptr(MdSettings) settings = load(files, bad, NULL, TRUE);
    g_autoptr(MdSettings) ours =
        load(files, bad, "[access]\nauth_unix_rw = polkit\nauth_unix_ro = none\n", TRUE);

    assert_lines(settings->problems, 1);
    assert_line(settings->problems, "virtnodedevd.conf:4: access_drivers: expected ',' or ']'");
    g_assert_cmpint(settings->auth_unix_rw, ==, MD_AUTH_ROOT);
    g_assert_cmpint(settings->auth_unix_ro, ==, MD_AUTH_ROOT);
    g_assert_true(settings->access_drivers);
    g_assert_cmpuint(settings->max_clients, ==, 5000);
    g_assert_cmpint(ours->auth_unix_rw, ==, MD_AUTH_POLKIT);
    g_assert_cmpint(ours->auth_unix_ro, ==, MD_AUTH_NONE);
}


static void
test_no_file(Files *files, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(MdSettings) settings = NULL;

    g_free(files->stock);
    files->stock = g_strdup(files->directory);
    settings = load(files, NULL, NULL, FALSE);
    assert_lines(settings->problems, 1);
    assert_line(settings->problems, "not a regular file");
    g_assert_cmpint(settings->auth_unix_rw, ==, MD_AUTH_ROOT);
}


/* Modes, group and authentication of both files. */
static void
test_combinations(Files *files, gconstpointer data G_GNUC_UNUSED)
{
    static const struct {
        const char *stock;
        const char *config;
        MdAuth auth;
        guint mode;
        const char *group;
    } cases[] = {
        /* virtnodedevd's defaults, where its file says half of it. */
        { "auth_unix_rw = \"polkit\"", "", MD_AUTH_POLKIT, 0777, NULL },
        { "unix_sock_rw_perms = \"0777\"", "", MD_AUTH_POLKIT, 0777, NULL },
        { "unix_sock_rw_perms = \"0770\"\nunix_sock_group = \"g\"", "", MD_AUTH_POLKIT, 0770, "g" },
        { "unix_sock_group = \"g\"", "", MD_AUTH_POLKIT, 0777, "g" },
        { "unix_sock_group = \"g\"", "[sockets]\nrw_mode = 0770\n", MD_AUTH_POLKIT, 0770, "g" },
        { "auth_unix_rw = \"none\"", "", MD_AUTH_NONE, 0700, NULL },
        { "auth_unix_rw = \"none\"\nunix_sock_rw_perms = \"0770\"", "", MD_AUTH_NONE, 0770, NULL },
        /* mediated.conf has another authentication. */
        { "unix_sock_rw_perms = \"0777\"\nunix_sock_group = \"g\"",
          "[access]\nauth_unix_rw = none\n", MD_AUTH_NONE, 0700, NULL },
        { "unix_sock_rw_perms = \"0777\"", "[access]\nauth_unix_rw = polkit\n", MD_AUTH_POLKIT,
          0777, NULL },
        { "auth_unix_rw = \"none\"\nunix_sock_rw_perms = \"0777\"",
          "[access]\nauth_unix_rw = root\n", MD_AUTH_ROOT, 0777, NULL },
        { "auth_unix_rw = \"polkit\"", "[access]\nauth_unix_rw = none\n", MD_AUTH_NONE, 0700,
          NULL },
        { "auth_unix_rw = \"polkit\"", "[sockets]\nrw_mode = 0750\n", MD_AUTH_POLKIT, 0750, NULL },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(MdSettings) settings = load(files, cases[i].stock, cases[i].config, FALSE);

        g_test_message("%s; %s", cases[i].stock, cases[i].config);
        g_assert_cmpint(settings->auth_unix_rw, ==, cases[i].auth);
        g_assert_cmpuint(settings->socket_rw_mode, ==, cases[i].mode);
        g_assert_cmpstr(settings->socket_group, ==, cases[i].group);
    }
}


static void
test_service(Files *files, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(MdSettings) defaults = load(files, NULL, NULL, TRUE);
    g_autoptr(MdSettings) stock =
        load(files, "auth_unix_ro = \"none\"\n", "[access]\nauth_unix_rw = root\n", TRUE);

    g_assert_cmpint(defaults->auth_unix_rw, ==, MD_AUTH_POLKIT);
    g_assert_cmpint(defaults->auth_unix_ro, ==, MD_AUTH_POLKIT);
    g_assert_cmpint(stock->auth_unix_rw, ==, MD_AUTH_ROOT);
    g_assert_cmpint(stock->auth_unix_ro, ==, MD_AUTH_NONE);
}


/* The socket keeps its mode over a reload, so without polkit nobody else may use it. */
static void
test_reload(Files *files, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(MdSettings) settings =
        load(files, "auth_unix_rw = \"polkit\"\nhost_uuid = \"\"\n", "", FALSE);
    g_autoptr(MdSettings) none =
        load(files, "auth_unix_rw = \"none\"\nhost_uuid = \"\"\nx = 1\nmax_clients = \"\"\n", "",
             FALSE);
    g_autoptr(MdSettings) wider =
        load(files, "auth_unix_rw = \"none\"\nunix_sock_rw_perms = \"0777\"", "", FALSE);

    g_test_expect_message(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "*:4: max_clients: *");
    g_test_expect_message(G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "*without effect: host_uuid, x");
    g_test_expect_message(G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "*[sockets] rw_mode has changed*");
    g_test_expect_message(G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "*only root may use it*");
    md_settings_update(settings, none);
    g_test_assert_expected_messages();
    g_assert_cmpint(settings->auth_unix_rw, ==, MD_AUTH_ROOT);

    /* Known by now. */
    g_test_expect_message(G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "*[sockets] rw_mode has changed*");
    g_test_expect_message(G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "*only root may use it*");
    md_settings_update(settings, none);
    g_test_assert_expected_messages();

    md_settings_update(settings, wider);
    g_assert_cmpint(settings->auth_unix_rw, ==, MD_AUTH_NONE);
    g_assert_cmpuint(settings->socket_rw_mode, ==, 0777);
}


static void
test_log(Files *files, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(MdSettings) settings =
        load(files,
             "log_level = 1\nlog_filters = \"1:node_device 3:*\"\n"
             "log_outputs = \"3:syslog:virtnodedevd 1:file:/var/log/x\"\n",
             "[log]\nfilters = 2:mediated\n", FALSE);
    g_autoptr(MdSettings) empty =
        load(files, "log_level = 0\nlog_filters = \"\"\nlog_outputs = \" \"\n", NULL, FALSE);
    g_autoptr(MdSettings) bad =
        load(files, "log_level = 5\nlog_filters = \"node_device\"\nlog_outputs = \"1:tape\"\n",
             NULL, FALSE);

    assert_lines(settings->problems, 0);
    g_assert_cmpuint(settings->log_level, ==, 0);
    g_assert_cmpstr(settings->log_filters, ==, "2:mediated");
    g_assert_cmpstr(settings->log_outputs, ==, "3:syslog:virtnodedevd 1:file:/var/log/x");
    assert_lines(empty->problems, 0);
    g_assert_cmpuint(empty->log_level, ==, 2);
    g_assert_null(empty->log_filters);
    g_assert_null(empty->log_outputs);
    assert_lines(bad->problems, 3);
    assert_line(bad->problems, "virtnodedevd.conf:2: log_filters: expected filters such as");
    g_assert_cmpuint(bad->log_level, ==, 2);
    g_assert_null(bad->log_outputs);
}


static void
test_unknown_group(Files *files, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(MdSettings) settings =
        load(files, "unix_sock_group = \"no such group\"\n", NULL, FALSE);
    g_autoptr(GError) error = NULL;

    g_assert_true(md_settings_find_group(settings, &error));
    g_assert_no_error(error);
    g_assert_true(settings->socket_gid == (gid_t)-1);
    assert_line(settings->problems, "virtnodedevd.conf:1: [sockets] group: unknown group");
}


static void
assert_drivers(const Files *files, const char *stock, const char *config, gboolean polkit, guint n)
{
    g_autoptr(MdSettings) settings = load(files, stock, config, FALSE);

    g_assert_cmpint(settings->access_drivers, ==, polkit);
    assert_lines(settings->problems, n);
    assert_lines(settings->notes, 0);
}


/* Of libvirtd.conf, access_drivers applies, unless another file exists or gives it. */
static void
test_libvirtd(Files *files, gconstpointer data G_GNUC_UNUSED)
{
    const char *const polkit = "max_clients = 7\naccess_drivers = [ \"polkit\" ]\nnonsense = 1\n";

    assert_drivers(files, NULL, NULL, FALSE, 0);
    g_assert_true(g_file_set_contents(files->libvirtd, polkit, -1, NULL));
    assert_drivers(files, NULL, NULL, TRUE, 0);
    assert_drivers(files, "", NULL, FALSE, 0);
    assert_drivers(files, NULL, "[access]\naccess_drivers = none\n", FALSE, 0);
    g_assert_true(
        g_file_set_contents(files->libvirtd, "access_drivers = [ \"other\" ]\n", -1, NULL));
    assert_drivers(files, NULL, NULL, TRUE, 1);
    g_assert_true(g_file_set_contents(files->libvirtd, "max_clients = 7\n", -1, NULL));
    assert_drivers(files, NULL, NULL, FALSE, 0);
    g_assert_true(g_file_set_contents(files->libvirtd, "access_drivers = [\n", -1, NULL));
    assert_drivers(files, NULL, NULL, TRUE, 1);
}


#define ADD(name, func) g_test_add(name, Files, NULL, files_set_up, func, files_tear_down)


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/settings-stock/absent", test_absent);
    ADD("/settings-stock/values", test_values);
    ADD("/settings-stock/precedence", test_precedence);
    ADD("/settings-stock/twice", test_twice);
    ADD("/settings-stock/numbers", test_numbers);
    ADD("/settings-stock/ignored", test_ignored);
    ADD("/settings-stock/bad-values", test_bad_values);
    ADD("/settings-stock/foreign-values", test_foreign_values);
    ADD("/settings-stock/syntax-error", test_syntax_error);
    ADD("/settings-stock/no-file", test_no_file);
    ADD("/settings-stock/combinations", test_combinations);
    ADD("/settings-stock/service", test_service);
    ADD("/settings-stock/reload", test_reload);
    ADD("/settings-stock/log", test_log);
    ADD("/settings-stock/unknown-group", test_unknown_group);
    ADD("/settings-stock/libvirtd", test_libvirtd);
    return g_test_run();
}
