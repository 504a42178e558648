/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Also run with the thread sanitizer. */
/* Whatever a script does, its result is reported in time and within limits. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/script.h"

/* Milliseconds: more than any script here needs, and too little for a hung one. */
#define TIMEOUT       60000
#define SHORT_TIMEOUT 1000

typedef struct {
    GMainLoop *loop;
    guint n;       /* number of results so far */
    guint n_until; /* number of results at which the loop ends */
    MdScriptResult *last;
} Answers;


static void
on_answer(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    Answers *answers = data;

    md_script_result_free(answers->last);
    answers->last = md_script_run_finish(result);
    if (++answers->n == answers->n_until)
        g_main_loop_quit(answers->loop);
}


static void
answers_clear(Answers *answers)
{
    md_script_result_free(answers->last);
    g_main_loop_unref(answers->loop);
}


static MdScriptResult *
run_argv(const char *const *argv, const char *input, guint deadline)
{
    Answers answers = { .loop = g_main_loop_new(NULL, FALSE), .n_until = 1 };

    md_script_run_async(argv, input, deadline, md_owner_get_daemon(), on_answer, &answers);
    g_assert_cmpuint(answers.n, ==, 0);
    g_main_loop_run(answers.loop);
    g_main_loop_unref(answers.loop);
    return answers.last;
}


static MdScriptResult *
run(const char *text, const char *input, guint deadline)
{
    const char *argv[] = { "/bin/sh", "-c", text, "name with spaces", NULL };

    return run_argv(argv, input, deadline);
}


static void
test_exit(void)
{
    g_autoptr(MdScriptResult) result = run("echo out; echo err >&2; exit 3", NULL, TIMEOUT);

    g_assert_cmpint(result->end, ==, MD_SCRIPT_EXITED);
    g_assert_cmpint(result->status, ==, 3);
    g_assert_cmpstr(result->out->str, ==, "out\n");
    g_assert_cmpstr(result->err->str, ==, "err\n");
}


static void
test_input(void)
{
    g_autoptr(MdScriptResult) text = run("cat; echo \"$0\"", "{\"a\": 1}", TIMEOUT);
    g_autoptr(MdScriptResult) again = run("cat /dev/stdin", "{\"a\": 1}", TIMEOUT);
    g_autoptr(MdScriptResult) none = run("cat", NULL, TIMEOUT);

    g_assert_cmpstr(text->out->str, ==, "{\"a\": 1}name with spaces\n");
    g_assert_cmpstr(again->out->str, ==, "{\"a\": 1}");
    g_assert_cmpint(none->end, ==, MD_SCRIPT_EXITED);
    g_assert_cmpuint(none->out->len, ==, 0);
}


/* Input that exceeds the pipe, for a script that does not read. */
static void
test_input_not_read(gconstpointer data)
{
    g_autofree char *input = g_strnfill(4 << 20, 'x');
    g_autoptr(MdScriptResult) result = run(data, input, TIMEOUT);

    g_assert_cmpint(result->end, ==, MD_SCRIPT_EXITED);
    g_assert_cmpint(result->status, ==, 0);
}


static void
test_nul_bytes(void)
{
    g_autoptr(MdScriptResult) result = run("printf 'a\\0b\\0'", NULL, TIMEOUT);

    g_assert_cmpuint(result->out->len, ==, 4);
    g_assert_cmpmem(result->out->str, result->out->len, "a\0b", 4);
}


static void
test_signal(void)
{
    g_autoptr(MdScriptResult) result = run("echo out; kill -TERM $$", NULL, TIMEOUT);

    g_assert_cmpint(result->end, ==, MD_SCRIPT_SIGNALED);
    g_assert_cmpint(result->status, ==, SIGTERM);
    g_assert_cmpstr(result->out->str, ==, "out\n");
}


static void
test_not_started(void)
{
    const char *argv[] = { "/there/is no/such script", NULL };
    g_autoptr(MdScriptResult) result = run_argv(argv, "{}", TIMEOUT);

    g_assert_cmpint(result->end, ==, MD_SCRIPT_NOT_STARTED);
    g_assert_nonnull(strstr(result->cause, "no/such script"));
    g_assert_cmpuint(result->out->len, ==, 0);
}


static void
test_bad_interpreter(void)
{
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("mediated-script-XXXXXX", &path, NULL);
    const char *argv[] = { path, NULL };
    g_autoptr(MdScriptResult) result = NULL;

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(write(fd, "#!/there/is/none\n", 17), ==, 17);
    g_assert_cmpint(fchmod(fd, 0700), ==, 0);
    g_assert_true(g_close(fd, NULL));

    result = run_argv(argv, NULL, TIMEOUT);
    g_assert_cmpint(result->end, ==, MD_SCRIPT_NOT_STARTED);
    g_assert_nonnull(result->cause);
    g_unlink(path);
}


static gboolean
on_hang_up(int fd G_GNUC_UNUSED, GIOCondition condition, gpointer data)
{
    g_assert_true(condition & G_IO_HUP);
    g_main_loop_quit(data);
    return G_SOURCE_REMOVE;
}


/* A hung script is killed together with its children. */
static void
test_deadline(void)
{
    g_autofree char *root = g_dir_make_tmp("mediated-script-XXXXXX", NULL);
    g_autofree char *fifo = g_build_filename(root, "held", NULL);
    g_autofree char *text = NULL;
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    g_autoptr(MdScriptResult) result = NULL;
    int fd = -1;

    g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
    fd = g_open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
    g_assert_cmpint(fd, >=, 0);

    text = g_strdup_printf("echo out; exec 3>'%s'; sleep 1000 & sleep 1000; exit 0", fifo);
    /* On a busy machine, the script's first output may take longer. */
    for (guint deadline = SHORT_TIMEOUT; result == NULL || result->out->len == 0; deadline *= 2) {
        g_clear_pointer(&result, md_script_result_free);
        result = run(text, NULL, deadline);
        g_assert_cmpint(result->end, ==, MD_SCRIPT_TIMED_OUT);
    }
    g_assert_cmpstr(result->out->str, ==, "out\n");

    g_unix_fd_add(fd, G_IO_IN | G_IO_HUP, on_hang_up, loop);
    g_main_loop_run(loop);
    g_close(fd, NULL);
    g_unlink(fifo);
    g_rmdir(root);
}


static void
test_flood(gconstpointer data)
{
    g_autoptr(MdScriptResult) result = run(data, NULL, TIMEOUT);

    g_assert_cmpint(result->end, ==, MD_SCRIPT_FLOODED);
    g_assert_cmpuint(MAX(result->out->len, result->err->len), >, MD_SCRIPT_OUTPUT_MAX);
    g_assert_cmpuint(MAX(result->out->len, result->err->len), <, 2 * MD_SCRIPT_OUTPUT_MAX);
}


/* Output of exactly the maximum size is accepted. */
static void
test_much(void)
{
    g_autoptr(MdScriptResult) result =
        run("head -c 1048576 /dev/zero; head -c 1048576 /dev/zero >&2", NULL, TIMEOUT);

    g_assert_cmpint(result->end, ==, MD_SCRIPT_EXITED);
    g_assert_cmpuint(result->out->len, ==, MD_SCRIPT_OUTPUT_MAX);
    g_assert_cmpuint(result->err->len, ==, MD_SCRIPT_OUTPUT_MAX);
}


/* A background process that keeps the pipes open is neither waited for nor killed. */
static void
test_left_behind(void)
{
    g_autoptr(MdScriptResult) result = run("sleep 1000 & echo $!", NULL, TIMEOUT);
    pid_t pid = 0;

    g_assert_cmpint(result->end, ==, MD_SCRIPT_EXITED);
    g_assert_cmpint(result->status, ==, 0);
    pid = (pid_t)g_ascii_strtoll(result->out->str, NULL, 10);
    g_assert_cmpint(pid, >, 1);
    g_assert_cmpint(kill(pid, SIGKILL), ==, 0);
}


static void
test_surroundings(void)
{
    g_autoptr(MdScriptResult) result = NULL;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(dup2(fd, 200), ==, 200);
    g_setenv("NOTIFY_SOCKET", "/run/notify", TRUE);
    g_setenv("OF_THE_DAEMON", "kept", TRUE);
    g_unsetenv("PATH");

    result = run("pwd; echo \"$NOTIFY_SOCKET $OF_THE_DAEMON\"; [ -e /proc/$$/fd/200 ]; echo $?; "
                 "set -- $(cat /proc/$$/stat); [ $1 = $5 ] && [ $1 = $6 ]; echo $?",
                 NULL, TIMEOUT);
    g_assert_cmpint(result->end, ==, MD_SCRIPT_EXITED);
    g_assert_cmpstr(result->err->str, ==, "");
    g_assert_cmpstr(result->out->str, ==, "/\n kept\n1\n0\n");

    g_unsetenv("NOTIFY_SOCKET");
    close(200);
    close(fd);
}


static void
set_soft_limit(int resource, rlim_t soft)
{
    struct rlimit limit;

    g_assert_cmpint(getrlimit(resource, &limit), ==, 0);
    limit.rlim_cur = MIN(soft, limit.rlim_max);
    g_assert_cmpint(setrlimit(resource, &limit), ==, 0);
}


/* The daemon's own changes to process state are undone in the script. */
static void
test_limits_and_signals(void)
{
    g_autoptr(MdScriptResult) result = NULL;
    sigset_t blocked;
    sigset_t before;

    set_soft_limit(RLIMIT_NOFILE, 500);
    set_soft_limit(RLIMIT_CORE, 0);
    set_soft_limit(RLIMIT_STACK, 1 << 22);
    md_script_keep_limits();
    set_soft_limit(RLIMIT_NOFILE, RLIM_INFINITY);
    set_soft_limit(RLIMIT_STACK, 1 << 23);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigaddset(&blocked, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    for (int i = 1; i < NSIG; i++) {
        if (i != SIGCHLD)
            signal(i, SIG_IGN);
    }

    result =
        run("ulimit -Sn; ulimit -Ss; grep -E '^Sig(Blk|Ign):' /proc/self/status", NULL, TIMEOUT);
    for (int i = 1; i < NSIG; i++) {
        if (i != SIGCHLD)
            signal(i, SIG_DFL);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    g_assert_cmpint(result->end, ==, MD_SCRIPT_EXITED);
    /* Signals 32 and 33 belong to the C library. Its posix_spawn(), which make uses, leaves them
     * ignored. */
    g_assert_true(g_regex_match_simple("^500\n4096\nSigBlk:\t0{16}\nSigIgn:\t0{7}[01][08]0{7}\n$",
                                       result->out->str, 0, 0));
}


/* Uses up all LIMIT descriptors. A lower limit alone would make poll() fail in GLib's own
 * thread, which may poll more descriptors than the limit. */
static void
use_up_descriptors(GArray *taken, rlim_t limit)
{
    int fd;

    set_soft_limit(RLIMIT_NOFILE, limit);
    while ((fd = dup(STDIN_FILENO)) >= 0)
        g_array_append_val(taken, fd);
    g_assert_cmpint(errno, ==, EMFILE);
}


/* A failed fork is not reported as the script's failure. */
static void
test_no_descriptors(void)
{
    const char *argv[] = { "/bin/true", NULL };
    struct rlimit before;
    g_autoptr(GArray) taken = g_array_new(FALSE, FALSE, sizeof(int));
    g_autoptr(MdScriptResult) possible = run_argv(argv, NULL, TIMEOUT);
    g_autoptr(MdScriptResult) result = NULL;

    g_assert_cmpint(possible->end, ==, MD_SCRIPT_EXITED);
    g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &before), ==, 0);
    use_up_descriptors(taken, 64);
    result = run_argv(argv, NULL, TIMEOUT);
    for (guint i = 0; i < taken->len; i++)
        close(g_array_index(taken, int, i));
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &before), ==, 0);
    g_assert_cmpint(result->end, ==, MD_SCRIPT_REFUSED);
    g_assert_nonnull(result->cause);
}


/* The maximum of hung scripts of one user, with more waiting, does not delay another user's. */
static void
test_shares(void)
{
    const char *hang[] = { "/bin/sleep", "1000", NULL };
    const char *quick[] = { "/bin/echo", "here", NULL };
    g_autoptr(MdOwner) anna = md_owner_new(1000);
    g_autoptr(MdOwner) bert = md_owner_new(1001);
    const guint most = MD_SCRIPT_MAX_PER_READER + MD_SCRIPT_MAX_OWN_WAITING;
    Answers hung = { .loop = g_main_loop_new(NULL, FALSE), .n_until = most };
    Answers refused = { .loop = g_main_loop_new(NULL, FALSE), .n_until = 1 };
    Answers answers = { .loop = g_main_loop_new(NULL, FALSE), .n_until = 1 };

    for (guint i = 0; i < most; i++)
        md_script_run_async(hang, NULL, TIMEOUT, anna, on_answer, &hung);
    md_script_run_async(hang, NULL, TIMEOUT, anna, on_answer, &refused);
    g_main_loop_run(refused.loop);
    g_assert_cmpint(refused.last->end, ==, MD_SCRIPT_REFUSED);
    md_script_run_async(quick, NULL, TIMEOUT, bert, on_answer, &answers);
    g_main_loop_run(answers.loop);
    g_assert_cmpstr(answers.last->out->str, ==, "here\n");

    /* Waiting scripts are dropped, running ones killed. */
    g_assert_cmpuint(hung.n, ==, 0);
    md_owner_leave(anna);
    g_main_loop_run(hung.loop);
    g_assert_cmpint(hung.last->end, ==, MD_SCRIPT_ABANDONED);
    answers_clear(&hung);
    answers_clear(&refused);
    answers_clear(&answers);
}


/* An operation that must be completed continues after its client has disconnected. */
static void
test_lasting(void)
{
    const char *slow[] = { "/bin/sh", "-c", "sleep 0.1; echo here", NULL };
    g_autoptr(MdOwner) anna = md_owner_new(1000);
    g_autoptr(MdOwner) lasting = md_owner_new_lasting(anna);
    Answers answers = { .loop = g_main_loop_new(NULL, FALSE), .n_until = 1 };

    md_script_run_async(slow, NULL, TIMEOUT, lasting, on_answer, &answers);
    md_owner_leave(anna);
    g_main_loop_run(answers.loop);
    g_assert_cmpint(answers.last->end, ==, MD_SCRIPT_EXITED);
    g_assert_cmpstr(answers.last->out->str, ==, "here\n");
    answers_clear(&answers);
}


/* Hung scripts delay those behind them until their timeout, and no longer. */
static void
test_too_many(void)
{
    const char *hang[] = { "/bin/sleep", "1000", NULL };
    const char *quick[] = { "/bin/echo", "here", NULL };
    Answers hung = { .loop = g_main_loop_new(NULL, FALSE) };
    Answers answers = { .loop = hung.loop, .n_until = 1 };

    for (guint i = 0; i < MD_SCRIPT_MAX_RUNNING; i++)
        md_script_run_async(hang, NULL, SHORT_TIMEOUT, md_owner_get_daemon(), on_answer, &hung);
    md_script_run_async(quick, NULL, TIMEOUT, md_owner_get_daemon(), on_answer, &answers);
    g_main_loop_run(hung.loop);
    g_assert_cmpint(answers.last->end, ==, MD_SCRIPT_EXITED);
    g_assert_cmpstr(answers.last->out->str, ==, "here\n");
    g_assert_cmpuint(hung.n, >, 0);

    hung.n_until = MD_SCRIPT_MAX_RUNNING;
    if (hung.n < hung.n_until)
        g_main_loop_run(hung.loop);
    g_assert_cmpint(hung.last->end, ==, MD_SCRIPT_TIMED_OUT);
    md_script_result_free(answers.last);
    answers_clear(&hung);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/script/exit", test_exit);
    g_test_add_func("/script/input", test_input);
    g_test_add_data_func("/script/input-not-read", "exit 0", test_input_not_read);
    g_test_add_data_func("/script/input-closed", "exec <&-; exit 0", test_input_not_read);
    g_test_add_data_func("/script/input-begun", "head -c 1 >&2", test_input_not_read);
    g_test_add_func("/script/nul-bytes", test_nul_bytes);
    g_test_add_func("/script/signal", test_signal);
    g_test_add_func("/script/not-started", test_not_started);
    g_test_add_func("/script/bad-interpreter", test_bad_interpreter);
    g_test_add_func("/script/deadline", test_deadline);
    g_test_add_data_func("/script/flood-stdout", "yes", test_flood);
    g_test_add_data_func("/script/flood-stderr", "yes >&2; exit 0", test_flood);
    g_test_add_func("/script/much", test_much);
    g_test_add_func("/script/left-behind", test_left_behind);
    g_test_add_func("/script/surroundings", test_surroundings);
    g_test_add_func("/script/too-many", test_too_many);
    g_test_add_func("/script/limits-and-signals", test_limits_and_signals);
    g_test_add_func("/script/no-descriptors", test_no_descriptors);
    g_test_add_func("/script/shares", test_shares);
    g_test_add_func("/script/lasting", test_lasting);
    return g_test_run();
}
