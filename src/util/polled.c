/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "util/polled.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "util/error.h"
#include "util/source.h"

/* Descriptors reported per iteration of the main loop; others follow in the next one. */
#define READY_MAX 1024

/* One epoll instance with its main loop source. */
typedef struct _MdPolledSet {
    int fd; /* -1: not created yet */
    GSource *source;
    /* Ready in this iteration; a NULL pointer: no longer watched. */
    struct epoll_event ready[READY_MAX];
} Set;

/* The two sets of the process's only main loop, dispatched in this order. */
static Set seldom = { .fd = -1 };
static Set often = { .fd = -1 };


static GIOCondition
to_condition(guint32 events)
{
    guint32 both = events & (EPOLLERR | EPOLLHUP);

    return ((events & EPOLLIN) != 0 || both != 0 ? G_IO_IN : 0) |
           ((events & EPOLLOUT) != 0 || both != 0 ? G_IO_OUT : 0) | (both != 0 ? G_IO_HUP : 0);
}


static guint32
to_events(GIOCondition condition)
{
    return ((condition & G_IO_IN) != 0 ? EPOLLIN : 0) |
           ((condition & G_IO_OUT) != 0 ? EPOLLOUT : 0);
}


/* `ready` may set and remove any descriptor. */
static void
set_dispatch(Set *set)
{
    int n = set->fd >= 0 ? epoll_wait(set->fd, set->ready, READY_MAX, 0) : 0;

    for (int i = 0; i < n; i++)
        ((MdPolled *)set->ready[i].data.ptr)->slot = (guint)i + 1;
    for (int i = 0; i < n; i++) {
        const struct epoll_event *event = &set->ready[i];
        MdPolled *polled = event->data.ptr;

        if (polled == NULL)
            continue;
        polled->slot = 0;
        if ((to_condition(event->events) & polled->wanted) != 0)
            polled->ready(to_condition(event->events) & polled->wanted, polled->data);
    }
}


void
md_polled_process(void)
{
    set_dispatch(&often);
}


static gboolean
on_ready(int fd G_GNUC_UNUSED, GIOCondition condition G_GNUC_UNUSED, gpointer set)
{
    set_dispatch(set);
    return G_SOURCE_CONTINUE;
}


static gboolean
set_open(Set *set, GError **error)
{
    if (set->fd >= 0)
        return TRUE;

    set->fd = epoll_create1(EPOLL_CLOEXEC);
    if (set->fd < 0) {
        md_error_set_errno(error, errno, "cannot create an epoll instance");
        return FALSE;
    }
    set->source =
        md_source_attach(g_unix_fd_source_new(set->fd, G_IO_IN), G_SOURCE_FUNC(on_ready), set);
    return TRUE;
}


gboolean
md_polled_prepare(GError **error)
{
    return set_open(&seldom, error) && set_open(&often, error);
}


static void
polled_remove(MdPolled *self, int fd)
{
    Set *set = self->set;

    epoll_ctl(set->fd, EPOLL_CTL_DEL, fd, NULL);
    if (self->slot > 0)
        set->ready[self->slot - 1].data.ptr = NULL;
    *self = (MdPolled){ 0 };
}


gboolean
md_polled_set(MdPolled *self,
              int fd,
              GIOCondition wanted,
              void (*ready)(GIOCondition condition, gpointer data),
              gpointer data,
              GError **error)
{
    struct epoll_event event = { .events = to_events(wanted), .data.ptr = self };

    if (self->once)
        event.events |= EPOLLET;

    if (wanted == self->wanted)
        return TRUE;
    if (wanted == 0) {
        polled_remove(self, fd);
        return TRUE;
    }
    if (!md_polled_prepare(error))
        return FALSE;
    if (self->set == NULL)
        self->set = &often;
    if (epoll_ctl(self->set->fd, self->wanted == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) <
        0) {
        md_error_set_errno(error, errno, "cannot watch a descriptor");
        return FALSE;
    }
    self->wanted = wanted;
    self->ready = ready;
    self->data = data;
    return TRUE;
}


gboolean
md_polled_set_eventfd(MdPolled *self,
                      int fd,
                      void (*ready)(GIOCondition condition, gpointer data),
                      gpointer data,
                      GError **error)
{
    self->once = TRUE;
    return md_polled_set(self, fd, G_IO_IN, ready, data, error);
}


gboolean
md_polled_set_seldom(MdPolled *self,
                     int fd,
                     void (*ready)(GIOCondition condition, gpointer data),
                     gpointer data,
                     GError **error)
{
    self->set = &seldom;
    return md_polled_set(self, fd, G_IO_IN, ready, data, error);
}
