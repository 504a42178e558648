/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "node_device/vfio-holder.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/names.h"

/* Enough for a host with thousands of guests, in milliseconds and descriptors. */
#define SEARCH_TIME  2000
#define SEARCH_SHARE 262144

typedef struct {
    const MdVfioSearch *how;
    dev_t node;
    gint64 end;       /* g_get_monotonic_time() */
    GHashTable *seen; /* uid -> descriptors looked at */
    gboolean in_time;
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


/* Whether there is something left of the share of the user, and of the time. */
static gboolean
search_goes_on(Search *search, uid_t uid)
{
    gpointer key = GUINT_TO_POINTER(uid);
    guint seen = GPOINTER_TO_UINT(g_hash_table_lookup(search->seen, key)) + 1;

    g_hash_table_insert(search->seen, key, GUINT_TO_POINTER(seen));
    search->in_time = search->in_time && g_get_monotonic_time() < search->end;
    return search->in_time && (uid == 0 || seen <= search->how->share);
}


/* The node that everybody may open is of no device. */
static gboolean
is_node(const Search *search, int fds, const char *name)
{
    char target[PATH_MAX];
    ssize_t length = readlinkat(fds, name, target, sizeof(target) - 1);
    gsize prefix = strlen(search->how->nodes);
    struct stat st;

    if (length <= 0)
        return FALSE;
    target[length] = '\0';
    return strncmp(target, search->how->nodes, prefix) == 0 &&
           !g_str_equal(target + prefix, MD_VFIO_CONTAINER) && fstatat(fds, name, &st, 0) == 0 &&
           S_ISCHR(st.st_mode) && st.st_rdev == search->node;
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

    if (dir == NULL) {
        if (fd >= 0)
            close(fd);
        return FALSE;
    }
    if (fstat(fd, &st) == 0) {
        while (!found && search_goes_on(search, st.st_uid) && (entry = readdir(dir)) != NULL)
            found = is_node(search, fd, entry->d_name);
    }
    closedir(dir);
    return found;
}


MdVfioHolding
md_vfio_holder_search(const MdVfioSearch *how, dev_t node, MdVfioHolder *holder)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    gint64 end = g_get_monotonic_time() + (gint64)how->time * 1000;
    Search search = { how, node, end, seen, TRUE };
    DIR *dir = opendir(how->proc);
    const struct dirent *entry = NULL;
    gboolean found = FALSE;

    if (dir == NULL)
        return MD_VFIO_UNKNOWN;
    while (!found && search.in_time && (entry = readdir(dir)) != NULL) {
        if (!g_ascii_isdigit(entry->d_name[0]) ||
            !process_holds(&search, dirfd(dir), entry->d_name))
            continue;
        found = TRUE;
        holder->pid = g_ascii_strtoll(entry->d_name, NULL, 10);
        read_name(dirfd(dir), entry->d_name, holder);
    }
    closedir(dir);
    if (found)
        return MD_VFIO_HELD;
    return search.in_time ? MD_VFIO_FREE : MD_VFIO_UNKNOWN;
}


MdVfioHolding
md_vfio_holder_find(dev_t node, MdVfioHolder *holder)
{
    static const MdVfioSearch host = { MD_PATH_PROC, MD_PATH_DEV_VFIO "/", SEARCH_TIME,
                                       SEARCH_SHARE };

    return md_vfio_holder_search(&host, node, holder);
}
