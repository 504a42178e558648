/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "vfio/vfio-holder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/names.h"

/* In milliseconds, and in descriptors. Sufficient for a host with thousands of guests. */
#define SEARCH_TIME  2000
#define SEARCH_SHARE 262144

typedef struct {
    const MdVfioSearch *how;
    dev_t node;
    gint64 end;       /* g_get_monotonic_time() */
    GHashTable *seen; /* uid -> number of descriptors inspected; NULL: users have no shares */
    gboolean in_time;
    gboolean skipped; /* descriptors beyond a share were skipped */
    gint64 pid;       /* of the process being inspected */
    gboolean refused; /* a process or descriptor could not be inspected */
    gint64 refused_pid;
} Search;


void
md_vfio_holder_clean_name(char *name)
{
    for (; *name != '\0'; name++) {
        if (!g_ascii_isprint(*name))
            *name = '?';
    }
}


static void
read_name(int proc, const char *pid, MdVfioHolder *holder)
{
    g_autofree char *path = g_build_filename(pid, "comm", NULL);
    g_auto(MdFd) fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, holder->name, sizeof(holder->name) - 1) : 0;

    holder->name[MAX(got, 0)] = '\0';
    g_strchomp(holder->name);
    md_vfio_holder_clean_name(holder->name);
}


/* Counts one descriptor of the user. FALSE if the user's share or the time is used up. */
static gboolean
search_goes_on(Search *search, uid_t uid)
{
    gpointer key = GUINT_TO_POINTER(uid);
    guint seen = 0;

    search->in_time = search->in_time && g_get_monotonic_time() < search->end;
    if (search->seen == NULL || uid == 0)
        return search->in_time;

    seen = GPOINTER_TO_UINT(g_hash_table_lookup(search->seen, key)) + 1;
    g_hash_table_insert(search->seen, key, GUINT_TO_POINTER(seen));
    if (seen <= search->how->share)
        return search->in_time;
    search->skipped = TRUE;
    return FALSE;
}


/* Notes why a process or descriptor could not be inspected. Ignores processes that have ended and
 * descriptors that have been closed. */
static void
search_note_errno(Search *search, int errnum)
{
    if (errnum == ENOENT || errnum == ESRCH)
        return;
    search->refused = TRUE;
    search->refused_pid = search->pid;
}


/* Whether the descriptor refers to the node. Ignores the container node, which belongs to no
 * device. */
static gboolean
is_node(Search *search, int fds, const char *name)
{
    char target[PATH_MAX];
    ssize_t length = readlinkat(fds, name, target, sizeof(target) - 1);
    gsize prefix = strlen(search->how->nodes);
    struct stat st;

    if (length < 0)
        search_note_errno(search, errno);
    if (length <= 0)
        return FALSE;
    target[length] = '\0';
    return strncmp(target, search->how->nodes, prefix) == 0 &&
           !g_str_equal(target + prefix, MD_VFIO_CONTAINER) && fstatat(fds, name, &st, 0) == 0 &&
           S_ISCHR(st.st_mode) && st.st_rdev == search->node;
}


static const struct dirent *
read_entry(Search *search, DIR *dir)
{
    const struct dirent *entry = NULL;

    errno = 0;
    entry = readdir(dir);
    if (entry == NULL && errno != 0)
        search_note_errno(search, errno);
    return entry;
}


static void
close_list(DIR *dir, int fd)
{
    if (dir != NULL)
        closedir(dir);
    else if (fd >= 0)
        close(fd);
}


static gboolean
process_holds(Search *search, int proc, const char *pid)
{
    g_autofree char *path = g_build_filename(pid, "fd", NULL);
    int fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry = NULL;
    gboolean found = FALSE;
    struct stat st;

    if (dir == NULL || fstat(fd, &st) < 0) {
        search_note_errno(search, errno);
        close_list(dir, fd);
        return FALSE;
    }
    while (!found && (entry = read_entry(search, dir)) != NULL &&
           search_goes_on(search, st.st_uid)) {
        if (g_ascii_isdigit(entry->d_name[0]))
            found = is_node(search, fd, entry->d_name);
    }
    closedir(dir);
    return found;
}


/* Searches all processes, until one with the node is found. */
static gboolean
search_run(Search *search, MdVfioHolder *holder)
{
    DIR *dir = opendir(search->how->proc);
    const struct dirent *entry = NULL;
    gboolean found = FALSE;

    if (dir == NULL) {
        search->refused = TRUE;
        return FALSE;
    }
    while (!found && search->in_time && (entry = read_entry(search, dir)) != NULL) {
        if (!g_ascii_isdigit(entry->d_name[0]))
            continue;
        search->pid = g_ascii_strtoll(entry->d_name, NULL, 10);
        found = process_holds(search, dirfd(dir), entry->d_name);
        if (found)
            read_name(dirfd(dir), entry->d_name, holder);
    }
    closedir(dir);
    holder->pid = found ? search->pid : search->refused_pid;
    return found;
}


MdVfioHolding
md_vfio_holder_search(const MdVfioSearch *how, dev_t node, MdVfioHolder *holder)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    Search search = { .how = how,
                      .node = node,
                      .end = g_get_monotonic_time() + (gint64)how->time * 1000,
                      .seen = seen,
                      .in_time = TRUE };

    if (search_run(&search, holder))
        return MD_VFIO_HELD;
    if (search.skipped && search.in_time) {
        search.seen = NULL;
        if (search_run(&search, holder))
            return MD_VFIO_HELD;
    }
    return search.in_time && !search.refused ? MD_VFIO_FREE : MD_VFIO_UNKNOWN;
}


MdVfioHolding
md_vfio_holder_find(const MdRoots *roots, dev_t node, MdVfioHolder *holder)
{
    g_autofree char *nodes = g_build_filename(roots->dev, MD_DEV_VFIO "/", NULL);
    const MdVfioSearch host = { roots->proc, nodes, SEARCH_TIME, SEARCH_SHARE };

    return md_vfio_holder_search(&host, node, holder);
}
