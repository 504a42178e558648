/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The main program: options and their actions. */
#include "config.h"

#include <glib/gi18n.h>
#include <locale.h>
#include <stdlib.h>

#include "daemon/check-xml.h"
#include "daemon/daemon.h"
#include "daemon/options.h"
#include "rpc/passed-fds.h"
#include "util/log.h"


static void
print_lines(const GPtrArray *lines)
{
    for (guint i = 0; i < lines->len; i++) {
        g_autofree char *line = md_log_escape(lines->pdata[i]);

        g_printerr("%s\n", line);
    }
}


/* FALSE without an error: virtnodedevd.conf has a mistake, which has been reported. */
static gboolean
check_config(MdSettings *settings, GError **error)
{
    gboolean ok = md_settings_find_group(settings, error);
    g_autofree char *text = md_settings_describe(settings);

    g_print("%s", text);
    print_lines(settings->problems);
    print_lines(settings->notes);
    return ok && settings->problems->len == 0;
}


/* FALSE without an error: a file to be checked is invalid, which has been reported. */
static gboolean
run_program(MdOptions *options, MdSettings *settings, GError **error)
{
    if (options->check_xml)
        return md_check_xml(options, settings->xml_details);
    if (options->check_config)
        return check_config(settings, error);
    return md_daemon_run(options, settings, error);
}


/* Reports why the start failed, to the terminal or the service manager. */
static void
print_error(const GError *error)
{
    g_autofree char *message = md_log_escape(error->message);

    g_printerr("%s: %s\n", PACKAGE_NAME, message);
}


int
main(int argc, char **argv)
{
    g_auto(MdOptions) options = { 0 };
    g_autoptr(MdRoots) roots = md_roots_new();
    g_autoptr(MdSettings) settings = NULL;
    g_autoptr(GError) error = NULL;
    gboolean ok = FALSE;

    setlocale(LC_ALL, "");
    bindtextdomain(PACKAGE_NAME, LOCALEDIR);
    bind_textdomain_codeset(PACKAGE_NAME, "UTF-8");
    textdomain(PACKAGE_NAME);

    md_log_bound_stderr();
    if (!md_options_parse(&options, &argc, &argv, &error)) {
        print_error(error);
        return EXIT_FAILURE;
    }
    if (options.version) {
        g_print("%s %s\n", PACKAGE_NAME, PACKAGE_VERSION);
        return EXIT_SUCCESS;
    }

    options.is_service = md_passed_fds_is_expected();
    md_log_init(options.verbose);
    settings = md_options_load_settings(&options, roots, &error);
    ok = settings != NULL && run_program(&options, settings, &error);
    md_log_end();
    if (error != NULL)
        print_error(error);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
