/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "util/path-walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "util/fd.h"

typedef struct {
    MdPathStepFunc func;
    gpointer data;
    int at;        /* descriptor of the directory reached so far */
    char *path;    /* of this directory; "" for "/" */
    GString *rest; /* components not walked yet */
    guint n_links;
} Walk;


static void
walk_clear(Walk *walk)
{
    if (walk->at >= 0)
        close(walk->at);
    g_free(walk->path);
    g_string_free(walk->rest, TRUE);
}


G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Walk, walk_clear)


/* Removes and returns the next component; NULL at the end. */
static char *
walk_pop_name(Walk *walk)
{
    gsize begin = strspn(walk->rest->str, "/");
    gsize length = strcspn(walk->rest->str + begin, "/");
    char *name = length > 0 ? g_strndup(walk->rest->str + begin, length) : NULL;

    g_string_erase(walk->rest, 0, (gssize)(begin + length));
    return name;
}


static char *
walk_make_path(Walk *walk, const char *name)
{
    if (g_str_equal(name, "."))
        return g_strdup(walk->path);
    if (!g_str_equal(name, ".."))
        return g_strconcat(walk->path, "/", name, NULL);
    return g_strndup(walk->path, *walk->path != '\0' ? strrchr(walk->path, '/') - walk->path : 0);
}


/* Reports a step; takes ownership of `fd` and returns it, or -1. */
static int
walk_show(Walk *walk, const char *name, const char *path, int fd, struct stat *st)
{
    MdPathStep step = { .name = name,
                        .path = *path != '\0' ? path : "/",
                        .directory = walk->at >= 0 ? walk->at : fd,
                        .fd = fd };

    if (fd < 0 || fstat(fd, &step.st) < 0)
        step.errnum = errno;
    if (!walk->func(&step, walk->data))
        step.errnum = ECANCELED;
    *st = step.st;
    if (step.errnum == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    errno = step.errnum;
    return -1;
}


static gboolean
walk_begin(Walk *walk)
{
    struct stat st;
    int root = walk_show(walk, "/", "", open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), &st);

    if (root < 0)
        return FALSE;
    if (walk->at >= 0)
        close(walk->at);
    walk->at = root;
    g_free(walk->path);
    walk->path = g_strdup("");
    return TRUE;
}


static gboolean
walk_follow(Walk *walk, int link)
{
    char target[PATH_MAX];
    ssize_t length = readlinkat(link, "", target, sizeof(target));

    if (length < 0)
        return FALSE;
    if (length == sizeof(target) || walk->n_links++ == MD_PATH_WALK_MAX_LINKS) {
        errno = length == sizeof(target) ? ENAMETOOLONG : ELOOP;
        return FALSE;
    }
    g_string_prepend_c(walk->rest, '/');
    g_string_prepend_len(walk->rest, target, length);
    return target[0] != '/' || walk_begin(walk);
}


static gboolean
walk_step(Walk *walk, const char *name)
{
    g_autofree char *path = walk_make_path(walk, name);
    struct stat st;
    g_auto(MdFd) fd =
        walk_show(walk, name, path, openat(walk->at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), &st);

    if (fd < 0)
        return FALSE;
    if (S_ISLNK(st.st_mode))
        return walk_follow(walk, fd);
    close(walk->at);
    walk->at = g_steal_fd(&fd);
    g_free(walk->path);
    walk->path = g_steal_pointer(&path);
    return TRUE;
}


int
md_path_walk(const char *path, MdPathStepFunc func, gpointer data)
{
    g_auto(Walk) walk = { .func = func, .data = data, .at = -1, .rest = g_string_new(path) };

    if (*path != '/') {
        errno = EINVAL;
        return -1;
    }
    if (!walk_begin(&walk))
        return -1;
    for (;;) {
        g_autofree char *name = walk_pop_name(&walk);

        if (name == NULL)
            return g_steal_fd(&walk.at);
        if (!walk_step(&walk, name))
            return -1;
    }
}
