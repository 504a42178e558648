/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kill-at REPORT N PID
 * kill-at REPORT N PROGRAM ARGUMENT...
 *
 * Counts the system calls of all threads of a process that have an effect outside the process, and
 * kills the process at the entry of the Nth one, which is not executed. With N = 0, only counts. In
 * the second form, PROGRAM is executed in the process that was started, and traced from its
 * beginning by a child. If kill-at is killed, the traced process continues.
 *
 * Lines of REPORT, with fields separated by tabs: "ready"; one line for each call that has
 * returned, with number, name, result (a negative errno), path or file of the descriptor, second
 * path, and bytes in hexadecimal; at the end "killed", number, name, path.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_THREADS 512
#define MAX_BYTES   65536

#define OPTIONS ((void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE))

/* The positions of a call's arguments; -1: none. Each path is relative to the directory in the
 * member before. */
typedef struct {
    long number;
    const char *name;
    int fd;
    int directory;
    int path;
    int second_directory;
    int second_path;
    int bytes; /* followed by their length */
} Call;

#define AT_CWD (-2)

static const Call calls[] = {
#ifdef SYS_open
    { SYS_open, "open", -1, AT_CWD, 0, -1, -1, -1 },
    { SYS_rename, "rename", -1, AT_CWD, 0, AT_CWD, 1, -1 },
    { SYS_unlink, "unlink", -1, AT_CWD, 0, -1, -1, -1 },
    { SYS_mkdir, "mkdir", -1, AT_CWD, 0, -1, -1, -1 },
    { SYS_rmdir, "rmdir", -1, AT_CWD, 0, -1, -1, -1 },
    { SYS_chmod, "chmod", -1, AT_CWD, 0, -1, -1, -1 },
#endif
    { SYS_openat, "openat", -1, 0, 1, -1, -1, -1 },
    { SYS_openat2, "openat2", -1, 0, 1, -1, -1, -1 },
#ifdef SYS_renameat
    { SYS_renameat, "renameat", -1, 0, 1, 2, 3, -1 },
#endif
    { SYS_renameat2, "renameat2", -1, 0, 1, 2, 3, -1 },
    { SYS_linkat, "linkat", -1, 0, 1, 2, 3, -1 },
    { SYS_unlinkat, "unlinkat", -1, 0, 1, -1, -1, -1 },
    { SYS_mkdirat, "mkdirat", -1, 0, 1, -1, -1, -1 },
    { SYS_fchmodat, "fchmodat", -1, 0, 1, -1, -1, -1 },
    { SYS_fchmod, "fchmod", 0, -1, -1, -1, -1, -1 },
    { SYS_ftruncate, "ftruncate", 0, -1, -1, -1, -1, -1 },
    { SYS_fsync, "fsync", 0, -1, -1, -1, -1, -1 },
    { SYS_fdatasync, "fdatasync", 0, -1, -1, -1, -1, -1 },
    { SYS_write, "write", 0, -1, -1, -1, -1, 1 },
    { SYS_pwrite64, "pwrite64", 0, -1, -1, -1, -1, 1 },
    { SYS_writev, "writev", 0, -1, -1, -1, -1, -1 },
    { SYS_sendto, "sendto", 0, -1, -1, -1, -1, 1 },
    { SYS_sendmsg, "sendmsg", 0, -1, -1, -1, -1, -1 },
    { SYS_bind, "bind", 0, -1, -1, -1, -1, -1 },
    { SYS_listen, "listen", 0, -1, -1, -1, -1, -1 },
};

typedef struct {
    pid_t tid;
    unsigned number; /* of the running call; 0: no call that counts */
    const Call *call;
    char *path;
    char *second_path;
    char *bytes;
} Thread;

static Thread threads[MAX_THREADS];
static pid_t victim;
static unsigned wanted;
static unsigned counted;
static FILE *report;


static Thread *
find_thread(pid_t tid)
{
    Thread *unused = NULL;

    for (size_t i = 0; i < MAX_THREADS; i++) {
        if (threads[i].tid == tid)
            return &threads[i];
        if (threads[i].tid == 0 && unused == NULL)
            unused = &threads[i];
    }
    if (unused == NULL)
        errx(1, "more than %d threads", MAX_THREADS);
    unused->tid = tid;
    return unused;
}


static void
leave_call(Thread *thread)
{
    free(thread->path);
    free(thread->second_path);
    free(thread->bytes);
    *thread = (Thread){ .tid = thread->tid };
}


static size_t
peek(uint64_t address, void *data, size_t size)
{
    struct iovec here = { .iov_base = data, .iov_len = size };
    struct iovec there = { .iov_base = (void *)(uintptr_t)address, .iov_len = size };
    ssize_t got = process_vm_readv(victim, &here, 1, &there, 1, 0);

    return got > 0 ? (size_t)got : 0;
}


/* Reads page by page, because the page after the end of the text may not be readable. */
static void
peek_text(uint64_t address, char *text, size_t size)
{
    size_t page = 4096;
    size_t done = 0;

    while (done < size - 1) {
        size_t step = page - (address + done) % page;
        size_t got = 0;

        if (step > size - 1 - done)
            step = size - 1 - done;
        got = peek(address + done, text + done, step);
        if (got == 0 || memchr(text + done, '\0', got) != NULL)
            break;
        done += got;
    }
    text[size - 1] = '\0';
}


static char *
describe_fd(int fd)
{
    char link[64];
    char target[PATH_MAX] = "";
    ssize_t size = 0;

    if (fd == AT_FDCWD)
        snprintf(link, sizeof(link), "/proc/%d/cwd", victim);
    else
        snprintf(link, sizeof(link), "/proc/%d/fd/%d", victim, fd);
    size = readlink(link, target, sizeof(target) - 1);
    target[size > 0 ? size : 0] = '\0';
    return strdup(target);
}


static char *
describe_path(const uint64_t *args, int directory, int path)
{
    char name[PATH_MAX] = "";
    char *joined = NULL;
    char *above = NULL;

    peek_text(args[path], name, sizeof(name));
    if (*name == '/')
        return strdup(name);
    above = describe_fd(directory == AT_CWD ? AT_FDCWD : (int)args[directory]);
    if (asprintf(&joined, "%s/%s", above, name) < 0)
        err(1, "asprintf");
    free(above);
    return joined;
}


static char *
describe_bytes(uint64_t address, uint64_t size)
{
    static unsigned char data[MAX_BYTES];
    size_t got = peek(address, data, size < MAX_BYTES ? size : MAX_BYTES);
    char *text = calloc(got + 1, 2);

    for (size_t i = 0; i < got; i++)
        snprintf(text + 2 * i, 3, "%02x", data[i]);
    return text;
}


static int
is_for_change(uint64_t flags)
{
    return (flags & O_PATH) == 0 &&
           ((flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)) != 0);
}


/* Whether a call that opens a file does so for more than reading; TRUE for other calls. */
static int
opens_for_change(const Call *call, const uint64_t *args)
{
    struct open_how how = { 0 };

    if (call->number == SYS_openat)
        return is_for_change(args[2]);
    if (call->number == SYS_openat2)
        return peek(args[2], &how, sizeof(how)) == sizeof(how) && is_for_change(how.flags);
#ifdef SYS_open
    if (call->number == SYS_open)
        return is_for_change(args[1]);
#endif
    return 1;
}


/* Whether the call has an effect outside the process. Exceptions are the log, wake-ups between
 * threads, and requests to the simulated kernel for a read or an open. */
static int
is_felt_outside(const Thread *thread, const uint64_t *args)
{
    static const char question[] = "7200"; /* "r" and NUL */
    static const char opening[] = "6f00";  /* "o" and NUL */

    if (thread->call->fd < 0)
        return 1;
    if (args[thread->call->fd] <= STDERR_FILENO || strncmp(thread->path, "anon_inode:", 11) == 0)
        return 0;
    return thread->bytes == NULL ||
           (strncmp(thread->bytes, question, 4) != 0 && strncmp(thread->bytes, opening, 4) != 0);
}


static const Call *
find_call(uint64_t number, const uint64_t *args)
{
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        if (calls[i].number == (long)number)
            return opens_for_change(&calls[i], args) ? &calls[i] : NULL;
    }
    return NULL;
}


static void
kill_victim(const Thread *thread)
{
    /* Written before the kill, because the report is read as soon as the process has ended. */
    fprintf(report, "killed\t%u\t%s\t%s\n", counted, thread->call->name, thread->path);
    kill(victim, SIGKILL);
}


static void
on_entry(Thread *thread, uint64_t number, const uint64_t *args)
{
    const Call *call = find_call(number, args);

    leave_call(thread);
    if (call == NULL)
        return;

    thread->call = call;
    thread->path = call->fd >= 0 ? describe_fd((int)args[call->fd])
                                 : describe_path(args, call->directory, call->path);
    if (call->second_path >= 0)
        thread->second_path = describe_path(args, call->second_directory, call->second_path);
    if (call->bytes >= 0)
        thread->bytes = describe_bytes(args[call->bytes], args[call->bytes + 1]);
    if (!is_felt_outside(thread, args)) {
        leave_call(thread);
        return;
    }
    thread->number = ++counted;
    if (counted == wanted)
        kill_victim(thread);
}


static void
on_exit_of_call(Thread *thread, int64_t result)
{
    if (thread->call != NULL && thread->number > 0)
        fprintf(report, "%u\t%s\t%lld\t%s\t%s\t%s\n", thread->number, thread->call->name,
                (long long)result, thread->path,
                thread->second_path != NULL ? thread->second_path : "",
                thread->bytes != NULL ? thread->bytes : "");
    leave_call(thread);
}


static void
on_syscall_stop(Thread *thread)
{
    struct __ptrace_syscall_info info = { 0 };

    if (ptrace(PTRACE_GET_SYSCALL_INFO, thread->tid, sizeof(info), &info) <= 0)
        return;
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
        on_entry(thread, info.entry.nr, info.entry.args);
    else if (info.op == PTRACE_SYSCALL_INFO_EXIT)
        on_exit_of_call(thread, info.exit.rval);
}


/* Continues a stopped thread. */
static void
go_on(Thread *thread, int status)
{
    int number = WSTOPSIG(status);
    int event = status >> 16;
    enum __ptrace_request request = PTRACE_SYSCALL;

    if (number == (SIGTRAP | 0x80)) {
        on_syscall_stop(thread);
        number = 0;
    } else if (event == PTRACE_EVENT_STOP && number != SIGTRAP) {
        request = PTRACE_LISTEN;
        number = 0;
    } else if (event != 0) {
        number = 0;
    }
    ptrace(request, thread->tid, NULL, (void *)(uintptr_t)number);
}


/* Handles stops until the process has ended. */
static void
watch(void)
{
    for (;;) {
        int status = 0;
        pid_t tid = waitpid(-1, &status, __WALL);

        if (tid < 0 && errno == EINTR)
            continue;
        if (tid < 0)
            return;
        if (WIFSTOPPED(status)) {
            go_on(find_thread(tid), status);
        } else {
            leave_call(find_thread(tid));
            find_thread(tid)->tid = 0;
        }
    }
}


static int
is_known(pid_t tid)
{
    for (size_t i = 0; i < MAX_THREADS; i++) {
        if (threads[i].tid == tid)
            return 1;
    }
    return 0;
}


/* Traces all threads not traced yet, and returns their number. Threads created by a traced thread
 * are traced automatically. */
static int
seize_threads(void)
{
    char path[64];
    DIR *dir = NULL;
    struct dirent *entry = NULL;
    int found = 0;

    snprintf(path, sizeof(path), "/proc/%d/task", victim);
    dir = opendir(path);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        pid_t tid = atoi(entry->d_name);

        if (tid == 0 || is_known(tid) || ptrace(PTRACE_SEIZE, tid, NULL, OPTIONS) < 0)
            continue;
        find_thread(tid);
        ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
        found++;
    }
    if (dir != NULL)
        closedir(dir);
    return found;
}


/* Traces all threads of a running process. Repeats the search, because a thread may be created
 * meanwhile. */
static void
attach(void)
{
    int found = 0;
    int total = 0;

    while ((found = seize_threads()) > 0)
        total += found;
    if (total == 0)
        errx(1, "no process %d", victim);

    for (int i = 0; i < total; i++) {
        int status = 0;
        pid_t tid = waitpid(-1, &status, __WALL);

        if (tid > 0 && WIFSTOPPED(status))
            go_on(find_thread(tid), status);
    }
}


/* Called in the child, which traces its parent, so that PROGRAM keeps the process that was
 * started. */
static void
attach_to_parent(int gate)
{
    victim = getppid();
    if (ptrace(PTRACE_SEIZE, victim, NULL, OPTIONS) < 0)
        err(1, "PTRACE_SEIZE");
    find_thread(victim);
    ptrace(PTRACE_INTERRUPT, victim, NULL, NULL);
    if (write(gate, "", 1) != 1)
        err(1, "write");
    close(gate);
}


/* Executes the program; returns in the child only. */
static void
start(char **program)
{
    int gate[2];
    char byte = 0;
    pid_t child = 0;

    if (pipe2(gate, O_CLOEXEC) < 0 || (child = fork()) < 0)
        err(1, "fork");
    if (child == 0) {
        attach_to_parent(gate[1]);
        return;
    }
    prctl(PR_SET_PTRACER, child);
    close(gate[1]);
    if (read(gate[0], &byte, 1) != 1)
        errx(1, "nobody watches");
    execv(program[0], program);
    err(1, "%s", program[0]);
}


int
main(int argc, char **argv)
{
    if (argc < 4)
        errx(2, "usage: kill-at REPORT N PID|PROGRAM [ARGUMENT...]");

    report = fopen(argv[1], "ae");
    if (report == NULL)
        err(1, "%s", argv[1]);
    setvbuf(report, NULL, _IOLBF, 0);
    wanted = (unsigned)strtoul(argv[2], NULL, 10);

    victim = atoi(argv[3]);
    if (victim != 0)
        attach();
    else
        start(argv + 3);
    fprintf(report, "ready\n");
    watch();
    return 0;
}
