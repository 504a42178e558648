/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "kernel/kernel-events.h"

#include <errno.h>
#include <linux/netlink.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "util/error.h"
#include "util/fd.h"
#include "util/names.h"
#include "util/polled.h"
#include "util/source.h"

/* Messages read per system call, and system calls before the main loop serves others. */
#define MESSAGES_AT_ONCE   8
#define MAX_CALLS_PER_TURN 8

/* Milliseconds that udevd may take to report an event before the daemon checks whether udevd is
 * running. Most events take a few milliseconds. */
#define GRACE 100

/* Milliseconds during which the socket is not polled while udevd is working. Meanwhile, messages
 * are queued in the socket's buffer, so that not every event wakes up the main loop twice. */
#define REST 1000

/* Milliseconds that udevd may be busy without reporting an event. This is udevd's own limit for a
 * single event. */
#define BUSY_MAX (180 * 1000)

/* Maximum number of event numbers that are remembered until both the kernel and udevd have reported
 * the event. */
#define MAX_NUMBERS 65536

/* A message, and the kernel's information about its sender. */
typedef struct {
    char bytes[MD_KERNEL_MESSAGE_MAX];
    struct iovec place;
    struct sockaddr_nl sender;
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
    } control;
} Slot;

struct _MdKernelEvents {
    const MdSettings *settings;
    const MdKernelEventsFuncs *funcs;
    gpointer data;
    char *queue; /* path of udevd's queue file, see MD_RUN_UDEV_QUEUE */
    MdFd fd;
    Slot slots[MESSAGES_AT_ONCE];
    struct mmsghdr headers[MESSAGES_AT_ONCE];

    /* An epoll instance that contains the socket while the socket is polled. Changing the
     * descriptors of the main loop instead would cost a wake-up each time. */
    MdFd alarm;
    MdPolled polled;        /* of `alarm` */
    GSource *timer;         /* while the socket is not polled */
    gboolean awaits_udevd;  /* `timer` is udevd's deadline for the `unreported` events */
    GHashTable *unreported; /* numbers of events reported by the kernel, but not by udevd */
    GHashTable *early;      /* numbers of events reported by udevd, but not yet by the kernel */
    gboolean progress;      /* udevd has reported an event since the timer was set */
    guint quiet_for;        /* milliseconds without an event from udevd */
    guint64 forgotten;      /* events up to this number are never added to `unreported` */
    guint unreported_for;   /* milliseconds since `unreported` was last empty */
    gboolean watching;      /* the socket is in `alarm` */
    gboolean draining; /* messages queued while the socket was not polled are still to be read */
    gboolean gap;      /* events have been lost, and others are still to be read */
    gboolean silent;   /* udevd counts as silent */
    gboolean absent;   /* udevd is not running, and thus silent */
};

static void watch_socket(MdKernelEvents *self);
static void find_unreported(MdKernelEvents *self);
static void set_timer(MdKernelEvents *self, guint milliseconds, GSourceFunc func);


/* Prepares all slots for receiving. */
static void
slots_reset(MdKernelEvents *self)
{
    for (int i = 0; i < MESSAGES_AT_ONCE; i++) {
        Slot *slot = &self->slots[i];

        slot->place = (struct iovec){ .iov_base = slot->bytes, .iov_len = sizeof(slot->bytes) };
        self->headers[i].msg_hdr = (struct msghdr){
            .msg_name = &slot->sender,
            .msg_namelen = sizeof(slot->sender),
            .msg_iov = &slot->place,
            .msg_iovlen = 1,
            .msg_control = &slot->control,
            .msg_controllen = sizeof(slot->control),
        };
    }
}


/* Fills `*got` slots. FALSE if no messages are left. */
static gboolean
slots_receive(MdKernelEvents *self, int *got)
{
    slots_reset(self);
    *got = recvmmsg(self->fd, self->headers, MESSAGES_AT_ONCE, MSG_DONTWAIT, NULL);
    if (*got >= 0)
        return *got == MESSAGES_AT_ONCE;

    *got = 0;
    if (errno == ENOBUFS) {
        g_debug("Lost kernel uevents: %s", g_strerror(errno));
        self->gap = TRUE;
        return TRUE;
    }
    return errno == EINTR;
}


/* FALSE if the message in the slot is not a kernel uevent. */
static gboolean
slot_parse(MdKernelEvents *self, int i, MdKernelMessage *message)
{
    return md_kernel_message_is_genuine(&self->headers[i].msg_hdr) &&
           md_kernel_message_parse(self->slots[i].bytes, self->headers[i].msg_len, message);
}


static void
set_silent(MdKernelEvents *self, gboolean silent)
{
    self->silent = silent;
    g_hash_table_remove_all(self->unreported);
    self->draining = TRUE;
    md_source_clear(&self->timer);
    watch_socket(self);
    self->funcs->silence_changed(silent, self->data);
}


/* After an overflow, the kernel drops messages until the socket has been drained. */
static void
end_gap(MdKernelEvents *self)
{
    if (!self->gap)
        return;
    self->gap = FALSE;
    self->funcs->lost(self->data);
}


/* Passes pending messages to `func`, up to a limit. FALSE if none are left; the main loop then
 * calls again only for a new message. */
static gboolean
receive_messages(MdKernelEvents *self,
                 void (*func)(MdKernelEvents *self, const MdKernelMessage *message))
{
    gboolean more = TRUE;

    for (int i = 0; more && i < MAX_CALLS_PER_TURN; i++) {
        int got = 0;

        more = slots_receive(self, &got);
        for (int k = 0; k < got; k++) {
            MdKernelMessage message = { 0 };

            if (slot_parse(self, k, &message))
                func(self, &message);
        }
    }
    return more && md_fd_is_readable(self->fd);
}


/* A function for receive_messages() while udevd is silent. */
static void
pass_event_on(MdKernelEvents *self, const MdKernelMessage *message)
{
    if (!self->gap)
        self->funcs->event(message, self->data);
}


static gboolean
has_unreported(MdKernelEvents *self)
{
    return g_hash_table_size(self->unreported) > 0;
}


/* If there are too many numbers, all of them are forgotten. An event may then count as lost
 * although udevd has reported it. */
static void
add_number(GHashTable *numbers, guint64 seqnum)
{
    if (g_hash_table_size(numbers) >= MAX_NUMBERS)
        g_hash_table_remove_all(numbers);
    g_hash_table_add(numbers, GSIZE_TO_POINTER((gsize)seqnum));
}


static gboolean
remove_number(GHashTable *numbers, guint64 seqnum)
{
    return g_hash_table_remove(numbers, GSIZE_TO_POINTER((gsize)seqnum));
}


/* Reads the pending messages, and keeps waiting for unreported events. */
static void
drain_socket(MdKernelEvents *self)
{
    md_source_clear(&self->timer);
    self->draining = TRUE;
    watch_socket(self);
    if (has_unreported(self))
        find_unreported(self);
}


static gboolean
on_rest_over(gpointer data)
{
    drain_socket(data);
    return G_SOURCE_REMOVE;
}


/* udevd has failed to report an event in time. If udevd's queue is empty, or udevd has been busy
 * beyond its own limit for one event, it will never report the event: udevd was restarted, or has
 * lost events itself. If it has not reported any other event either, it counts as silent. */
static void
handle_overdue_events(MdKernelEvents *self)
{
    /* Checked before is_behind(): all events that udevd sent before its queue became empty are
     * readable by then. */
    gboolean busy = access(self->queue, F_OK) == 0;

    self->quiet_for = self->progress ? 0 : self->quiet_for + self->settings->event_timeout;
    self->unreported_for += self->settings->event_timeout;
    if (self->funcs->is_behind(self->data)) {
        self->quiet_for = 0;
        drain_socket(self);
    } else if (!self->progress && (!busy || self->quiet_for >= BUSY_MAX)) {
        set_silent(self, TRUE);
    } else if (!busy || self->unreported_for >= BUSY_MAX) {
        g_hash_table_remove_all(self->unreported);
        drain_socket(self);
        self->funcs->lost(self->data);
    } else {
        drain_socket(self);
    }
}


/* Whether udevd is not running, and thus silent. */
static gboolean
find_absent(MdKernelEvents *self)
{
    self->absent = !md_kernel_events_find_udevd(self->settings->roots);
    if (self->absent)
        set_silent(self, TRUE);
    return self->absent;
}


static gboolean
on_udevd_overdue(gpointer data)
{
    MdKernelEvents *self = data;

    if (!find_absent(self))
        handle_overdue_events(self);
    return G_SOURCE_REMOVE;
}


static gboolean
on_grace_over(gpointer data)
{
    MdKernelEvents *self = data;

    if (!find_absent(self))
        set_timer(self, self->settings->event_timeout, on_udevd_overdue);
    return G_SOURCE_REMOVE;
}


static void
set_timer(MdKernelEvents *self, guint milliseconds, GSourceFunc func)
{
    md_source_clear(&self->timer);
    self->awaits_udevd = func != on_rest_over;
    self->progress = FALSE;
    self->timer = md_source_attach(g_timeout_source_new(milliseconds), func, self);
}


static void
leave_socket(MdKernelEvents *self)
{
    epoll_ctl(self->alarm, EPOLL_CTL_DEL, self->fd, NULL);
    self->watching = FALSE;
    if (has_unreported(self))
        set_timer(self, MIN(GRACE, self->settings->event_timeout), on_grace_over);
    else
        set_timer(self, REST, on_rest_over);
}


static void
compare_number(MdKernelEvents *self, const MdKernelMessage *message)
{
    if (!remove_number(self->early, message->seqnum) && message->seqnum > self->forgotten)
        add_number(self->unreported, message->seqnum);
}


/* Compares pending kernel messages with udevd's events. */
static void
find_unreported(MdKernelEvents *self)
{
    gboolean was_draining = self->draining;
    gboolean had_unreported = has_unreported(self);
    gboolean more = receive_messages(self, compare_number);

    if (!had_unreported)
        self->quiet_for = self->unreported_for = 0;
    if (!more) {
        self->draining = FALSE;
        g_hash_table_remove_all(self->early);
        end_gap(self);
    }
    if (!self->draining || !was_draining)
        leave_socket(self);
}


static void
on_readable(GIOCondition condition G_GNUC_UNUSED, gpointer data)
{
    MdKernelEvents *self = data;

    if (self->absent && md_kernel_events_find_udevd(self->settings->roots)) {
        self->absent = FALSE;
        set_silent(self, FALSE);
    }
    if (!self->silent)
        find_unreported(self);
    else if (!receive_messages(self, pass_event_on))
        end_gap(self);
}


static void
watch_socket(MdKernelEvents *self)
{
    struct epoll_event readable = { .events = EPOLLIN };

    if (!self->watching)
        epoll_ctl(self->alarm, EPOLL_CTL_ADD, self->fd, &readable);
    self->watching = TRUE;
}


static gboolean
open_socket(MdFd *fd, guint receive_buffer, GError **error)
{
    struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = MD_KERNEL_GROUP };
    int on = 1;

    *fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
    if (*fd < 0 || setsockopt(*fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ||
        bind(*fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        md_error_set_errno(error, errno, "Unable to receive kernel uevents");
        return FALSE;
    }
    /* SO_RCVBUFFORCE may exceed the administrator's limit, but requires privileges. */
    setsockopt(*fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
    if (setsockopt(*fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer, sizeof(receive_buffer)) < 0)
        g_debug("Unable to enlarge the buffer for kernel uevents: %s", g_strerror(errno));
    return TRUE;
}


MdKernelEvents *
md_kernel_events_new(const MdSettings *settings,
                     const MdKernelEventsFuncs *funcs,
                     gpointer data,
                     GError **error)
{
    g_auto(MdFd) fd = -1;
    g_auto(MdFd) alarm = epoll_create1(EPOLL_CLOEXEC);
    MdKernelEvents *self = NULL;

    if (alarm < 0) {
        md_error_set_errno(error, errno, "Unable to receive kernel uevents");
        return NULL;
    }
    if (!open_socket(&fd, settings->udev_receive_buffer, error))
        return NULL;

    self = g_new0(MdKernelEvents, 1);
    self->settings = settings;
    self->funcs = funcs;
    self->data = data;
    self->fd = g_steal_fd(&fd);
    self->alarm = g_steal_fd(&alarm);
    self->unreported = g_hash_table_new(NULL, NULL);
    self->early = g_hash_table_new(NULL, NULL);
    self->queue = g_build_filename(settings->roots->run, MD_RUN_UDEV_QUEUE, NULL);
    self->absent = self->silent = !md_kernel_events_find_udevd(settings->roots);
    return self;
}


void
md_kernel_events_free(MdKernelEvents *self)
{
    if (self == NULL)
        return;

    md_polled_set(&self->polled, self->alarm, 0, NULL, NULL, NULL);
    md_source_clear(&self->timer);
    g_hash_table_unref(self->unreported);
    g_hash_table_unref(self->early);
    g_free(self->queue);
    close(self->alarm);
    close(self->fd);
    g_free(self);
}


void
md_kernel_events_listen(MdKernelEvents *self)
{
    g_autoptr(GError) error = NULL;

    if (!md_polled_set_seldom(&self->polled, self->alarm, on_readable, self, &error))
        g_warning("Unable to receive kernel uevents: %s", error->message);
    self->draining = TRUE;
    watch_socket(self);
}


void
md_kernel_events_acknowledge(MdKernelEvents *self, guint64 seqnum)
{
    if (seqnum == 0)
        return;

    self->progress = TRUE;
    if (!remove_number(self->unreported, seqnum))
        add_number(self->early, seqnum);
    /* If udevd is not running, this may be one of its last events. */
    if (self->silent && !self->absent)
        set_silent(self, FALSE);
    else if (self->timer != NULL && self->awaits_udevd && !has_unreported(self))
        set_timer(self, REST, on_rest_over);
}


void
md_kernel_events_forget_older(MdKernelEvents *self, guint64 seqnum)
{
    self->forgotten = seqnum;
    g_hash_table_remove_all(self->unreported);
    if (self->timer != NULL && self->awaits_udevd)
        set_timer(self, REST, on_rest_over);
}


gboolean
md_kernel_events_is_silent(MdKernelEvents *self)
{
    return self->silent;
}


/* Connects with a socket of the wrong type. This always fails, but the error shows whether udevd
 * listens. A real connection would occupy the only place in the backlog of udevd's control socket,
 * and make udevadm fail. */
gboolean
md_kernel_events_find_udevd(const MdRoots *roots)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    g_autofree char *path = g_build_filename(roots->run, MD_RUN_UDEV_CONTROL, NULL);
    g_auto(MdFd) fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
    return fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 ||
           (errno != ECONNREFUSED && errno != ENOENT);
}
