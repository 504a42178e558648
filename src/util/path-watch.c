/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "util/path-watch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/names.h"
#include "util/path-walk.h"

/* Block or in-memory file systems unknown to <linux/magic.h>. */
#define MAGIC_ZFS    0x2fc12fc1
#define MAGIC_BCACHE 0xca451a4e

/* Maximum size in bytes of unrelated events; beyond it, everything counts as changed. */
#define BUFFER_SIZE    16384
#define EVENT_SIZE_MAX (sizeof(struct inotify_event) + NAME_MAX + 1)

#define MASK_SELF  (IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_MASK_ADD)
#define MASK_NAMES (MASK_SELF | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)

struct _MdPathWatch {
    int poll; /* epoll instance for the next two descriptors */
    int inotify;
    int mounts;        /* detects mounts over a directory, which inotify does not report */
    GHashTable *names; /* id -> set of names that must not change; NULL: none may change */
    gboolean changed;
};

/* The watches of one walk, in order. */
typedef struct {
    MdPathWatch *watch;
    GArray *ids;
} PathWatches;


static void
names_free(GHashTable *names)
{
    if (names != NULL)
        g_hash_table_unref(names);
}


static gboolean
watch_poll(MdPathWatch *self, int fd, guint32 events)
{
    struct epoll_event event = { .events = events, .data.fd = fd };

    return fd >= 0 && epoll_ctl(self->poll, EPOLL_CTL_ADD, fd, &event) == 0;
}


MdPathWatch *
md_path_watch_new(void)
{
    MdPathWatch *self = g_new0(MdPathWatch, 1);

    self->poll = epoll_create1(EPOLL_CLOEXEC);
    self->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    self->mounts = open(MD_PATH_SELF "/mountinfo", O_RDONLY | O_CLOEXEC);
    self->names = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)names_free);
    self->changed =
        !watch_poll(self, self->inotify, EPOLLIN) || !watch_poll(self, self->mounts, EPOLLPRI);
    return self;
}


void
md_path_watch_free(MdPathWatch *self)
{
    int fds[3];

    if (self == NULL)
        return;

    fds[0] = self->poll;
    fds[1] = self->inotify;
    fds[2] = self->mounts;
    for (gsize i = 0; i < G_N_ELEMENTS(fds); i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
    g_hash_table_unref(self->names);
    g_free(self);
}


/* Whether only this kernel can change the directory, so that inotify reports all changes. */
static gboolean
is_local(int directory)
{
    static const guint32 local[] = { BTRFS_SUPER_MAGIC,     EROFS_SUPER_MAGIC_V1, EXT4_SUPER_MAGIC,
                                     F2FS_SUPER_MAGIC,      MAGIC_BCACHE,         MAGIC_ZFS,
                                     OVERLAYFS_SUPER_MAGIC, RAMFS_MAGIC,          SQUASHFS_MAGIC,
                                     TMPFS_MAGIC,           XFS_SUPER_MAGIC };
    struct statfs st;

    if (fstatfs(directory, &st) < 0)
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(local); i++) {
        if ((guint32)st.f_type == local[i])
            return TRUE;
    }
    return FALSE;
}


static void
watch_add_name(MdPathWatch *self, int id, const char *name)
{
    gpointer key = GINT_TO_POINTER(id);
    gpointer names = NULL;

    if (name == NULL) {
        g_hash_table_replace(self->names, key, NULL);
        return;
    }
    if (!g_hash_table_lookup_extended(self->names, key, NULL, &names)) {
        names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_hash_table_insert(self->names, key, names);
    }
    if (names != NULL)
        g_hash_table_add(names, g_strdup(name));
}


/* Watches the directory itself and a name in it; NULL: all names, "": none. */
static void
watches_add(PathWatches *watches, int directory, const char *name)
{
    guint32 mask = name == NULL || *name != '\0' ? MASK_NAMES : MASK_SELF;
    g_autofree char *path = g_strdup_printf(MD_PATH_SELF "/fd/%d", directory);
    int id = inotify_add_watch(watches->watch->inotify, path, mask);

    if (id < 0 || !is_local(directory))
        watches->watch->changed = TRUE;
    else
        watch_add_name(watches->watch, id, name);
    g_array_append_val(watches->ids, id);
}


/* A directory on the path is watched itself: the event of its own removal or move is enough. A
 * link, a file or a missing entry is watched by name in its directory, because it may be
 * replaced. */
static gboolean
on_step(const MdPathStep *step, gpointer data)
{
    if (step->errnum == 0 && S_ISDIR(step->st.st_mode))
        watches_add(data, step->fd, "");
    else if (step->directory >= 0)
        watches_add(data, step->directory, step->name);
    return TRUE;
}


static int
watches_walk(PathWatches *watches, const char *path)
{
    int fd = md_path_walk(path, on_step, watches);
    int errnum = errno;

    if (fd >= 0)
        watches_add(watches, fd, NULL);
    errno = errnum;
    return fd;
}


/* Walks twice: if an entry was replaced during the first walk before its watch was added, the
 * second walk finds another one. */
int
md_path_watch_add(MdPathWatch *self, const char *path)
{
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(int));
    g_autoptr(GArray) again = g_array_new(FALSE, FALSE, sizeof(int));
    G_GNUC_UNUSED g_auto(MdFd) first = watches_walk(&(PathWatches){ self, ids }, path);
    int fd = watches_walk(&(PathWatches){ self, again }, path);
    int errnum = errno;

    if (ids->len != again->len || memcmp(ids->data, again->data, ids->len * sizeof(int)) != 0)
        self->changed = TRUE;
    errno = errnum;
    return fd;
}


static gboolean
watch_means(MdPathWatch *self, const struct inotify_event *event)
{
    gpointer names = NULL;

    if (event->len == 0 ||
        !g_hash_table_lookup_extended(self->names, GINT_TO_POINTER(event->wd), NULL, &names))
        return TRUE;
    return names == NULL || g_hash_table_contains(names, event->name);
}


/* Whether all events so far were unrelated. */
static gboolean
watch_pass_events(MdPathWatch *self)
{
    _Alignas(struct inotify_event) char buffer[BUFFER_SIZE];
    ssize_t got = read(self->inotify, buffer, sizeof(buffer));
    ssize_t at = 0;

    while (at < got) {
        const struct inotify_event *event = (gpointer)(buffer + at);

        if (watch_means(self, event))
            return FALSE;
        at += (ssize_t)(sizeof(*event) + event->len);
    }
    return got > 0 && got + (ssize_t)EVENT_SIZE_MAX <= (ssize_t)sizeof(buffer);
}


gboolean
md_path_watch_is_unchanged(MdPathWatch *self)
{
    struct epoll_event events[2];
    int n_events = 0;

    if (!self->changed)
        n_events = epoll_wait(self->poll, events, G_N_ELEMENTS(events), 0);
    /* Any event about mounts counts as a change, because it has no details. */
    if (n_events < 0 || n_events > 1 || (n_events == 1 && events[0].data.fd != self->inotify) ||
        (n_events == 1 && !watch_pass_events(self)))
        self->changed = TRUE;
    return !self->changed;
}
