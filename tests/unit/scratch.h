/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A temporary directory of a test, removed with its contents. */
#pragma once

#include <glib.h>
#include <glib/gstdio.h>


static inline char *
scratch_path(const char *root, const char *name)
{
    return g_build_filename(root, name, NULL);
}


static inline void
scratch_make_directory(const char *root, const char *name)
{
    g_autofree char *path = scratch_path(root, name);

    g_assert_cmpint(g_mkdir_with_parents(path, 0755), ==, 0);
}


/* Takes ownership of `root`. */
static inline void
scratch_remove(char *root)
{
    g_autofree char *command = g_strdup_printf("rm -r '%s'", root);

    g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
    g_free(root);
}
