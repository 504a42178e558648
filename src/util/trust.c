/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "util/trust.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* As many links as the kernel follows. */
#define MAX_LINKS 40


static char *
explain_one(const char *path)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return g_strdup_printf("Unable to look at '%s': %s", path, g_strerror(errno));
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return g_strdup_printf("'%s' belongs to user %u", path, st.st_uid);
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
        !(S_ISDIR(st.st_mode) && (st.st_mode & S_ISVTX) != 0))
        return g_strdup_printf("'%s' may be written by %s", path,
                               (st.st_mode & S_IWOTH) != 0 ? "everybody" : "its group");
    return NULL;
}


/* A directory and all those above it. */
static char *
explain_directories(const char *path)
{
    g_autofree char *directory = g_strdup(path);

    for (;;) {
        g_autofree char *above = g_path_get_dirname(directory);
        char *why = explain_one(directory);

        if (why != NULL || g_str_equal(above, directory))
            return why;
        g_free(directory);
        directory = g_steal_pointer(&above);
    }
}


/* The directory as it is called, and as it is called without links. */
static char *
explain_way(const char *path)
{
    g_autofree char *directory = g_path_get_dirname(path);
    char *real = realpath(directory, NULL);
    char *why = explain_directories(directory);

    if (why == NULL && real != NULL && !g_str_equal(real, directory))
        why = explain_directories(real);
    free(real);
    return why;
}


/* What a link leads to, one step; NULL if it is none. */
static char *
follow(const char *path)
{
    g_autofree char *target = g_file_read_link(path, NULL);
    g_autofree char *directory = g_path_get_dirname(path);

    if (target == NULL || g_path_is_absolute(target))
        return g_steal_pointer(&target);
    return g_build_filename(directory, target, NULL);
}


char *
md_trust_explain(const char *path)
{
    g_autofree char *at = g_strdup(path);

    for (guint i = 0; i < MAX_LINKS; i++) {
        g_autofree char *next = follow(at);
        char *why = explain_way(at);

        if (why != NULL || next == NULL)
            return why != NULL ? why : explain_one(at);
        g_free(at);
        at = g_steal_pointer(&next);
    }
    return g_strdup_printf("'%s' leads through too many links", path);
}


gboolean
md_trust_is_open_to_all(const struct stat *st)
{
    return (st->st_mode & S_IWOTH) != 0;
}
