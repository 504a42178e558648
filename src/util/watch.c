/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "util/watch.h"

#include <errno.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "util/error.h"
#include "util/names.h"
#include "util/polled.h"

/* Bytes of events read before the main loop serves others. */
#define BUFFER_SIZE 16384

#define MASK_BEGUN (IN_CREATE | IN_ATTRIB)
#define MASK_DONE  (IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE)
#define MASK_GONE  (IN_DELETE_SELF | IN_MOVE_SELF)

struct _MdWatch {
    GObject parent;

    int fd;
    MdPolled polled;
    GHashTable *removed; /* set of ids whose final event has not arrived */
};

enum { SIGNAL_EVENT, SIGNAL_LOST, SIGNAL_LAST };

static guint signals[SIGNAL_LAST];

G_DEFINE_FINAL_TYPE(MdWatch, md_watch, G_TYPE_OBJECT)


static void
md_watch_finalize(GObject *object)
{
    MdWatch *self = MD_WATCH(object);

    if (self->fd >= 0) {
        md_polled_set(&self->polled, self->fd, 0, NULL, NULL, NULL);
        close(self->fd);
    }
    g_hash_table_unref(self->removed);
    G_OBJECT_CLASS(md_watch_parent_class)->finalize(object);
}


static void
md_watch_class_init(MdWatchClass *klass)
{
    G_OBJECT_CLASS(klass)->finalize = md_watch_finalize;
    signals[SIGNAL_EVENT] =
        g_signal_new("event", MD_TYPE_WATCH, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 3,
                     G_TYPE_INT, G_TYPE_STRING, G_TYPE_INT);
    signals[SIGNAL_LOST] =
        g_signal_new("lost", MD_TYPE_WATCH, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}


static void
md_watch_init(MdWatch *self)
{
    self->fd = -1;
    self->removed = g_hash_table_new(NULL, NULL);
}


static void
handle_event(MdWatch *self, const struct inotify_event *event)
{
    gpointer id = GINT_TO_POINTER(event->wd);

    if (event->mask & IN_Q_OVERFLOW) {
        g_hash_table_remove_all(self->removed);
        g_signal_emit(self, signals[SIGNAL_LOST], 0);
        return;
    }
    /* Queued before the watch was removed, or the final event of a removed watch. */
    if (event->mask & IN_IGNORED ? g_hash_table_remove(self->removed, id)
                                 : g_hash_table_contains(self->removed, id))
        return;

    if (event->mask & (MASK_GONE | IN_IGNORED)) {
        if (event->mask & MASK_GONE) {
            g_hash_table_add(self->removed, id);
            inotify_rm_watch(self->fd, event->wd);
        }
        g_signal_emit(self, signals[SIGNAL_EVENT], 0, event->wd, NULL, MD_WATCH_GONE);
    } else if (event->len > 0) {
        g_signal_emit(self, signals[SIGNAL_EVENT], 0, event->wd, event->name,
                      event->mask & MASK_DONE ? MD_WATCH_DONE : MD_WATCH_BEGUN);
    }
}


void
md_watch_process(MdWatch *self)
{
    g_autoptr(MdWatch) guard G_GNUC_UNUSED = g_object_ref(self);
    _Alignas(struct inotify_event) char buffer[BUFFER_SIZE];
    ssize_t got = read(self->fd, buffer, sizeof(buffer));
    ssize_t at = 0;

    while (at < got) {
        const struct inotify_event *event = (gpointer)(buffer + at);

        handle_event(self, event);
        at += (ssize_t)(sizeof(*event) + event->len);
    }
}


static void
on_readable(GIOCondition condition G_GNUC_UNUSED, gpointer data)
{
    md_watch_process(data);
}


MdWatch *
md_watch_new(void)
{
    return g_object_new(MD_TYPE_WATCH, NULL);
}


gboolean
md_watch_start(MdWatch *self, GError **error)
{
    self->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (self->fd < 0) {
        md_error_set_errno(error, errno, "Unable to watch directories");
        return FALSE;
    }
    return md_polled_set_seldom(&self->polled, self->fd, on_readable, self, error);
}


int
md_watch_add(MdWatch *self, int directory, GError **error)
{
    /* Through the descriptor, because another directory may have taken the path meanwhile. */
    g_autofree char *path = g_strdup_printf(MD_PATH_SELF "/fd/%d", directory);
    int id = inotify_add_watch(self->fd, path, MASK_BEGUN | MASK_DONE | MASK_GONE | IN_ONLYDIR);

    if (id < 0) {
        md_error_set_errno(error, errno, "Unable to watch%s",
                           errno == ENOSPC ? ", fs.inotify.max_user_watches is too low" : "");
        return -1;
    }
    return id;
}


void
md_watch_remove(MdWatch *self, int id)
{
    gpointer key = GINT_TO_POINTER(id);

    /* If the kernel has not ended the watch already, its final event follows all others. */
    if (id > 0 && !g_hash_table_contains(self->removed, key) && inotify_rm_watch(self->fd, id) == 0)
        g_hash_table_add(self->removed, key);
}
