/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "util/trust.h"

#include <errno.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/path-walk.h"

typedef struct {
    char *why;  /* NULL: nothing is wrong so far */
    int errnum; /* of a step that could not be checked */
} Explanation;


/*
 * Whether other users may have placed this file or link here: they can hard-link or move files and
 * links that they do not own. Directories cannot be hard-linked, nor moved by users without write
 * permission on them.
 */
static gboolean
may_be_put_by_others(const MdPathStep *step)
{
    struct stat st;

    if (S_ISDIR(step->st.st_mode))
        return FALSE;
    return fstat(step->directory, &st) < 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0;
}


/* In a sticky directory, users can replace only their own entries. The mode of a link has no
 * meaning. */
static char *
explain_step(const MdPathStep *step)
{
    const struct stat *st = &step->st;
    gboolean protected =
        S_ISLNK(st->st_mode) || (S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX) != 0);

    if (step->errnum != 0)
        return g_strdup_printf("Unable to stat '%s': %s", step->path, g_strerror(step->errnum));
    if (st->st_uid != 0 && st->st_uid != geteuid())
        return g_strdup_printf("'%s' belongs to user %u", step->path, st->st_uid);
    if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0 && !protected)
        return g_strdup_printf("'%s' is writable by %s", step->path,
                               (st->st_mode & S_IWOTH) != 0 ? "everybody" : "its group");
    if (may_be_put_by_others(step))
        return g_strdup_printf("'%s' is in a directory writable by others", step->path);
    return NULL;
}


static gboolean
on_step(const MdPathStep *step, gpointer data)
{
    Explanation *explanation = data;

    explanation->why = explain_step(step);
    explanation->errnum = step->errnum;
    return explanation->why == NULL;
}


char *
md_trust_explain(const char *path, int *errnum)
{
    Explanation explanation = { .why = NULL };
    g_auto(MdFd) fd = md_path_walk(path, on_step, &explanation);

    *errnum = fd >= 0 || explanation.why != NULL ? explanation.errnum : errno;
    if (fd >= 0 || explanation.why != NULL)
        return explanation.why;
    if (*errnum == ELOOP)
        return g_strdup_printf("'%s' leads through too many symbolic links", path);
    return g_strdup_printf("Unable to stat '%s': %s", path, g_strerror(*errnum));
}


gboolean
md_trust_is_open_to_all(const struct stat *st)
{
    return (st->st_mode & S_IWOTH) != 0;
}
