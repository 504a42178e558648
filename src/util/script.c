/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "util/script.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "util/error.h"
#include "util/fair-queue.h"
#include "util/source.h"
#include "util/worker.h"

/* Bytes read per iteration of the main loop. */
#define READ_SIZE 65536

typedef struct _Run Run;

/* One of the two pipes for a script's output. */
typedef struct {
    Run *run;
    GPollableInputStream *stream; /* of the process */
    GSource *source;              /* NULL: end of file */
    GString *text;
} Pipe;

/* A process being started by a worker, because starting blocks until the kernel has read the
 * program from its disk. */
typedef struct {
    char **argv;
    char *input;
    GSubprocess *process; /* NULL: not started, or moved to the Run */
    GError *error;
} Spawn;

/* One script. It ends when it has been answered and its process, if any, has been reaped or
 * abandoned. */
struct _Run {
    GTask *task; /* NULL once answered */
    MdFairEntry entry;
    MdOwner *owner;
    MdOwnerWatch watch; /* while it runs */
    Spawn *spawn;       /* NULL: no longer queued */
    guint deadline;
    GSubprocess *process;      /* NULL: not started yet */
    GCancellable *cancellable; /* of the wait for the process */
    GSource *timer;
    Pipe out;
    Pipe err;
};

static const MdFairLimits fair_limits = {
    .running = MD_SCRIPT_MAX_RUNNING,
    .running_per_owner = MD_SCRIPT_MAX_PER_OWNER,
    .running_readers = MD_SCRIPT_MAX_READERS,
    .running_per_reader = MD_SCRIPT_MAX_PER_READER,
    .waiting = MD_SCRIPT_MAX_WAITING,
    .waiting_per_owner = MD_SCRIPT_MAX_OWN_WAITING,
};

/* Of Run. One queue per process, because it limits the number of child processes. Main loop
 * only. */
static MdFairQueue *queue;

/* The limits that the daemon was started with. */
static struct rlimit limits[RLIM_NLIMITS];
static gboolean limits_kept;


void
md_script_keep_limits(void)
{
    for (int i = 0; i < RLIM_NLIMITS; i++) {
        if (getrlimit(i, &limits[i]) < 0)
            return;
    }
    limits_kept = TRUE;
}


void
md_script_result_free(MdScriptResult *self)
{
    if (self == NULL)
        return;

    g_free(self->cause);
    g_string_free(self->out, TRUE);
    g_string_free(self->err, TRUE);
    g_free(self);
}


static void
kill_process(GSubprocess *process)
{
    const char *pid = g_subprocess_get_identifier(process);

    if (pid != NULL)
        kill(-(pid_t)g_ascii_strtoll(pid, NULL, 10), SIGKILL);
}


/* A process still in `spawn` was started after the script had been given up. */
static void
spawn_free(Spawn *spawn)
{
    if (spawn->process != NULL)
        kill_process(spawn->process);
    g_clear_object(&spawn->process);
    g_strfreev(spawn->argv);
    g_free(spawn->input);
    g_clear_error(&spawn->error);
    g_free(spawn);
}


static void
run_free(Run *run)
{
    g_clear_pointer(&run->spawn, spawn_free);
    md_owner_unref(run->owner);
    g_clear_object(&run->process);
    g_object_unref(run->cancellable);
    g_free(run);
}


static void
close_pipe(Pipe *pipe)
{
    md_source_clear(&pipe->source);
    if (pipe->stream != NULL)
        g_input_stream_close(G_INPUT_STREAM(pipe->stream), NULL, NULL);
    g_clear_object(&pipe->stream);
}


/* Completes the task, and releases everything but the process. */
static void
run_answer(Run *run, MdScriptEnd end, int status, const char *cause)
{
    g_autoptr(GTask) task = g_steal_pointer(&run->task);
    MdScriptResult *result = g_new0(MdScriptResult, 1);

    result->end = end;
    result->status = status;
    result->cause = g_strdup(cause);
    result->out = g_steal_pointer(&run->out.text);
    result->err = g_steal_pointer(&run->err.text);

    md_source_clear(&run->timer);
    md_owner_unwatch(&run->watch);
    close_pipe(&run->out);
    close_pipe(&run->err);
    md_fair_entry_leave(&run->entry);
    g_task_return_pointer(task, result, (GDestroyNotify)md_script_result_free);
}


/* Does not wait for the process, which may be blocked in the kernel. GLib reaps the process. */
static void
kill_run(Run *run, MdScriptEnd end)
{
    if (run->process != NULL)
        kill_process(run->process);
    run_answer(run, end, 0, NULL);
    g_cancellable_cancel(run->cancellable);
}


static gboolean
on_deadline(gpointer data)
{
    kill_run(data, MD_SCRIPT_TIMED_OUT);
    return G_SOURCE_REMOVE;
}


/* Set before the start, and again before the run: each has the full deadline. */
static void
run_set_timer(Run *run)
{
    md_source_clear(&run->timer);
    run->timer = md_source_attach(g_timeout_source_new(run->deadline), on_deadline, run);
}


static void
on_client_gone(gpointer data)
{
    kill_run(data, MD_SCRIPT_ABANDONED);
}


/* Reads once without blocking. FALSE: nothing is available now. */
static gboolean
read_pipe(Pipe *pipe)
{
    g_autoptr(GError) error = NULL;
    char buffer[READ_SIZE];
    gssize n = 0;

    if (pipe->source == NULL)
        return FALSE;

    n = g_pollable_input_stream_read_nonblocking(pipe->stream, buffer, sizeof(buffer), NULL,
                                                 &error);
    if (n > 0)
        g_string_append_len(pipe->text, buffer, n);
    else if (!g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        md_source_clear(&pipe->source);
    return n > 0;
}


static gboolean
is_flooded(const Pipe *pipe)
{
    return pipe->text->len > MD_SCRIPT_OUTPUT_MAX;
}


static gboolean
on_readable(GObject *stream G_GNUC_UNUSED, gpointer data)
{
    Pipe *pipe = data;

    read_pipe(pipe);
    if (is_flooded(pipe))
        kill_run(pipe->run, MD_SCRIPT_FLOODED);
    return G_SOURCE_CONTINUE;
}


static void
open_pipe(Pipe *pipe, Run *run, GInputStream *stream)
{
    pipe->run = run;
    pipe->stream = g_object_ref(G_POLLABLE_INPUT_STREAM(stream));
    pipe->source = md_source_attach(g_pollable_input_stream_create_source(pipe->stream, NULL),
                                    G_SOURCE_FUNC(on_readable), pipe);
}


/* Reads the script's remaining output from a pipe, but no more than the limit, because another
 * process may still write. */
static void
drain_pipe(Pipe *pipe)
{
    while (!is_flooded(pipe) && read_pipe(pipe))
        ;
}


static void
on_exited(GObject *object, GAsyncResult *result, gpointer data)
{
    GSubprocess *process = G_SUBPROCESS(object);
    Run *run = data;

    g_subprocess_wait_finish(process, result, NULL);
    if (run->task == NULL) {
        run_free(run);
        return;
    }

    drain_pipe(&run->out);
    drain_pipe(&run->err);
    if (is_flooded(&run->out) || is_flooded(&run->err))
        run_answer(run, MD_SCRIPT_FLOODED, 0, NULL);
    else if (g_subprocess_get_if_exited(process))
        run_answer(run, MD_SCRIPT_EXITED, g_subprocess_get_exit_status(process), NULL);
    else
        run_answer(run, MD_SCRIPT_SIGNALED, g_subprocess_get_term_sig(process), NULL);
    run_free(run);
}


/* Runs in the child between fork and exec: async-signal-safe functions only. */
static void
set_up_child(gpointer data G_GNUC_UNUSED)
{
    sigset_t none;

    setsid();
    for (int i = 1; i < NSIG; i++)
        signal(i, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int i = 0; limits_kept && i < RLIM_NLIMITS; i++)
        setrlimit(i, &limits[i]);
}


/* A file in memory: unlike a pipe, it needs no writer, and the script need not read it. */
static int
open_input(const char *input, GError **error)
{
    gsize length = strlen(input);
    int fd = memfd_create("input", MFD_CLOEXEC);

    if (fd < 0 || TEMP_FAILURE_RETRY(write(fd, input, length)) != (gssize)length ||
        lseek(fd, 0, SEEK_SET) < 0) {
        md_error_set_errno(error, errno, "cannot set up its standard input");
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}


static GSubprocess *
spawn_process(const Spawn *spawn, GError **error)
{
    static const char *const ours[] = { "LISTEN_FDNAMES", "LISTEN_FDS",   "LISTEN_PID",
                                        "NOTIFY_SOCKET",  "WATCHDOG_PID", "WATCHDOG_USEC" };
    g_autoptr(GSubprocessLauncher) launcher =
        g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);

    for (gsize i = 0; i < G_N_ELEMENTS(ours); i++)
        g_subprocess_launcher_unsetenv(launcher, ours[i]);
    g_subprocess_launcher_setenv(launcher, "PATH", "/usr/sbin:/usr/bin:/sbin:/bin", FALSE);
    g_subprocess_launcher_set_cwd(launcher, "/");
    g_subprocess_launcher_set_child_setup(launcher, set_up_child, NULL, NULL);

    if (spawn->input != NULL) {
        int fd = open_input(spawn->input, error);

        if (fd < 0)
            return NULL;
        g_subprocess_launcher_take_stdin_fd(launcher, fd);
    }
    return g_subprocess_launcher_spawnv(launcher, (const char *const *)spawn->argv, error);
}


static gboolean
spawn_run(gpointer data, GError **error G_GNUC_UNUSED)
{
    Spawn *spawn = data;

    spawn->process = spawn_process(spawn, &spawn->error);
    return TRUE;
}


/* Whether the script itself is at fault, not the machine. */
static gboolean
is_fault_of_script(const GError *error)
{
    static const GSpawnError faults[] = {
        G_SPAWN_ERROR_ACCES, G_SPAWN_ERROR_PERM,    G_SPAWN_ERROR_NOEXEC, G_SPAWN_ERROR_NAMETOOLONG,
        G_SPAWN_ERROR_NOENT, G_SPAWN_ERROR_NOTDIR,  G_SPAWN_ERROR_LOOP,   G_SPAWN_ERROR_INVAL,
        G_SPAWN_ERROR_ISDIR, G_SPAWN_ERROR_TXTBUSY, G_SPAWN_ERROR_LIBBAD,
    };

    for (gsize i = 0; i < G_N_ELEMENTS(faults); i++) {
        if (g_error_matches(error, G_SPAWN_ERROR, faults[i]))
            return TRUE;
    }
    return FALSE;
}


static MdScriptEnd
find_end(const GError *error)
{
    if (g_error_matches(error, MD_ERROR, VIR_ERR_OPERATION_ABORTED))
        return MD_SCRIPT_ABANDONED;
    return is_fault_of_script(error) ? MD_SCRIPT_NOT_STARTED : MD_SCRIPT_REFUSED;
}


static void
on_spawned(gpointer data, GError *error, gpointer user_data)
{
    Run *run = user_data;
    g_autoptr(GError) refusal = error;
    Spawn *spawn = data;
    const GError *reason = spawn != NULL ? spawn->error : refusal;

    if (run->task == NULL || reason != NULL) {
        if (run->task != NULL)
            run_answer(run, find_end(reason), 0, reason->message);
        run_free(run);
        return;
    }
    run->process = g_steal_pointer(&spawn->process);
    run_set_timer(run);
    open_pipe(&run->out, run, g_subprocess_get_stdout_pipe(run->process));
    open_pipe(&run->err, run, g_subprocess_get_stderr_pipe(run->process));
    g_subprocess_wait_async(run->process, run->cancellable, on_exited, run);
}


static void
on_turn(gpointer data)
{
    Run *run = data;

    run_set_timer(run);
    md_owner_watch(run->owner, &run->watch, on_client_gone, run);
    md_worker_run(spawn_run, g_steal_pointer(&run->spawn), (GDestroyNotify)spawn_free,
                  MD_WORKER_FILES, MD_WORKER_SPAWN, G_MAXUINT, run->owner, on_spawned, run);
}


/* Refused while queued. */
static void
on_refused(gpointer data, GError *error)
{
    Run *run = data;
    gboolean gone = g_error_matches(error, MD_ERROR, VIR_ERR_OPERATION_ABORTED);

    run_answer(run, gone ? MD_SCRIPT_ABANDONED : MD_SCRIPT_REFUSED, 0, error->message);
    run_free(run);
    g_error_free(error);
}


void
md_script_run_async(const char *const *argv,
                    const char *input,
                    guint deadline,
                    MdOwner *owner,
                    GAsyncReadyCallback callback,
                    gpointer user_data)
{
    static const MdFairFuncs funcs = { on_turn, on_refused };
    Run *run = g_new0(Run, 1);
    GError *error = NULL;

    run->task = g_task_new(NULL, NULL, callback, user_data);
    g_task_set_source_tag(run->task, md_script_run_async);
    run->spawn = g_new0(Spawn, 1);
    run->spawn->argv = g_strdupv((char **)argv);
    run->spawn->input = g_strdup(input);
    run->deadline = deadline;
    run->owner = md_owner_ref(owner);
    run->cancellable = g_cancellable_new();
    run->out.text = g_string_new(NULL);
    run->err.text = g_string_new(NULL);

    if (queue == NULL)
        queue = md_fair_queue_new("scripts", &fair_limits);
    if (!md_fair_queue_join(queue, &run->entry, owner, &funcs, run, &error))
        on_refused(run, error);
}


MdScriptResult *
md_script_run_finish(GAsyncResult *result)
{
    g_return_val_if_fail(g_async_result_is_tagged(result, md_script_run_async), NULL);

    return g_task_propagate_pointer(G_TASK(result), NULL);
}


void
md_script_log_state(void)
{
    if (queue != NULL)
        md_fair_queue_log(queue);
}
