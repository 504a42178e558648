/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "rpc/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "util/error.h"
#include "util/fd.h"
#include "util/names.h"
#include "util/polled.h"
#include "util/source.h"

/* Clients in the kernel's backlog, beyond which even root's connect() blocks. Limited by
 * net.core.somaxconn, which has the same default. */
#define BACKLOG 4096

/* Maximum number of clients accepted per turn, and microseconds after which the turn ends. */
#define CLIENTS_PER_TURN 64
#define TURN_TIME        50

/* Milliseconds until the next attempt when no client can be accepted. */
#define RETRY_INTERVAL 200

struct _MdListener {
    GSocket *socket;
    char *path;
    gboolean read_only;
    gboolean ours;
    gboolean open_to_all;
    dev_t device; /* identifies our socket, with `inode` */
    ino_t inode;

    MdListenerFunc func;
    gpointer data;
    int reserve; /* spare descriptor, closed to accept a client without others; -1: closed */
    MdPolled in;
    GSource *retry;
};


static MdListener *
listener_alloc(void)
{
    MdListener *self = g_new0(MdListener, 1);

    self->reserve = -1;
    return self;
}


static gboolean
set_address(struct sockaddr_un *address, const char *path, GError **error)
{
    memset(address, 0, sizeof(*address));
    address->sun_family = AF_UNIX;
    if (strlen(path) >= sizeof(address->sun_path)) {
        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_OPERATION_FAILED,
                          "socket path '%s' is longer than %zu bytes", path,
                          sizeof(address->sun_path) - 1);
        return FALSE;
    }
    strcpy(address->sun_path, path);
    return TRUE;
}


static int
open_socket(GError **error)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        md_error_set_errno(error, errno, "cannot create a socket");
    return fd;
}


/* Removes a stale socket, which refuses connections, and nothing else. */
static gboolean
remove_stale(const char *path, const struct sockaddr_un *address, GError **error)
{
    struct stat st;
    int probe = -1;
    int errnum = 0;

    if (lstat(path, &st) < 0) {
        if (errno == ENOENT)
            return TRUE;
        md_error_set_errno(error, errno, "cannot stat '%s'", path);
        return FALSE;
    }
    if (!S_ISSOCK(st.st_mode)) {
        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_OPERATION_FAILED, "'%s' is not a socket",
                          path);
        return FALSE;
    }

    probe = open_socket(error);
    if (probe < 0)
        return FALSE;
    errnum = connect(probe, (const struct sockaddr *)address, sizeof(*address)) < 0 ? errno : 0;
    close(probe);

    if (errnum == 0 || errnum == EAGAIN) {
        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_RESOURCE_BUSY,
                          "another process listens on '%s'", path);
        return FALSE;
    }
    if (errnum != ECONNREFUSED) {
        md_error_set_errno(error, errnum, "cannot tell whether '%s' is in use", path);
        return FALSE;
    }
    if (unlink(path) < 0) {
        md_error_set_errno(error, errno, "cannot remove the stale socket '%s'", path);
        return FALSE;
    }
    g_debug("Removed stale socket '%s'", path);
    return TRUE;
}


/*
 * Creates the socket file with its final mode, which it takes from the socket. A chmod() of the
 * path might change another file if others may write to the directory.
 */
static gboolean
make_file(MdListener *self, int fd, guint mode, GError **error)
{
    struct sockaddr_un address;
    mode_t mask = 0;
    int errnum = 0;

    if (!set_address(&address, self->path, error) || !remove_stale(self->path, &address, error))
        return FALSE;

    mask = umask(0);
    if (fchmod(fd, mode) < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        errnum = errno;
    umask(mask);
    if (errnum != 0)
        md_error_set_errno(error, errnum, "cannot create socket '%s'", self->path);
    return errnum == 0;
}


/* Opens the file without following links, and checks that it is the one just created. */
static int
open_own_file(MdListener *self, guint mode, GError **error)
{
    g_auto(MdFd) fd = open(self->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0) {
        md_error_set_errno(error, errno, "cannot stat socket '%s'", self->path);
        return -1;
    }
    if (!S_ISSOCK(st.st_mode) || (st.st_mode & 07777) != mode || st.st_uid != geteuid() ||
        st.st_nlink != 1) {
        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_OPERATION_FAILED,
                          "another process replaced '%s'", self->path);
        return -1;
    }
    self->ours = TRUE;
    self->device = st.st_dev;
    self->inode = st.st_ino;
    return g_steal_fd(&fd);
}


/* No client can connect before the last step. */
static gboolean
bind_socket(MdListener *self, int fd, guint mode, gid_t gid, GError **error)
{
    g_auto(MdFd) file = -1;

    if (!make_file(self, fd, mode, error))
        return FALSE;
    file = open_own_file(self, mode, error);
    if (file < 0)
        return FALSE;
    if (gid != (gid_t)-1 && fchownat(file, "", (uid_t)-1, gid, AT_EMPTY_PATH) < 0) {
        md_error_set_errno(error, errno, "cannot set the group of the socket '%s'", self->path);
        return FALSE;
    }
    if (listen(fd, BACKLOG) < 0) {
        md_error_set_errno(error, errno, "cannot listen on the socket '%s'", self->path);
        return FALSE;
    }
    return TRUE;
}


/* Whether no other user can open the file, and hold the lock forever. */
static gboolean
is_own_lock(const struct stat *st)
{
    return S_ISREG(st->st_mode) && st->st_uid == geteuid() && (st->st_mode & 077) == 0;
}


/* Returns the file, unlocked, or -1. */
static int
open_lock(const char *path, GError **error)
{
    g_auto(MdFd) fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0) {
        md_error_set_errno(error, errno, "cannot open '%s'", path);
        return -1;
    }
    if (!is_own_lock(&st)) {
        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_OPERATION_FAILED,
                          "lock file '%s' is not private", path);
        return -1;
    }
    return g_steal_fd(&fd);
}


/*
 * Prevents two starting daemons from removing each other's sockets. The file is removed when the
 * lock is released, so a daemon that waited for the lock must check that the file still exists.
 */
static int
lock_directory(const char *path, GError **error)
{
    struct stat st = { 0 };
    int fd = -1;

    while (st.st_nlink == 0) {
        if (fd >= 0)
            close(fd);
        fd = open_lock(path, error);
        if (fd < 0)
            return -1;
        if (flock(fd, LOCK_EX) < 0 || fstat(fd, &st) < 0) {
            md_error_set_errno(error, errno, "cannot lock '%s'", path);
            close(fd);
            return -1;
        }
    }
    return fd;
}


static void
unlock_directory(const char *path, int fd)
{
    unlink(path);
    close(fd);
}


/* Takes ownership of the descriptor, also on failure. */
static gboolean
take_fd(MdListener *self, int fd, GError **error)
{
    self->socket = g_socket_new_from_fd(fd, error);
    if (self->socket == NULL) {
        close(fd);
        return FALSE;
    }
    g_socket_set_blocking(self->socket, FALSE);
    return TRUE;
}


MdListener *
md_listener_new(const char *directory,
                const char *name,
                gboolean read_only,
                guint mode,
                gid_t gid,
                GError **error)
{
    g_autoptr(MdListener) self = listener_alloc();
    int fd = -1;
    g_autofree char *lock_path = NULL;
    int lock = -1;
    gboolean ok = FALSE;

    self->path = g_build_filename(directory, name, NULL);
    self->read_only = read_only;
    lock_path = g_build_filename(directory, MD_SOCKET_LOCK, NULL);
    lock = lock_directory(lock_path, error);
    if (lock < 0)
        return NULL;
    fd = open_socket(error);
    ok = fd >= 0 && bind_socket(self, fd, mode, gid, error);
    unlock_directory(lock_path, lock);

    if (!ok) {
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    return take_fd(self, fd, error) ? g_steal_pointer(&self) : NULL;
}


/* The path of a listening Unix socket; NULL with an error if it is none. */
static char *
find_path(int fd, GError **error)
{
    struct sockaddr_un address = { 0 };
    socklen_t size = sizeof(address) - 1;

    if (sd_is_socket(fd, AF_UNIX, SOCK_STREAM, 1) > 0 &&
        getsockname(fd, (struct sockaddr *)&address, &size) == 0)
        return g_strdup(address.sun_path);
    md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_OPERATION_FAILED,
                      "descriptor %d is not a listening Unix socket", fd);
    return NULL;
}


gboolean
md_listener_is_admin_fd(int fd)
{
    g_autofree char *path = fd >= 0 ? find_path(fd, NULL) : NULL;
    g_autofree char *name = path != NULL ? g_path_get_basename(path) : NULL;

    return g_strcmp0(name, MD_SOCKET_ADMIN) == 0;
}


/* TRUE for a socket that cannot be examined, because it might be open to all users. */
static gboolean
is_open_to_all(const char *path)
{
    struct stat st;

    return lstat(path, &st) < 0 || (st.st_mode & S_IWOTH) != 0;
}


MdListener *
md_listener_new_from_fd(int fd, GError **error)
{
    g_autoptr(MdListener) self = listener_alloc();
    g_autofree char *name = NULL;

    self->path = find_path(fd, error);
    if (self->path == NULL) {
        close(fd);
        return NULL;
    }

    self->open_to_all = is_open_to_all(self->path);
    name = g_path_get_basename(self->path);
    self->read_only = g_str_equal(name, MD_SOCKET_RO);
    if (!self->read_only && !g_str_equal(name, MD_SOCKET_RW) &&
        !g_str_equal(name, MD_SOCKET_ADMIN)) {
        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_OPERATION_FAILED,
                          "the passed socket '%s' is neither '%s' nor '%s' nor '%s'", self->path,
                          MD_SOCKET_RW, MD_SOCKET_RO, MD_SOCKET_ADMIN);
        close(fd);
        return NULL;
    }
    return take_fd(self, fd, error) ? g_steal_pointer(&self) : NULL;
}


static void
remove_own(MdListener *self)
{
    struct stat st;

    if (lstat(self->path, &st) < 0 || st.st_dev != self->device || st.st_ino != self->inode)
        return;
    if (unlink(self->path) < 0)
        g_debug("cannot remove the socket '%s': %s", self->path, g_strerror(errno));
}


void
md_listener_free(MdListener *self)
{
    if (self == NULL)
        return;

    if (self->socket != NULL)
        md_polled_set(&self->in, g_socket_get_fd(self->socket), 0, NULL, NULL, NULL);
    md_source_clear(&self->retry);
    if (self->ours)
        remove_own(self);
    g_clear_object(&self->socket);
    if (self->reserve >= 0)
        close(self->reserve);
    g_free(self->path);
    g_free(self);
}


const char *
md_listener_get_path(MdListener *self)
{
    return self->path;
}


gboolean
md_listener_is_read_only(MdListener *self)
{
    return self->read_only;
}


gboolean
md_listener_is_open_to_all(MdListener *self)
{
    return self->open_to_all;
}


static void update_sources(MdListener *self);


static gboolean
on_retry(gpointer user_data)
{
    MdListener *self = user_data;

    md_source_clear(&self->retry);
    update_sources(self);
    return G_SOURCE_REMOVE;
}


static void
keep_reserve(MdListener *self)
{
    if (self->reserve < 0)
        self->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}


static gboolean
is_exhausted(const GError *error)
{
    return g_error_matches(error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES);
}


/* Sets `scarce` if the client uses the spare descriptor. */
static GSocket *
accept_client(MdListener *self, gboolean *scarce, GError **error)
{
    g_autoptr(GError) err = NULL;
    GSocket *client = g_socket_accept(self->socket, NULL, &err);

    *scarce = client == NULL && is_exhausted(err) && self->reserve >= 0;
    if (*scarce) {
        close(self->reserve);
        self->reserve = -1;
        return g_socket_accept(self->socket, NULL, error);
    }
    if (err != NULL)
        g_propagate_error(error, g_steal_pointer(&err));
    return client;
}


/* FALSE with an error: no client can be accepted now. FALSE without: no client is waiting. */
static gboolean
accept_next(MdListener *self, GError **error)
{
    g_autoptr(GError) err = NULL;
    gboolean scarce = FALSE;
    g_autoptr(GSocket) client = accept_client(self, &scarce, &err);

    if (client != NULL) {
        self->func(client, self->read_only, scarce, self->data);
        g_clear_object(&client);
        keep_reserve(self);
        return TRUE;
    }
    keep_reserve(self);
    if (!g_error_matches(err, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        g_propagate_error(error, g_steal_pointer(&err));
    return FALSE;
}


static void
on_client(GIOCondition condition G_GNUC_UNUSED, gpointer user_data)
{
    MdListener *self = user_data;
    g_autoptr(GError) error = NULL;
    gint64 end = g_get_monotonic_time() + TURN_TIME;
    guint n = 0;

    while (n < CLIENTS_PER_TURN && (n == 0 || g_get_monotonic_time() < end) &&
           accept_next(self, &error))
        n++;
    if (error == NULL)
        return;

    g_warning("Failed to accept a client on '%s': %s", self->path, error->message);
    self->retry = md_source_attach(g_timeout_source_new(RETRY_INTERVAL), on_retry, self);
    update_sources(self);
}


static void
update_sources(MdListener *self)
{
    int fd = g_socket_get_fd(self->socket);
    g_autoptr(GError) error = NULL;

    if (self->func == NULL || self->retry != NULL)
        md_polled_set(&self->in, fd, 0, NULL, NULL, NULL);
    else if (!md_polled_set_seldom(&self->in, fd, on_client, self, &error))
        g_warning("Unable to accept clients on '%s': %s", self->path, error->message);
}


void
md_listener_start(MdListener *self, MdListenerFunc func, gpointer data)
{
    self->func = func;
    self->data = data;
    keep_reserve(self);
    update_sources(self);
}
