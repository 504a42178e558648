/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs a fuzz entry over files and directories, one TAP case per file, without a fuzzer: inputs
 * that once crashed are tested with any compiler.
 */
#include "config.h"

#include <glib.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);


static void
run_file(gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *content = NULL;
    gsize size = 0;

    g_file_get_contents(data, &content, &size, &error);
    g_assert_no_error(error);
    g_assert_cmpint(LLVMFuzzerTestOneInput((const guint8 *)content, size), ==, 0);
}


static void
add_file(char *path)
{
    g_autofree char *base = g_path_get_basename(path);
    g_autofree char *name = g_strconcat("/fuzz/", base, NULL);

    g_test_add_data_func_full(name, path, run_file, g_free);
}


static void
add_path(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name = NULL;

    if (dir == NULL) {
        add_file(g_strdup(path));
        return;
    }
    while ((name = g_dir_read_name(dir)) != NULL)
        add_file(g_build_filename(path, name, NULL));
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    if (argc < 2) {
        g_printerr("usage: %s FILE-OR-DIRECTORY...\n", argv[0]);
        return EXIT_FAILURE;
    }
    for (int i = 1; i < argc; i++)
        add_path(argv[i]);
    return g_test_run();
}
