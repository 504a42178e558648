/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the daemon leaves with the service manager fits into the next daemon's environment. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/notify.h"

#define FDS_PER_MESSAGE_MAX 253
/* More than fit under any name. */
#define TOO_MANY 70000
#define END      "END"

typedef struct {
    int fd;
    guint n_fds;
    guint n_notifications; /* with descriptors */
    char name[32];         /* of the last descriptors */
} Manager;


static void
manager_take(Manager *self, struct msghdr *message, const char *text)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL;
         part = CMSG_NXTHDR(message, part)) {
        size_t n = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        int fds[FDS_PER_MESSAGE_MAX];

        g_assert_cmpint(part->cmsg_type, ==, SCM_RIGHTS);
        memcpy(fds, CMSG_DATA(part), n * sizeof(int));
        for (size_t i = 0; i < n; i++)
            close(fds[i]);
        self->n_fds += (guint)n;
        self->n_notifications++;
        g_assert_cmpint(sscanf(text, "FDSTORE=1\nFDNAME=%31s", self->name), ==, 1);
    }
}


/* Receives notifications until END. */
static gpointer
manager_run(gpointer data)
{
    Manager *self = data;

    for (;;) {
        char text[256] = "";
        char control[CMSG_SPACE(FDS_PER_MESSAGE_MAX * sizeof(int))];
        struct iovec part = { .iov_base = text, .iov_len = sizeof text - 1 };
        struct msghdr message = { .msg_iov = &part,
                                  .msg_iovlen = 1,
                                  .msg_control = control,
                                  .msg_controllen = sizeof control };

        g_assert_cmpint(recvmsg(self->fd, &message, 0), >, 0);
        if (g_str_equal(text, END))
            return NULL;
        manager_take(self, &message, text);
    }
}


/* Stores n copies of a descriptor under a name; returns how many the manager has received. */
static guint
store(const char *name, guint n)
{
    const char *path = g_getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    Manager manager = { .fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) };
    g_autofree int *fds = g_new(int, n);
    g_autoptr(GError) error = NULL;
    GThread *thread;
    int end;

    g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    unlink(path);
    g_assert_no_errno(bind(manager.fd, (struct sockaddr *)&address, sizeof address));
    thread = g_thread_new("manager", manager_run, &manager);

    for (guint i = 0; i < n; i++)
        fds[i] = STDIN_FILENO;
    g_assert_true(md_notify_store(name, fds, n, &error));
    g_assert_no_error(error);

    end = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(sendto(end, END, strlen(END), 0, (struct sockaddr *)&address, sizeof address),
                    ==, strlen(END));
    g_thread_join(thread);
    close(end);
    close(manager.fd);
    unlink(path);
    if (manager.n_fds > 0)
        g_assert_cmpstr(manager.name, ==, name);
    return manager.n_fds;
}


static void
test_stored(void)
{
    g_assert_cmpuint(store("client", 1), ==, 1);
    g_assert_cmpuint(store("client", 1000), ==, 1000);
    g_assert_cmpuint(store("state", 0), ==, 0);
}


static void
test_too_many(void)
{
    const char *names[] = { "client", "a" };

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        guint n;

        g_test_expect_message(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING,
                              "Keeping only * of 70000 descriptors *");
        n = store(names[i], TOO_MANY);
        g_test_assert_expected_messages();
        g_assert_cmpuint(n * (strlen(names[i]) + 1), <=, MD_NOTIFY_STORED_NAMES);
        g_assert_cmpuint((n + 1) * (strlen(names[i]) + 1), >, MD_NOTIFY_STORED_NAMES);
    }
}


int
main(int argc, char **argv)
{
    g_autofree char *path = g_strdup_printf("%s/md-notify-%d", g_get_tmp_dir(), (int)getpid());

    g_test_init(&argc, &argv, NULL);
    g_setenv("NOTIFY_SOCKET", path, TRUE);
    g_test_add_func("/notify/stored", test_stored);
    g_test_add_func("/notify/too-many", test_too_many);
    return g_test_run();
}
