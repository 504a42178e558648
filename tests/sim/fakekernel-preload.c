/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Preloaded into the daemon in front of libumockdev-preload. The sysfs of umockdev consists of
 * plain files, so a write has no effect beyond its file; this library sends every write to the
 * test's fake kernel instead (fake_kernel.py) and returns the answer. The same applies to the first
 * read of some attributes, which the fake kernel may delay or refuse, and to opening the nodes of
 * VFIO groups: the fake kernel may report them as busy, and umockdev would abort a program that
 * opens a device without a script. With MD_FAKE_NO_HWDB in the environment, there is no hardware
 * database.
 *
 * Each open, stat or execution below the directory MD_FAKE_DISK first locks the file
 * MD_FAKE_DISK_LOCK: the disk hangs while the test holds this lock. The hardware database is then
 * "/hwdb.bin".
 *
 * umockdev does not separate listeners to kernel uevents from listeners to udevd. Here, the former
 * are connected to the fake kernel (netlink.py). The files by which udevd shows that it runs and
 * that it is busy are in the test bed.
 *
 * Files are identified by the descriptor, not by the path of an open, because the daemon opens
 * attributes relative to directories and with system calls that have no wrapper.
 *
 * Each request is one packet: kind, path below the test bed, bytes written, separated by NUL. Each
 * answer is one packet: a 32-bit number, a negative errno or the result (for reads and opens:
 * proceed). The answer to a read may contain the text of the attribute.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define ENV_ROOT    "UMOCKDEV_DIR"
#define ENV_SOCKET  "MD_FAKE_KERNEL_SOCKET"
#define SYSFS       "/sys/"
#define ENV_NO_HWDB "MD_FAKE_NO_HWDB"
#define HWDB        "/hwdb.bin"
#define VFIO_NODES  "/dev/vfio/"
#define ENV_DISK    "MD_FAKE_DISK"
#define ENV_LOCK    "MD_FAKE_DISK_LOCK"
#define REQUEST_MAX 65536
#define TEXT_MAX    65536
#define UDEV_FILES  "/run/udev/"
#define EVENTS      "uevents"
#define LOST        "lost"

/* The answer to a read that contains the text of the attribute. */
#define TEXT_FOLLOWS 1

/* The multicast group of the kernel's uevents. */
#define GROUP_KERNEL 1

/* Attributes whose reads go to the fake kernel, because a driver answers them or because a test
 * must be able to block the daemon there. All other sysfs files are read directly. */
static const struct {
    const char *directory;
    const char *name; /* NULL: all in the directory */
} asked_for[] = {
    { "/mdev_supported_types/", "available_instances" },
    { "/mdev_supported_types/", "name" },
    { "/mdev_supported_types/", "description" },
    { "/fc_host/", NULL },
    { "/nvidia/", NULL },
    { "/net/", "speed" },
    { "/queue/", "logical_block_size" },
    { "/kernel/", "uevent_seqnum" },
};

/* The same, for all devices. */
static const char *const asked_everywhere[] = { "vpd", "manufacturer" };

/* The wrapped functions. */
static struct {
    ssize_t (*write)(int, const void *, size_t);
    ssize_t (*pwrite64)(int, const void *, size_t, off64_t);
    ssize_t (*writev)(int, const struct iovec *, int);
    ssize_t (*read)(int, void *, size_t);
    FILE *(*fopen)(const char *, const char *);
    FILE *(*fopen64)(const char *, const char *);
    int (*open)(const char *, int, ...);
    int (*open64)(const char *, int, ...);
    int (*openat)(int, const char *, int, ...);
    int (*openat64)(int, const char *, int, ...);
    int (*stat)(const char *, struct stat *);
    int (*stat64)(const char *, struct stat64 *);
    DIR *(*opendir)(const char *);
    int (*execve)(const char *, char *const *, char *const *);
    int (*access)(const char *, int);
    int (*bind)(int, const struct sockaddr *, socklen_t);
    int (*connect)(int, const struct sockaddr *, socklen_t);
} next;

#define FIND(name) next.name = (__typeof__(next.name))dlsym(RTLD_NEXT, #name)

/* May be needed early: constructors of other libraries may run before ours. */
#define ENSURE(name)                                                                               \
    do {                                                                                           \
        if (next.name == NULL)                                                                     \
            FIND(name);                                                                            \
    } while (0)

ssize_t __read_chk(int fd, void *buf, size_t count, size_t size);
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);


/* umockdev's lock, held while it translates paths; NULL in other versions of umockdev. */
static pthread_mutex_t *umockdev_lock;


static void
lock_umockdev(void)
{
    pthread_mutex_lock(umockdev_lock);
}


static void
unlock_umockdev(void)
{
    pthread_mutex_unlock(umockdev_lock);
}


/* A child calls chdir(), and would wait forever for a lock held by a thread that exists only in
 * its parent. */
static void
keep_lock_in_forks(void)
{
    umockdev_lock = (pthread_mutex_t *)dlsym(RTLD_DEFAULT, "trap_path_lock");
    if (umockdev_lock != NULL)
        pthread_atfork(lock_umockdev, unlock_umockdev, unlock_umockdev);
}


/*
 * Resolves all functions now, because signal handlers write, and dlsym() in a handler deadlocks if
 * the handler has interrupted dlsym(). Calls each wrapped function once, because umockdev resolves
 * its own on the first call.
 */
__attribute__((constructor)) static void
find_all(void)
{
    FIND(write);
    FIND(pwrite64);
    FIND(writev);
    FIND(read);
    FIND(fopen);
    FIND(fopen64);
    FIND(open);
    FIND(open64);
    FIND(openat);
    FIND(openat64);
    FIND(stat);
    FIND(stat64);
    FIND(opendir);
    FIND(execve);
    FIND(access);
    FIND(bind);
    FIND(connect);
    next.write(-1, "", 0);
    next.read(-1, NULL, 0);
    keep_lock_in_forks();
}


/* The descriptor of our connection for kernel uevents. */
static int events_fd = -1;


/* Uses plain system calls, because umockdev wraps most of these functions. */
static int
connect_to(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = -1;

    if (path == NULL || strlen(path) >= sizeof(address.sun_path))
        return -1;

    strcpy(address.sun_path, path);
    fd = (int)syscall(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (syscall(SYS_connect, fd, &address, sizeof(address)) == 0)
        return fd;
    syscall(SYS_close, fd);
    return -1;
}


/* Sends a request and waits for the answer, as long as the simulated driver takes. Sets `text` to
 * the bytes that follow the number, unless NULL. */
static int
ask(char kind, const char *path, const struct iovec *bytes, int count, struct iovec *text)
{
    char request[REQUEST_MAX];
    int32_t answer = -EIO;
    struct iovec parts[] = { { &answer, sizeof(answer) },
                             text != NULL ? *text : (struct iovec){ 0 } };
    struct msghdr packet = { .msg_iov = parts, .msg_iovlen = 2 };
    size_t used = 0;
    ssize_t got = 0;
    int fd = connect_to(getenv(ENV_SOCKET));

    if (fd < 0)
        return -EIO;

    used = (size_t)snprintf(request, sizeof(request), "%c", kind) + 1;
    used += (size_t)snprintf(request + used, sizeof(request) - used, "%s", path) + 1;
    for (int i = 0; i < count; i++) {
        if (bytes[i].iov_len > sizeof(request) - used) {
            syscall(SYS_close, fd);
            return -E2BIG;
        }
        memcpy(request + used, bytes[i].iov_base, bytes[i].iov_len);
        used += bytes[i].iov_len;
    }

    got = syscall(SYS_sendto, fd, request, used, MSG_NOSIGNAL, NULL, 0);
    if (got == (ssize_t)used) {
        do
            got = syscall(SYS_recvmsg, fd, &packet, 0);
        while (got < 0 && errno == EINTR);
    }
    syscall(SYS_close, fd);
    if (got < (ssize_t)sizeof(answer))
        return -EIO;
    if (text != NULL)
        text->iov_len = (size_t)got - sizeof(answer);
    return answer;
}


/* Gets the path of a file in the fake sysfs, as the daemon knows it; 0 for other descriptors. */
static int
find_in_sysfs(int fd, char *path, size_t size)
{
    const char *root = getenv(ENV_ROOT);
    char link[64];
    char target[PATH_MAX];
    struct stat st;
    ssize_t len = 0;
    size_t root_len = 0;

    if (root == NULL || fd < 0 || syscall(SYS_fstat, fd, &st) < 0 || !S_ISREG(st.st_mode))
        return 0;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    len = syscall(SYS_readlink, link, target, sizeof(target) - 1);
    if (len <= 0)
        return 0;
    target[len] = '\0';

    root_len = strlen(root);
    if (strncmp(target, root, root_len) != 0)
        return 0;
    if (strncmp(target + root_len, SYSFS, strlen(SYSFS)) != 0)
        return 0;
    snprintf(path, size, "%s", target + root_len);
    return 1;
}


static int
is_asked_for(const char *path)
{
    const char *name = strrchr(path, '/') + 1;

    for (size_t i = 0; i < sizeof(asked_everywhere) / sizeof(asked_everywhere[0]); i++) {
        if (strcmp(name, asked_everywhere[i]) == 0)
            return 1;
    }
    for (size_t i = 0; i < sizeof(asked_for) / sizeof(asked_for[0]); i++) {
        if (strstr(path, asked_for[i].directory) != NULL &&
            (asked_for[i].name == NULL || strcmp(name, asked_for[i].name) == 0))
            return 1;
    }
    return 0;
}


/* Sends a write to the fake kernel. Returns 0, and does not set `*result`, if the file is not
 * one of the fake kernel's. */
static int
play_write(int fd, const struct iovec *bytes, int count, ssize_t *result)
{
    char path[PATH_MAX];
    int saved = errno;
    int answer = 0;

    if (!find_in_sysfs(fd, path, sizeof(path))) {
        errno = saved;
        return 0;
    }

    answer = ask('w', path, bytes, count, NULL);
    errno = answer < 0 ? -answer : saved;
    *result = answer < 0 ? -1 : answer;
    return 1;
}


/* The descriptor continues at the beginning of the text: like sysfs, which keeps the text of the
 * first read until the file is closed. */
static void
replace_text(int fd, const struct iovec *text)
{
    int memory = (int)syscall(SYS_memfd_create, "attribute", MFD_CLOEXEC);

    syscall(SYS_pwrite64, memory, text->iov_base, text->iov_len, 0);
    syscall(SYS_dup3, memory, fd, O_CLOEXEC);
    syscall(SYS_close, memory);
}


/* Returns FALSE with errno set if the fake kernel refuses this read. */
static int
may_read(int fd)
{
    char path[PATH_MAX];
    char bytes[TEXT_MAX];
    struct iovec text = { bytes, sizeof(bytes) };
    int saved = errno;
    int answer = 0;

    if (find_in_sysfs(fd, path, sizeof(path)) && is_asked_for(path) &&
        syscall(SYS_lseek, fd, 0, SEEK_CUR) == 0)
        answer = ask('r', path, NULL, 0, &text);
    if (answer == TEXT_FOLLOWS)
        replace_text(fd, &text);

    errno = answer < 0 ? -answer : saved;
    return answer >= 0;
}


/* Opens a VFIO node, or an inert substitute, if the fake kernel permits it. Returns 0, and does
 * not set `*fd`, if the path is no VFIO node. */
static int
play_open(const char *path, int flags, int *fd)
{
    int answer = 0;

    if (path == NULL || strncmp(path, VFIO_NODES, strlen(VFIO_NODES)) != 0)
        return 0;

    answer = ask('o', path, NULL, 0, NULL);
    if (answer < 0)
        errno = -answer;
    *fd = answer < 0 ? -1 : (int)syscall(SYS_openat, AT_FDCWD, "/dev/null", flags);
    return 1;
}


/* Waits until the disk responds; `path` is relative to the directory `at`. */
static void
wait_for_disk(int at, const char *path)
{
    const char *disk = getenv(ENV_DISK);
    const char *lock = getenv(ENV_LOCK);
    char link[64];
    char directory[PATH_MAX] = "";
    int saved = errno;
    int fd = -1;

    if (disk == NULL || lock == NULL || path == NULL)
        return;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", at);
    if (*path != '/' && syscall(SYS_readlink, link, directory, sizeof(directory) - 1) > 0)
        path = directory;
    if (strncmp(path, disk, strlen(disk)) == 0) {
        fd = (int)syscall(SYS_openat, AT_FDCWD, lock, O_RDONLY | O_CLOEXEC);
        syscall(SYS_flock, fd, LOCK_SH);
        syscall(SYS_close, fd);
    }
    errno = saved;
}


/* Whether a path is one of the places where libudev searches for the hardware database. */
static int
is_hwdb(const char *path)
{
    size_t len = strlen(path);

    return len >= strlen(HWDB) && strcmp(path + len - strlen(HWDB), HWDB) == 0;
}


ssize_t
write(int fd, const void *buf, size_t count)
{
    struct iovec bytes = { .iov_base = (void *)buf, .iov_len = count };
    ssize_t result = -1;

    if (play_write(fd, &bytes, 1, &result))
        return result;
    ENSURE(write);
    return next.write(fd, buf, count);
}


ssize_t
pwrite64(int fd, const void *buf, size_t count, off64_t offset)
{
    struct iovec bytes = { .iov_base = (void *)buf, .iov_len = count };
    ssize_t result = -1;

    if (play_write(fd, &bytes, 1, &result))
        return result;
    ENSURE(pwrite64);
    return next.pwrite64(fd, buf, count, offset);
}


ssize_t
writev(int fd, const struct iovec *bytes, int count)
{
    ssize_t result = -1;

    if (play_write(fd, bytes, count, &result))
        return result;
    ENSURE(writev);
    return next.writev(fd, bytes, count);
}


ssize_t
read(int fd, void *buf, size_t count)
{
    if (!may_read(fd))
        return -1;
    ENSURE(read);
    return next.read(fd, buf, count);
}


ssize_t
__read_chk(int fd, void *buf, size_t count, size_t size)
{
    if (count > size)
        abort();
    return read(fd, buf, count);
}


#define WRAP_OPEN(name)                                                                            \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        va_list args;                                                                              \
        mode_t mode = 0;                                                                           \
        int result = -1;                                                                           \
                                                                                                   \
        va_start(args, flags);                                                                     \
        if ((flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE)                            \
            mode = va_arg(args, mode_t);                                                           \
        va_end(args);                                                                              \
        if (play_open(path, flags, &result))                                                       \
            return result;                                                                         \
        wait_for_disk(AT_FDCWD, path);                                                             \
        ENSURE(name);                                                                              \
        return next.name(path, flags, mode);                                                       \
    }

#define WRAP_OPENAT(name)                                                                          \
    int name(int fd, const char *path, int flags, ...)                                             \
    {                                                                                              \
        va_list args;                                                                              \
        mode_t mode = 0;                                                                           \
        int result = -1;                                                                           \
                                                                                                   \
        va_start(args, flags);                                                                     \
        if ((flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE)                            \
            mode = va_arg(args, mode_t);                                                           \
        va_end(args);                                                                              \
        if (play_open(path, flags, &result))                                                       \
            return result;                                                                         \
        wait_for_disk(fd, path);                                                                   \
        ENSURE(name);                                                                              \
        return next.name(fd, path, flags, mode);                                                   \
    }

#define WRAP_FOPEN(name)                                                                           \
    FILE *name(const char *path, const char *mode)                                                 \
    {                                                                                              \
        wait_for_disk(AT_FDCWD, is_hwdb(path) ? HWDB : path);                                      \
        if (is_hwdb(path) && getenv(ENV_NO_HWDB) != NULL) {                                        \
            errno = ENOENT;                                                                        \
            return NULL;                                                                           \
        }                                                                                          \
        ENSURE(name);                                                                              \
        return next.name(path, mode);                                                              \
    }

#define WRAP_STAT(name)                                                                            \
    int name(const char *path, struct name *st)                                                    \
    {                                                                                              \
        wait_for_disk(AT_FDCWD, path);                                                             \
        ENSURE(name);                                                                              \
        return next.name(path, st);                                                                \
    }


DIR *
opendir(const char *path)
{
    wait_for_disk(AT_FDCWD, path);
    ENSURE(opendir);
    return next.opendir(path);
}


int
execve(const char *path, char *const *argv, char *const *envp)
{
    wait_for_disk(AT_FDCWD, path);
    ENSURE(execve);
    return next.execve(path, argv, envp);
}


/* clang-format off */
WRAP_STAT(stat)
WRAP_STAT(stat64)
WRAP_FOPEN(fopen)
WRAP_FOPEN(fopen64)
WRAP_OPEN(open)
WRAP_OPEN(open64)
WRAP_OPENAT(openat)
WRAP_OPENAT(openat64)
/* clang-format on */


int
__open_2(const char *path, int flags)
{
    return open(path, flags);
}


int
__open64_2(const char *path, int flags)
{
    return open64(path, flags);
}


/* Gets the name of udevd's file in the test bed; 0 if the path is not udevd's. */
static int
find_udev_file(const char *path, char *real, size_t size)
{
    const char *root = getenv(ENV_ROOT);

    if (root == NULL || strncmp(path, UDEV_FILES, strlen(UDEV_FILES)) != 0)
        return 0;
    snprintf(real, size, "%s/udev-%s", root, path + strlen(UDEV_FILES));
    return 1;
}


int
access(const char *path, int mode)
{
    char real[PATH_MAX];

    ENSURE(access);
    return next.access(find_udev_file(path, real, sizeof(real)) ? real : path, mode);
}


int
connect(int fd, const struct sockaddr *address, socklen_t size)
{
    struct sockaddr_un real = { .sun_family = AF_UNIX };

    ENSURE(connect);
    if (address->sa_family == AF_UNIX &&
        find_udev_file(((const struct sockaddr_un *)address)->sun_path, real.sun_path,
                       sizeof(real.sun_path)))
        return (int)syscall(SYS_connect, fd, &real, sizeof(real));
    return next.connect(fd, address, size);
}


static int
is_to_kernel(const struct sockaddr *address, socklen_t size)
{
    const struct sockaddr_nl *netlink = (const struct sockaddr_nl *)address;

    return size >= sizeof(*netlink) && netlink->nl_family == AF_NETLINK &&
           netlink->nl_groups == GROUP_KERNEL;
}


/* Returns after the fake kernel has registered the listener. */
int
bind(int fd, const struct sockaddr *address, socklen_t size)
{
    char path[PATH_MAX];
    const char *root = getenv(ENV_ROOT);
    int on = 1;
    int events = -1;

    ENSURE(bind);
    if (root == NULL || !is_to_kernel(address, size))
        return next.bind(fd, address, size);

    snprintf(path, sizeof(path), "%s/" EVENTS, root);
    events = connect_to(path);
    if (events < 0)
        return -1;
    syscall(SYS_recvfrom, events, path, sizeof(path), 0, NULL, NULL);
    syscall(SYS_setsockopt, events, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
    syscall(SYS_dup3, events, fd, O_CLOEXEC);
    syscall(SYS_close, events);
    events_fd = fd;
    return 0;
}


/* Sets the sender of a message to the kernel's. */
static void
set_sender(struct msghdr *header)
{
    struct sockaddr_nl *sender = header->msg_name;

    *sender = (struct sockaddr_nl){ .nl_family = AF_NETLINK, .nl_groups = GROUP_KERNEL };
    header->msg_namelen = sizeof(*sender);
    for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part != NULL;
         part = CMSG_NXTHDR(header, part)) {
        struct ucred kernel = { 0 };

        if (part->cmsg_type == SCM_CREDENTIALS)
            memcpy(CMSG_DATA(part), &kernel, sizeof(kernel));
    }
}


int
recvmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags, struct timespec *timeout)
{
    int got = (int)syscall(SYS_recvmmsg, fd, messages, count, flags, timeout);

    for (int i = 0; fd == events_fd && i < got; i++) {
        if (messages[i].msg_len == strlen(LOST) &&
            memcmp(messages[i].msg_hdr.msg_iov->iov_base, LOST, strlen(LOST)) == 0) {
            errno = ENOBUFS;
            return -1;
        }
        set_sender(&messages[i].msg_hdr);
    }
    return got;
}
