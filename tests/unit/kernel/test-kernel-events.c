/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * When udevd counts as silent, and what is reported then. Overrides the functions of the C library
 * with which kernel and udevd are queried: the kernel's messages are packets; a packet that begins
 * with '!' is an overflow, with '?' a message of a program.
 */
#include "config.h"

#include "kernel/kernel-events.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/fd.h"

#define TIMEOUT 30 /* event_timeout, in milliseconds */

static MdFd kernel = -1; /* the kernel's end of the socket */
static gboolean has_udevd;
static gboolean is_busy;
static guint asked; /* number of checks for udevd */

/* Receives one more event each time udevd is checked; or NULL. */
static MdKernelEvents *progressing;
static guint64 progress;

/* The reported state. */
static gboolean silent;
static guint changes;
static guint lost;
static guint64 last;
static guint n_events;
static gboolean is_behind;


int
bind(int fd, const struct sockaddr *address, socklen_t size)
{
    const struct sockaddr_nl *netlink = (const struct sockaddr_nl *)address;
    int ends[2] = { -1, -1 };

    g_assert_cmpuint(size, ==, sizeof(*netlink));
    g_assert_cmpint(netlink->nl_groups, ==, 1);
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), ==, 0);
    g_assert_cmpint(dup2(ends[0], fd), ==, fd);
    close(ends[0]);
    kernel = ends[1];
    return 0;
}


int
connect(int fd G_GNUC_UNUSED, const struct sockaddr *address, socklen_t size G_GNUC_UNUSED)
{
    g_assert_cmpint(address->sa_family, ==, AF_UNIX);
    asked++;
    if (progressing != NULL)
        md_kernel_events_acknowledge(progressing, ++progress);
    errno = ECONNREFUSED;
    return has_udevd ? 0 : -1;
}


int
access(const char *path, int mode)
{
    if (!g_str_has_suffix(path, "/udev/queue"))
        return faccessat(AT_FDCWD, path, mode, 0);
    errno = ENOENT;
    return is_busy ? 0 : -1;
}


/* The kernel's address and credentials. */
static void
set_sender(struct msghdr *header, gboolean is_kernel)
{
    struct sockaddr_nl sender = { .nl_family = AF_NETLINK, .nl_groups = 1 };
    struct ucred credentials = { .pid = is_kernel ? 0 : 1 };
    struct cmsghdr *part = CMSG_FIRSTHDR(header);

    memcpy(header->msg_name, &sender, sizeof(sender));
    header->msg_namelen = sizeof(sender);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_CREDENTIALS;
    part->cmsg_len = CMSG_LEN(sizeof(credentials));
    memcpy(CMSG_DATA(part), &credentials, sizeof(credentials));
}


int
recvmmsg(int fd,
         struct mmsghdr *messages,
         unsigned int count,
         int flags,
         struct timespec *timeout G_GNUC_UNUSED)
{
    for (unsigned int i = 0; i < count; i++) {
        struct iovec *place = messages[i].msg_hdr.msg_iov;
        ssize_t got = recv(fd, place->iov_base, place->iov_len, flags);
        char *bytes = place->iov_base;

        if (got < 0)
            return i > 0 ? (int)i : -1;
        if (*bytes == '!') {
            g_assert_cmpuint(i, ==, 0);
            errno = ENOBUFS;
            return -1;
        }
        set_sender(&messages[i].msg_hdr, *bytes != '?');
        memmove(bytes, bytes + (*bytes == '?'), (gsize)got);
        messages[i].msg_len = (unsigned int)got - (*bytes == '?');
    }
    return (int)count;
}


static void
send_as(const char *prefix, guint64 seqnum)
{
    g_autofree char *text =
        g_strdup_printf("%sadd@/d|ACTION=add|DEVPATH=/d|SEQNUM=%" G_GUINT64_FORMAT, prefix, seqnum);
    gsize size = strlen(text) + 1;

    for (gsize i = 0; i + 1 < size; i++) {
        if (text[i] == '|')
            text[i] = '\0';
    }
    g_assert_cmpint(send(kernel, text, size, 0), ==, (gssize)size);
}


static void
send_uevent(guint64 seqnum)
{
    send_as("", seqnum);
}


static void
on_silence_changed(gboolean is_silent, gpointer data G_GNUC_UNUSED)
{
    silent = is_silent;
    changes++;
}


static void
on_event(const MdKernelMessage *message, gpointer data G_GNUC_UNUSED)
{
    last = message->seqnum;
    n_events++;
}


static void
on_lost(gpointer data G_GNUC_UNUSED)
{
    lost++;
}


static gboolean
on_is_behind(gpointer data G_GNUC_UNUSED)
{
    return is_behind;
}


static const MdKernelEventsFuncs funcs = {
    .silence_changed = on_silence_changed,
    .event = on_event,
    .lost = on_lost,
    .is_behind = on_is_behind,
};


static MdKernelEvents *
start(gboolean with_udevd)
{
    static MdSettings settings = { .udev_receive_buffer = 1 << 20, .event_timeout = TIMEOUT };
    g_autoptr(GError) error = NULL;
    MdKernelEvents *self = NULL;

    if (settings.roots == NULL)
        settings.roots = md_roots_new();
    has_udevd = with_udevd;
    is_busy = is_behind = silent = FALSE;
    changes = lost = n_events = asked = 0;
    last = 0;
    self = md_kernel_events_new(&settings, &funcs, NULL, &error);
    g_assert_no_error(error);
    md_kernel_events_listen(self);
    return self;
}


static void
stop(MdKernelEvents *self)
{
    md_kernel_events_free(self);
    close(kernel);
}


static gboolean
on_timeout(gpointer data)
{
    gboolean *over = data;

    *over = TRUE;
    return G_SOURCE_REMOVE;
}


/* Runs the main loop several times while udevd reports an event. */
static void
run_for(guint timeouts)
{
    gboolean over = FALSE;

    g_timeout_add(timeouts * TIMEOUT, on_timeout, &over);
    while (!over)
        g_main_context_iteration(NULL, TRUE);
}


static void
run_until(const guint *count, guint wanted)
{
    while (*count < wanted)
        g_main_context_iteration(NULL, TRUE);
}


/* If udevd reports everything, its presence is not checked, and no kernel event is passed on. */
static void
test_at_work(void)
{
    MdKernelEvents *self = start(TRUE);

    asked = 0;
    md_kernel_events_acknowledge(self, 1);
    send_uevent(1);
    run_for(5);
    md_kernel_events_acknowledge(self, 2);
    send_uevent(2);
    run_for(5);
    g_assert_cmpuint(asked, ==, 0);
    g_assert_cmpuint(changes, ==, 0);
    g_assert_cmpuint(n_events, ==, 0);
    stop(self);
}


static void
test_absent_and_there_again(void)
{
    MdKernelEvents *self = start(FALSE);

    g_assert_true(md_kernel_events_is_silent(self));
    send_uevent(1);
    run_until(&n_events, 1);
    g_assert_cmpuint(last, ==, 1);
    /* Late events of an ended udevd. */
    md_kernel_events_acknowledge(self, 1);
    g_assert_true(md_kernel_events_is_silent(self));

    has_udevd = TRUE;
    send_uevent(2);
    run_until(&changes, 1);
    g_assert_false(silent);
    md_kernel_events_acknowledge(self, 2);
    run_for(5);
    g_assert_cmpuint(changes, ==, 1);
    g_assert_cmpuint(n_events, ==, 1);
    stop(self);
}


static void
test_hangs(void)
{
    MdKernelEvents *self = start(TRUE);

    send_uevent(1);
    run_until(&changes, 1);
    g_assert_true(silent);
    send_uevent(2);
    run_until(&n_events, 1);
    g_assert_cmpuint(last, ==, 2);
    /* udevd resumes, and reports known events. */
    md_kernel_events_acknowledge(self, 1);
    g_assert_false(md_kernel_events_is_silent(self));
    md_kernel_events_acknowledge(self, 2);
    run_for(5);
    g_assert_cmpuint(changes, ==, 2);
    stop(self);
}


/* udevd has ended after reporting the only event. */
static void
test_ends(void)
{
    MdKernelEvents *self = start(TRUE);

    md_kernel_events_acknowledge(self, 1);
    send_uevent(1);
    run_for(1);
    has_udevd = FALSE;
    send_uevent(2);
    run_until(&changes, 1);
    g_assert_true(silent);
    stop(self);
}


/* udevd is not silent if it is busy, if it reports other events, or if the daemon is late. */
static void
test_slow(void)
{
    MdKernelEvents *self = start(TRUE);

    is_busy = TRUE;
    send_uevent(100);
    run_for(10);
    is_busy = FALSE;
    is_behind = TRUE;
    run_for(10);
    g_assert_cmpuint(changes, ==, 0);
    md_kernel_events_acknowledge(self, 100);
    is_behind = FALSE;
    run_for(10);
    g_assert_cmpuint(changes, ==, 0);
    stop(self);
}


/* udevd has a long queue, and makes progress. */
static void
test_progress(void)
{
    MdKernelEvents *self = start(TRUE);

    progress = 0;
    progressing = self;
    is_busy = TRUE;
    send_uevent(1000);
    run_for(10);
    progressing = NULL;
    g_assert_cmpuint(progress, >, 1);
    g_assert_cmpuint(changes, ==, 0);
    g_assert_cmpuint(lost, ==, 0);
    is_busy = FALSE;
    run_until(&changes, 1);
    g_assert_true(silent);
    stop(self);
}


/* udevd is idle and has not reported an event: it was restarted. */
static void
test_lost_by_udevd(void)
{
    MdKernelEvents *self = start(TRUE);

    progress = 10;
    progressing = self;
    send_uevent(1);
    send_uevent(2);
    md_kernel_events_acknowledge(self, 2);
    run_until(&lost, 1);
    progressing = NULL;
    g_assert_cmpuint(changes, ==, 0);
    run_for(10);
    g_assert_cmpuint(lost, ==, 1);
    g_assert_cmpuint(changes, ==, 0);
    stop(self);
}


/* Events of udevd were lost on the way: all devices are scanned. */
static void
test_settled(void)
{
    MdKernelEvents *self = start(TRUE);

    for (guint64 seqnum = 1; seqnum <= 200; seqnum++)
        send_uevent(seqnum);
    /* Some events have been read by now, others are read later. */
    g_main_context_iteration(NULL, FALSE);
    md_kernel_events_forget_older(self, 200);
    run_for(50);
    g_assert_cmpuint(lost, ==, 0);
    g_assert_cmpuint(changes, ==, 0);
    send_uevent(201);
    run_until(&changes, 1);
    g_assert_true(silent);
    stop(self);
}


/* udevd processes several events at once. */
static void
test_another_order(void)
{
    MdKernelEvents *self = start(TRUE);

    for (guint64 seqnum = 1; seqnum <= 200; seqnum++)
        send_uevent(seqnum);
    for (guint64 seqnum = 200; seqnum > 0; seqnum--) {
        md_kernel_events_acknowledge(self, seqnum);
        g_main_context_iteration(NULL, FALSE);
    }
    run_for(50);
    g_assert_cmpuint(lost, ==, 0);
    g_assert_cmpuint(changes, ==, 0);
    stop(self);
}


static void
test_lost(void)
{
    MdKernelEvents *self = start(FALSE);

    g_assert_cmpint(send(kernel, "!", 1, 0), ==, 1);
    run_until(&lost, 1);
    send_uevent(1);
    run_until(&n_events, 1);
    stop(self);

    self = start(TRUE);
    g_assert_cmpint(send(kernel, "!", 1, 0), ==, 1);
    run_until(&lost, 1);
    g_assert_cmpuint(changes, ==, 0);
    stop(self);
}


/* However many events arrive at once, no event counts as missing forever. */
static void
test_any_number(void)
{
    static const guint64 numbers[] = { 1, 7, 8, 9, 55, 56, 57, 63, 64, 65, 127, 128, 129 };

    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++) {
        guint64 n = numbers[i];
        MdKernelEvents *self = start(TRUE);

        md_kernel_events_forget_older(self, n - 1);
        for (guint64 seqnum = 1; seqnum <= n; seqnum++)
            send_uevent(seqnum);
        has_udevd = FALSE;
        run_for(3);
        g_assert_cmpuint(changes, ==, 1);
        g_assert_true(silent);
        stop(self);

        self = start(FALSE);
        send_as("!", 0);
        for (guint64 seqnum = 1; seqnum <= n; seqnum++)
            send_uevent(seqnum);
        run_for(1);
        g_assert_cmpuint(lost, ==, 1);
        stop(self);
    }
}


static void
test_forged(void)
{
    MdKernelEvents *self = start(FALSE);

    for (guint64 seqnum = 1; seqnum < 20; seqnum++)
        send_as("?", seqnum);
    send_uevent(20);
    run_until(&n_events, 1);
    g_assert_cmpuint(last, ==, 20);
    stop(self);

    self = start(TRUE);
    send_as("?", 1);
    run_for(5);
    g_assert_cmpuint(changes, ==, 0);
    stop(self);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kernel-events/at-work", test_at_work);
    g_test_add_func("/kernel-events/absent-and-there-again", test_absent_and_there_again);
    g_test_add_func("/kernel-events/hangs", test_hangs);
    g_test_add_func("/kernel-events/ends", test_ends);
    g_test_add_func("/kernel-events/slow", test_slow);
    g_test_add_func("/kernel-events/progress", test_progress);
    g_test_add_func("/kernel-events/lost-by-udevd", test_lost_by_udevd);
    g_test_add_func("/kernel-events/settled", test_settled);
    g_test_add_func("/kernel-events/another-order", test_another_order);
    g_test_add_func("/kernel-events/lost", test_lost);
    g_test_add_func("/kernel-events/any-number", test_any_number);
    g_test_add_func("/kernel-events/forged", test_forged);
    return g_test_run();
}
