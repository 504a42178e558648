/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finds the process that has a node open: among simulated processes in a directory, with a
 * pseudo-terminal as the node; and by a request to a simulated service on a thread.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "../scratch.h"
#include "backend/vfio-use.h"
#include "util/error.h"
#include "util/fd.h"
#include "vfio/vfio-users.h"

#define NODES "/dev/pts/"

typedef struct {
    char *root;
    int terminal;
    char *path; /* of the node */
    dev_t node;
    guint time;
    guint share;
} Fixture;

/* A service with one answer. */
typedef struct {
    int listener;
    const char *answer; /* NULL: closes the connection */
    char *question;
} Service;


static void
set_up(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    struct stat st;

    fixture->root = g_dir_make_tmp("vfio-XXXXXX", NULL);
    fixture->time = 60000;
    fixture->share = 1000;
    fixture->terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    g_assert_cmpint(fixture->terminal, >=, 0);
    g_assert_cmpint(unlockpt(fixture->terminal), ==, 0);
    fixture->path = g_strdup(ptsname(fixture->terminal));
    g_assert_true(g_str_has_prefix(fixture->path, NODES));
    g_assert_cmpint(stat(fixture->path, &st), ==, 0);
    fixture->node = st.st_rdev;
}


static void
tear_down(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    close(fixture->terminal);
    g_free(fixture->path);
    scratch_remove(fixture->root);
}


/* Adds a descriptor that links to `target` to a process. */
static void
play_descriptor(Fixture *fixture, const char *pid, const char *fd, const char *target)
{
    g_autofree char *directory = g_build_filename(fixture->root, pid, "fd", NULL);
    g_autofree char *link = g_build_filename(directory, fd, NULL);
    g_autofree char *comm = g_build_filename(fixture->root, pid, "comm", NULL);

    g_assert_cmpint(g_mkdir_with_parents(directory, 0755), ==, 0);
    g_assert_true(g_file_set_contents(comm, "a \033guest\n", -1, NULL));
    g_assert_cmpint(symlink(target, link), ==, 0);
}


static MdVfioHolding
search(Fixture *fixture, MdVfioHolder *holder)
{
    MdVfioSearch how = { fixture->root, NODES, fixture->time, fixture->share };

    return md_vfio_holder_search(&how, fixture->node, holder);
}


static void
test_found(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    MdVfioHolder holder = { 0 };

    play_descriptor(fixture, "17", "0", "/dev/null");
    play_descriptor(fixture, "4711", "0", "/nowhere");
    play_descriptor(fixture, "4711", "23", fixture->path);
    g_assert_cmpint(search(fixture, &holder), ==, MD_VFIO_HELD);
    g_assert_cmpint(holder.pid, ==, 4711);
    g_assert_cmpstr(holder.name, ==, "a ?guest");
}


static void
test_free(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    MdVfioHolder holder = { 0 };

    play_descriptor(fixture, "17", "0", "/dev/null");
    play_descriptor(fixture, "not-a-process", "0", fixture->path);
    g_assert_cmpint(search(fixture, &holder), ==, MD_VFIO_FREE);
}


/* The node under an unrelated path, and other nodes under similar paths. */
static void
test_other_paths(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *elsewhere = g_build_filename(fixture->root, "vfio", NULL);
    MdVfioHolder holder = { 0 };

    g_assert_cmpint(symlink(fixture->path, elsewhere), ==, 0);
    play_descriptor(fixture, "17", "0", elsewhere);
    play_descriptor(fixture, "18", "0", NODES "ptmx");
    g_assert_cmpint(search(fixture, &holder), ==, MD_VFIO_FREE);
}


static void
test_incomplete(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    MdVfioSearch nowhere = { "/nowhere", NODES, 60000, 1000 };
    MdVfioHolder holder = { 0 };

    g_assert_cmpint(md_vfio_holder_search(&nowhere, fixture->node, &holder), ==, MD_VFIO_UNKNOWN);
    play_descriptor(fixture, "17", "0", fixture->path);
    fixture->time = 0;
    g_assert_cmpint(search(fixture, &holder), ==, MD_VFIO_UNKNOWN);
}


static void
give_to(Fixture *fixture, const char *pid, uid_t uid)
{
    g_autofree char *fds = g_build_filename(fixture->root, pid, "fd", NULL);

    g_assert_cmpint(chown(fds, uid, (gid_t)-1), ==, 0);
}


/* Descriptors of a user above its share are examined after those of other users. */
static void
test_shares(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    MdVfioHolder holder = { 0 };

    fixture->share = 2;
    play_descriptor(fixture, "17", "0", "/dev/null");
    play_descriptor(fixture, "18", "0", fixture->path);
    g_assert_cmpint(search(fixture, &holder), ==, MD_VFIO_HELD);
    if (geteuid() != 0)
        return;

    give_to(fixture, "17", 65533);
    give_to(fixture, "18", 65533);
    g_assert_cmpint(search(fixture, &holder), ==, MD_VFIO_HELD);
    g_assert_cmpint(holder.pid, ==, 18);
    give_to(fixture, "18", 65534);
    g_assert_cmpint(search(fixture, &holder), ==, MD_VFIO_HELD);
}


static void
play_file(Fixture *fixture, const char *pid, const char *name)
{
    g_autofree char *directory = g_build_filename(fixture->root, pid, NULL);
    g_autofree char *file = g_build_filename(directory, name, NULL);

    g_assert_cmpint(g_mkdir_with_parents(directory, 0755), ==, 0);
    g_assert_true(g_file_set_contents(file, "", 0, NULL));
}


/* The node counts as free only if every process was examined, or has ended. */
static void
test_not_all(Fixture *fixture, gconstpointer data)
{
    const char *unreadable = data;
    MdVfioHolder holder = { 0 };

    play_descriptor(fixture, "17", "0", "/dev/null");
    play_file(fixture, "18", "comm");
    g_assert_cmpint(search(fixture, &holder), ==, MD_VFIO_FREE);
    if (strchr(unreadable, '/') != NULL)
        play_descriptor(fixture, "18", "0", "/dev/null");
    play_file(fixture, "18", unreadable);
    g_assert_cmpint(search(fixture, &holder), ==, MD_VFIO_UNKNOWN);
    g_assert_cmpint(holder.pid, ==, 18);
    play_descriptor(fixture, "19", "1", fixture->path);
    g_assert_cmpint(search(fixture, &holder), ==, MD_VFIO_HELD);
}


static void
test_questions(void)
{
    static const char *const bad[] = { "",      ":",    "1",      "1:",   ":1",           "1:2:3",
                                       "a:1",   "1:-1", "+1:1",   " 1:1", "4294967296:1", "0x1:1",
                                       "1:1\r", "1:1 ", "/dev/x", "1:\n" };
    dev_t node = 0;

    g_assert_true(md_vfio_users_parse_question("511:65535", &node));
    g_assert_cmpuint(major(node), ==, 511);
    g_assert_cmpuint(minor(node), ==, 65535);
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(md_vfio_users_parse_question(bad[i], &node));
}


static void
assert_answer(const char *line, MdVfioHolding holding, gint64 pid, const char *name)
{
    MdVfioHolder holder = { 0 };

    g_assert_cmpint(md_vfio_users_parse_answer(line, &holder), ==, holding);
    g_assert_cmpint(holding == MD_VFIO_HELD ? holder.pid : 0, ==, pid);
    g_assert_cmpstr(holder.name, ==, name);
}


static void
test_answers(void)
{
    static const char *const bad[] = {
        "",          "unknown",  "fre",    "freely",  "held",     "held ",     "held x y",
        "held -1 y", "held 0 y", "held 1", "held 1x", "HELD 1 x", "held  1 x", "held 99999999999 x"
    };
    g_autofree char *free = md_vfio_users_format_answer(MD_VFIO_FREE, NULL);
    g_autofree char *unknown = md_vfio_users_format_answer(MD_VFIO_UNKNOWN, NULL);
    g_autofree char *held =
        md_vfio_users_format_answer(MD_VFIO_HELD, &(MdVfioHolder){ 23, "a guest" });

    g_assert_cmpstr(free, ==, "free\n");
    g_assert_cmpstr(unknown, ==, "unknown\n");
    g_assert_cmpstr(held, ==, "held 23 a guest\n");
    assert_answer("free", MD_VFIO_FREE, 0, "");
    assert_answer("held 23 a guest", MD_VFIO_HELD, 23, "a guest");
    assert_answer("held 23 ", MD_VFIO_HELD, 23, "");
    assert_answer("held 1 \033[31m", MD_VFIO_HELD, 1, "?[31m");
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_answer(bad[i], MD_VFIO_UNKNOWN, 0, "");
}


static gpointer
serve(gpointer data)
{
    Service *service = data;
    g_auto(MdFd) fd = accept(service->listener, NULL, NULL);

    service->question = md_vfio_users_read_line(fd, 60000);
    if (service->answer != NULL)
        g_assert_cmpint(send(fd, service->answer, strlen(service->answer), MSG_NOSIGNAL), >, 0);
    return NULL;
}


/* The result for a service that sends these bytes. */
static MdVfioHolding
ask(Fixture *fixture, const char *answer, MdVfioHolder *holder, char **hint)
{
    g_autofree char *path = g_build_filename(fixture->root, "socket", NULL);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    g_auto(MdFd) listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    Service service = { listener, answer, NULL };
    GThread *thread = NULL;
    MdVfioHolding holding = MD_VFIO_UNKNOWN;

    g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
    g_assert_cmpint(bind(listener, (struct sockaddr *)&address, sizeof(address)), ==, 0);
    g_assert_cmpint(listen(listener, 1), ==, 0);
    thread = g_thread_new("service", serve, &service);
    holding = md_vfio_users_ask(path, makedev(511, 3), holder, hint);
    g_thread_join(thread);
    g_assert_cmpstr(service.question, ==, "511:3");
    g_free(service.question);
    g_assert_cmpint(g_unlink(path), ==, 0);
    return holding;
}


static void
test_ask(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    MdVfioHolder holder = { 0 };
    g_autofree char *hint = NULL;

    g_assert_cmpint(ask(fixture, "free\n", &holder, &hint), ==, MD_VFIO_FREE);
    g_assert_cmpint(ask(fixture, "held 23 guest\n", &holder, &hint), ==, MD_VFIO_HELD);
    g_assert_cmpint(holder.pid, ==, 23);
    g_assert_cmpstr(holder.name, ==, "guest");
    g_assert_null(hint);
}


/* An invalid answer is reported as an error. */
static void
test_ask_in_vain(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *flood = g_strnfill(100000, 'x');
    const char *const bad[] = { NULL, "free", "unknown\n", "\n", "free\nfree\n", flood };
    MdVfioHolder holder = { 0 };

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *hint = NULL;

        g_assert_cmpint(ask(fixture, bad[i], &holder, &hint), ==, MD_VFIO_UNKNOWN);
        g_assert_nonnull(hint);
    }
}


static void
test_nobody_to_ask(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *long_path = g_strnfill(200, 'x');
    const char *const paths[] = { "/nowhere/socket", long_path };
    MdVfioHolder holder = { 0 };

    for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autofree char *hint = NULL;

        g_assert_cmpint(md_vfio_users_ask(paths[i], fixture->node, &holder, &hint), ==,
                        MD_VFIO_UNKNOWN);
        g_assert_nonnull(strstr(hint, paths[i]));
    }
}


/* Drops the right to inspect other processes, or restores it. FALSE: the test never had it. */
static gboolean
set_may_search(gboolean may_search)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };
    guint32 bit = CAP_TO_MASK(CAP_SYS_PTRACE);

    g_assert_cmpint(syscall(SYS_capget, &header, data), ==, 0);
    if ((data[0].permitted & bit) == 0)
        return FALSE;
    data[0].effective = may_search ? data[0].effective | bit : data[0].effective & ~bit;
    g_assert_cmpint(syscall(SYS_capset, &header, data), ==, 0);
    return TRUE;
}


/* A device with a node of its own is removed only if it is certain that no process has it open. */
static void
test_check_free(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *node = g_build_filename(fixture->root, "vfio-dev", "vfio0", NULL);
    g_autofree char *attribute = g_build_filename(node, "dev", NULL);
    g_autoptr(MdSysfsDir) device = md_sysfs_dir_open(fixture->root, NULL);
    g_autoptr(MdRoots) roots = md_roots_new_below(fixture->root, FALSE);
    g_autoptr(GError) error = NULL;
    gboolean may_search = set_may_search(FALSE);
    MdVfioHolder holder = { 0 };

    g_assert_true(md_vfio_use_check_free(roots, device, NULL));
    g_assert_cmpint(g_mkdir_with_parents(node, 0755), ==, 0);
    g_assert_true(g_file_set_contents(attribute, "511:3\n", -1, NULL));
    g_assert_false(md_vfio_use_check_free(roots, device, &error));
    g_assert_error(error, MD_ERROR, VIR_ERR_INTERNAL_ERROR);
    g_assert_nonnull(strstr(error->message, "cannot tell whether the device is in use"));
    g_assert_nonnull(strstr(error->message, "mediated-vfio-users"));

    if (may_search && set_may_search(TRUE))
        g_assert_true(md_vfio_use_check_free(roots, device, NULL) ==
                      (md_vfio_holder_find(roots, makedev(511, 3), &holder) == MD_VFIO_FREE));
    g_clear_error(&error);
    g_assert_true(g_file_set_contents(attribute, "nonsense\n", -1, NULL));
    g_assert_false(md_vfio_use_check_free(roots, device, &error));
    g_assert_error(error, MD_ERROR, VIR_ERR_INTERNAL_ERROR);
    g_assert_nonnull(strstr(error->message, "cannot tell"));
    g_assert_cmpint(g_unlink(attribute), ==, 0);
    g_assert_true(md_vfio_use_check_free(roots, device, NULL));
}


/* A client that sends no question does not keep the program running. */
static void
test_silence(void)
{
    int fds[2] = { -1, -1 };

    g_assert_cmpint(pipe(fds), ==, 0);
    g_assert_null(md_vfio_users_read_line(fds[0], 1));
    g_assert_cmpint(errno, ==, ETIMEDOUT);
    close(fds[0]);
    close(fds[1]);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, func) g_test_add(path, Fixture, NULL, set_up, func, tear_down)
    ADD("/vfio/found", test_found);
    ADD("/vfio/free", test_free);
    ADD("/vfio/other-paths", test_other_paths);
    ADD("/vfio/incomplete", test_incomplete);
    ADD("/vfio/shares", test_shares);
    g_test_add("/vfio/not-all/descriptor", Fixture, "fd/1", set_up, test_not_all, tear_down);
    g_test_add("/vfio/not-all/process", Fixture, "fd", set_up, test_not_all, tear_down);
    ADD("/vfio/ask", test_ask);
    ADD("/vfio/ask/in-vain", test_ask_in_vain);
    ADD("/vfio/ask/nobody", test_nobody_to_ask);
    ADD("/vfio/check-free", test_check_free);
    g_test_add_func("/vfio/questions", test_questions);
    g_test_add_func("/vfio/answers", test_answers);
    g_test_add_func("/vfio/silence", test_silence);
    return g_test_run();
}
