/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sockets: created, reused, passed by systemd, refused, removed. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "../default-settings.h"
#include "rpc/listener.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/names.h"

typedef struct {
    char *dir;
    MdSettings *settings;
    GPtrArray *came; /* GINT_TO_POINTER(read_only) of each client */
    guint n_scarce;  /* clients that have taken the last descriptor */
} Fixture;


/* Runs as another process would, right after the socket was created. */
static void (*interfere)(const char *path);


/* Overrides the C library's function. */
int
bind(int fd, const struct sockaddr *address, socklen_t size)
{
    int rc = (int)syscall(SYS_bind, fd, address, size);

    if (rc == 0 && interfere != NULL)
        interfere(((const struct sockaddr_un *)address)->sun_path);
    return rc;
}


static void
set_up(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    fixture->dir = g_dir_make_tmp("listener-XXXXXX", NULL);
    g_assert_nonnull(fixture->dir);
    fixture->settings = default_settings_load();
    g_free(fixture->settings->socket_dir);
    fixture->settings->socket_dir = g_build_filename(fixture->dir, "below", "run", NULL);
    fixture->came = g_ptr_array_new();
}


static void
tear_down(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *below = g_build_filename(fixture->dir, "below", NULL);

    g_rmdir(fixture->settings->socket_dir);
    g_rmdir(below);
    g_assert_cmpint(g_rmdir(fixture->dir), ==, 0);
    g_free(fixture->dir);
    md_settings_free(fixture->settings);
    g_ptr_array_unref(fixture->came);
}


static MdListener *
open_rw(Fixture *fixture, GError **error)
{
    return md_listener_new(fixture->dir, MD_SOCKET_RW, FALSE, 0700, (gid_t)-1, error);
}


/* Returns -1 if the connection is refused. */
static int
knock(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_cmpint(fd, >=, 0);
    g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}


/* Creates a socket with a listener if `live`, else a stale one. */
static int
make_socket(const char *path, gboolean live)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
    g_assert_cmpint(bind(fd, (struct sockaddr *)&address, sizeof(address)), ==, 0);
    if (live) {
        g_assert_cmpint(listen(fd, 1), ==, 0);
        return fd;
    }
    close(fd);
    return -1;
}


static void
assert_mode(const char *path, guint mode)
{
    struct stat st;

    g_assert_cmpint(lstat(path, &st), ==, 0);
    g_assert_cmphex(st.st_mode & 07777, ==, mode);
}


static void
on_client(GSocket *socket, gboolean read_only, gboolean scarce, gpointer data)
{
    Fixture *fixture = data;

    g_assert_true(g_socket_is_connected(socket));
    g_ptr_array_add(fixture->came, GINT_TO_POINTER(read_only));
    fixture->n_scarce += scarce ? 1 : 0;
}


static void
wait_for_clients(Fixture *fixture, guint n)
{
    gint64 end = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;

    while (fixture->came->len < n && g_get_monotonic_time() < end)
        g_main_context_iteration(NULL, FALSE);
    g_assert_cmpuint(fixture->came->len, ==, n);
}


static void
test_open_all(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    mode_t mask = umask(0077);
    g_autoptr(GArray) none = g_array_new(FALSE, FALSE, sizeof(int));
    g_autoptr(GPtrArray) listeners = md_listener_open_all(fixture->settings, none, NULL);
    g_autofree char *rw = g_build_filename(fixture->settings->socket_dir, MD_SOCKET_RW, NULL);
    g_autofree char *ro = g_build_filename(fixture->settings->socket_dir, MD_SOCKET_RO, NULL);
    int fds[2] = { -1, -1 };

    umask(mask);
    g_assert_nonnull(listeners);
    g_assert_cmpuint(listeners->len, ==, 2);
    assert_mode(fixture->settings->socket_dir, 0755);
    assert_mode(rw, 0700);
    assert_mode(ro, 0777);

    for (guint i = 0; i < listeners->len; i++)
        md_listener_start(listeners->pdata[i], on_client, fixture);
    fds[0] = knock(ro);
    wait_for_clients(fixture, 1);
    fds[1] = knock(rw);
    wait_for_clients(fixture, 2);
    g_assert_true(GPOINTER_TO_INT(fixture->came->pdata[0]));
    g_assert_false(GPOINTER_TO_INT(fixture->came->pdata[1]));
    close(fds[0]);
    close(fds[1]);

    g_clear_pointer(&listeners, g_ptr_array_unref);
    g_assert_false(g_file_test(rw, G_FILE_TEST_EXISTS));
    g_assert_false(g_file_test(ro, G_FILE_TEST_EXISTS));
}


static void
test_stale(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *path = g_build_filename(fixture->dir, MD_SOCKET_RW, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(MdListener) listener = NULL;
    int fd = -1;

    make_socket(path, FALSE);
    g_assert_cmpint(knock(path), ==, -1);
    listener = open_rw(fixture, &error);

    g_assert_no_error(error);
    g_assert_nonnull(listener);
    fd = knock(path);
    g_assert_cmpint(fd, >=, 0);
    close(fd);
}


static void
test_live(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *path = g_build_filename(fixture->dir, MD_SOCKET_RW, NULL);
    g_autoptr(GError) error = NULL;
    int owner = make_socket(path, TRUE);
    int fd = -1;

    g_assert_null(open_rw(fixture, &error));
    g_assert_error(error, MD_ERROR, VIR_ERR_RESOURCE_BUSY);
    g_assert_nonnull(strstr(error->message, path));

    /* The socket still belongs to its owner. */
    fd = knock(path);
    g_assert_cmpint(fd, >=, 0);
    close(fd);
    close(owner);
    g_unlink(path);
}


static void
test_no_socket(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *path = g_build_filename(fixture->dir, MD_SOCKET_RW, NULL);
    g_autoptr(GError) error = NULL;

    g_assert_true(g_file_set_contents(path, "precious", -1, NULL));
    g_assert_null(open_rw(fixture, &error));
    g_assert_error(error, MD_ERROR, VIR_ERR_OPERATION_FAILED);
    g_assert_nonnull(strstr(error->message, path));
    g_assert_cmpint(g_unlink(path), ==, 0);
}


/* A socket that another process has put at our path is not removed. */
static void
test_replaced(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *path = g_build_filename(fixture->dir, MD_SOCKET_RW, NULL);
    g_autofree char *moved = g_build_filename(fixture->dir, "moved", NULL);
    MdListener *listener = open_rw(fixture, NULL);
    int other = -1;

    g_assert_nonnull(listener);
    g_assert_cmpint(g_rename(path, moved), ==, 0);
    other = make_socket(path, TRUE);
    md_listener_free(listener);

    g_assert_true(g_file_test(path, G_FILE_TEST_EXISTS));
    close(other);
    g_unlink(path);
    g_unlink(moved);
}


static char *
beside(const char *path, const char *name)
{
    g_autofree char *directory = g_path_get_dirname(path);

    return g_build_filename(directory, name, NULL);
}


static void
put_link(const char *path)
{
    g_autofree char *victim = beside(path, "victim");

    g_assert_cmpint(g_unlink(path), ==, 0);
    g_assert_cmpint(symlink(victim, path), ==, 0);
}


static void
put_file(const char *path)
{
    g_autofree char *victim = beside(path, "victim");

    g_assert_cmpint(g_unlink(path), ==, 0);
    g_assert_cmpint(link(victim, path), ==, 0);
}


/* With the same mode as ours. */
static void
put_foreign_socket(const char *path)
{
    g_assert_cmpint(g_unlink(path), ==, 0);
    interfere = NULL;
    make_socket(path, FALSE);
    g_assert_cmpint(g_chmod(path, 0700), ==, 0);
    if (geteuid() == 0)
        g_assert_cmpint(chown(path, 65534, 65534), ==, 0);
    else
        g_assert_cmpint(g_chmod(path, 0600), ==, 0);
}


static void
remove_file(const char *path)
{
    g_assert_cmpint(g_unlink(path), ==, 0);
}


/* In a directory writable for others, the path may be replaced before group and mode are set:
 * the replacement is not changed, and nothing listens there. */
static void
test_interference(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    static void (*const ways[])(const char *) = { put_link, put_file, put_foreign_socket,
                                                  remove_file };
    g_autofree char *path = g_build_filename(fixture->dir, MD_SOCKET_RW, NULL);
    g_autofree char *victim = g_build_filename(fixture->dir, "victim", NULL);
    gid_t gid = geteuid() == 0 ? 1 : (gid_t)-1;
    struct stat before;
    struct stat after;

    g_assert_true(g_file_set_contents_full(victim, "precious", -1, 0, 0604, NULL));
    g_assert_cmpint(g_chmod(victim, 0604), ==, 0);
    for (gsize i = 0; i < G_N_ELEMENTS(ways); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_cmpint(stat(victim, &before), ==, 0);
        interfere = ways[i];
        g_assert_null(md_listener_new(fixture->dir, MD_SOCKET_RW, FALSE, 0700, gid, &error));
        interfere = NULL;
        g_assert_true(g_error_matches(error, MD_ERROR, VIR_ERR_OPERATION_FAILED) ||
                      g_error_matches(error, MD_ERROR, VIR_ERR_SYSTEM_ERROR));
        g_assert_nonnull(strstr(error->message, path));

        g_assert_cmpint(stat(victim, &after), ==, 0);
        g_assert_cmphex(after.st_mode, ==, before.st_mode);
        g_assert_cmpint(after.st_gid, ==, before.st_gid);
        g_unlink(path);
    }
    g_unlink(victim);
}


static void
assert_refused(Fixture *fixture, const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) none = g_array_new(FALSE, FALSE, sizeof(int));
    g_autoptr(GPtrArray) listeners = md_listener_open_all(fixture->settings, none, &error);

    g_assert_null(listeners);
    g_assert_error(error, MD_ERROR, VIR_ERR_OPERATION_FAILED);
    g_assert_nonnull(strstr(error->message, path));
}


/* In a directory writable for others, another user may have created the lock file and hold its
 * lock forever. */
static void
test_foreign_lock(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *path = g_build_filename(fixture->settings->socket_dir, MD_SOCKET_LOCK, NULL);
    g_auto(MdFd) fd = -1;

    g_assert_cmpint(g_mkdir_with_parents(fixture->settings->socket_dir, 0755), ==, 0);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    g_assert_cmpint(flock(fd, LOCK_EX), ==, 0);
    g_assert_cmpint(fchmod(fd, 0604), ==, 0);
    assert_refused(fixture, path);

    g_assert_cmpint(fchmod(fd, 0600), ==, 0);
    if (geteuid() == 0) {
        g_assert_cmpint(fchown(fd, 65534, (gid_t)-1), ==, 0);
        assert_refused(fixture, path);
    }

    g_assert_cmpint(unlink(path), ==, 0);
    g_assert_cmpint(mkfifo(path, 0600), ==, 0);
    assert_refused(fixture, path);
    g_assert_cmpint(unlink(path), ==, 0);
}


static void
test_group(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    gid_t gid = geteuid() == 0 ? 1 : getegid();
    g_autoptr(MdListener) listener = NULL;
    struct stat st;

    listener = md_listener_new(fixture->dir, MD_SOCKET_RW, FALSE, 0660, gid, NULL);
    g_assert_nonnull(listener);
    assert_mode(md_listener_get_path(listener), 0660);
    g_assert_cmpint(lstat(md_listener_get_path(listener), &st), ==, 0);
    g_assert_cmpint(st.st_gid, ==, gid);
}


static void
test_long_path(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *name = g_strnfill(120, 'x');
    g_autoptr(GError) error = NULL;

    g_assert_null(md_listener_new(fixture->dir, name, FALSE, 0700, (gid_t)-1, &error));
    g_assert_error(error, MD_ERROR, VIR_ERR_OPERATION_FAILED);
    g_assert_nonnull(strstr(error->message, name));
}


static void
test_handed_over(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *path = g_build_filename(fixture->dir, MD_SOCKET_RO, NULL);
    g_autoptr(GError) error = NULL;
    MdListener *listener = md_listener_new_from_fd(make_socket(path, TRUE), &error);
    int fd = -1;

    g_assert_no_error(error);
    g_assert_true(md_listener_is_read_only(listener));
    md_listener_start(listener, on_client, fixture);
    fd = knock(path);
    wait_for_clients(fixture, 1);
    g_assert_true(GPOINTER_TO_INT(fixture->came->pdata[0]));
    close(fd);

    md_listener_free(listener);
    g_assert_true(g_file_test(path, G_FILE_TEST_EXISTS));
    g_unlink(path);
}


static void
open_admin(Fixture *fixture, GArray *passed, MdListener **listener)
{
    g_autoptr(GError) error = NULL;

    *listener = md_listener_open_admin(fixture->settings, passed, &error);
    g_assert_no_error(error);
}


/* The passed socket for administration is not used for ordinary clients, whatever the order of the
 * passed sockets. */
static void
test_handed_over_admin(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *path = g_build_filename(fixture->dir, MD_SOCKET_ADMIN, NULL);
    g_autofree char *other = g_build_filename(fixture->dir, MD_SOCKET_RW, NULL);
    const int fds[] = { make_socket(path, TRUE), make_socket(other, TRUE) };
    g_autoptr(GArray) passed = g_array_new(FALSE, FALSE, sizeof(int));
    g_autoptr(GPtrArray) listeners = NULL;
    g_autoptr(MdListener) admin = NULL;

    g_array_append_vals(passed, fds, G_N_ELEMENTS(fds));
    listeners = md_listener_open_all(fixture->settings, passed, NULL);
    g_assert_cmpuint(listeners->len, ==, 1);
    g_assert_cmpstr(md_listener_get_path(listeners->pdata[0]), ==, other);
    open_admin(fixture, passed, &admin);
    g_assert_cmpstr(md_listener_get_path(admin), ==, path);
    g_unlink(path);
    g_unlink(other);
}


/* If only other sockets are passed, the socket for administration is not created. */
static void
test_admin(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *path = g_build_filename(fixture->settings->socket_dir, MD_SOCKET_ADMIN, NULL);
    g_autofree char *other = g_build_filename(fixture->dir, MD_SOCKET_RW, NULL);
    int fd = make_socket(other, TRUE);
    g_autoptr(GArray) passed = g_array_new(FALSE, FALSE, sizeof(int));
    g_autoptr(GPtrArray) listeners = md_listener_open_all(fixture->settings, passed, NULL);
    MdListener *admin = NULL;

    g_assert_cmpuint(listeners->len, ==, 2);
    open_admin(fixture, passed, &admin);
    assert_mode(path, 0600);
    md_listener_free(admin);
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));

    g_array_append_val(passed, fd);
    open_admin(fixture, passed, &admin);
    g_assert_null(admin);
    close(fd);
    g_unlink(other);
}


static void
test_handed_over_bad(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *path = g_build_filename(fixture->dir, "other-sock", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) no_socket = NULL;

    g_assert_null(md_listener_new_from_fd(make_socket(path, TRUE), &error));
    g_assert_error(error, MD_ERROR, VIR_ERR_OPERATION_FAILED);
    g_assert_nonnull(strstr(error->message, path));
    g_unlink(path);

    g_assert_null(md_listener_new_from_fd(open("/dev/null", O_RDONLY | O_CLOEXEC), &no_socket));
    g_assert_error(no_socket, MD_ERROR, VIR_ERR_OPERATION_FAILED);
}


/* Opens descriptors up to the limit. */
static void
exhaust_descriptors(GArray *fds)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    while (fd >= 0) {
        g_array_append_val(fds, fd);
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    g_assert_cmpint(errno, ==, EMFILE);
}


/* One descriptor is reserved for accepting clients; waiting clients get it in turn. */
static void
test_exhausted(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(MdListener) listener = open_rw(fixture, NULL);
    g_autoptr(GArray) fds = g_array_new(FALSE, FALSE, sizeof(int));
    struct rlimit before;
    struct rlimit tight;

    g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &before), ==, 0);
    md_listener_start(listener, on_client, fixture);
    for (guint i = 0; i < 3; i++) {
        int fd = knock(md_listener_get_path(listener));

        g_assert_cmpint(fd, >=, 0);
        g_array_append_val(fds, fd);
    }
    tight = before;
    tight.rlim_cur = 64;
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &tight), ==, 0);
    exhaust_descriptors(fds);
    wait_for_clients(fixture, 3);
    g_assert_cmpuint(fixture->n_scarce, ==, 3);

    for (guint i = 0; i < fds->len; i++)
        close(g_array_index(fds, int, i));
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &before), ==, 0);
    close(knock(md_listener_get_path(listener)));
    wait_for_clients(fixture, 4);
    g_assert_cmpuint(fixture->n_scarce, ==, 3);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, func) g_test_add(path, Fixture, NULL, set_up, func, tear_down)
    ADD("/listener/open-all", test_open_all);
    ADD("/listener/stale", test_stale);
    ADD("/listener/live", test_live);
    ADD("/listener/no-socket", test_no_socket);
    ADD("/listener/replaced", test_replaced);
    ADD("/listener/group", test_group);
    ADD("/listener/interference", test_interference);
    ADD("/listener/foreign-lock", test_foreign_lock);
    ADD("/listener/long-path", test_long_path);
    ADD("/listener/handed-over", test_handed_over);
    ADD("/listener/handed-over/admin", test_handed_over_admin);
    ADD("/listener/handed-over/bad", test_handed_over_bad);
    ADD("/listener/admin", test_admin);
    ADD("/listener/exhausted", test_exhausted);
    return g_test_run();
}
