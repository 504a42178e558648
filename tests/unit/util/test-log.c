/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Untrusted texts in the log: printable, on one line, bounded. */
#include "config.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/log-control.h"
#include "util/log-output.h"
#include "util/log.h"

#include "../settle.h"

#define MISSING " log lines dropped"

/* Exceeds the pipe and the queue together. */
#define MANY (3 * MD_LOG_KEPT_MAX)


static void
test_escape(void)
{
    static const struct {
        const char *text;
        const char *shown;
    } cases[] = {
        { "", "" },
        { "Ger\303\244t 'mdev'", "Ger\303\244t 'mdev'" },
        { "a\nmediated-CRITICAL: forged", "a\\nmediated-CRITICAL: forged" },
        { "\t\r\033[31m\177", "\\t\\x0d\\x1b[31m\\x7f" },
        { "a\\nb", "a\\\\nb" },
        { "\377\376", "\\xff\\xfe" },
        { "half \303", "half \\xc3" },
        { "\302\23331m", "\\u009b31m" },
        { "\342\200\256gnp", "\\u202egnp" },
        { "\342\200\250", "\\u2028" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *shown = md_log_escape(cases[i].text);

        g_assert_cmpstr(shown, ==, cases[i].shown);
    }
}


/* A truncated text consists of complete characters and complete escapes. */
static void
test_bound(void)
{
    static const char *const pieces[] = { "a", "\n", "\303\244", "\342\200\256", "\377" };

    for (gsize i = 0; i < G_N_ELEMENTS(pieces); i++) {
        for (guint lead = 0; lead < 8; lead++) {
            g_autoptr(GString) text = g_string_new(NULL);
            g_autofree char *shown = NULL;

            for (guint n = 0; n < lead; n++)
                g_string_append_c(text, 'x');
            for (guint n = 0; n < MD_LOG_MESSAGE_MAX; n++)
                g_string_append(text, pieces[i]);
            shown = md_log_escape(text->str);

            if (lead == 0 && strlen(pieces[i]) == 1 && g_ascii_isprint(*pieces[i])) {
                g_assert_cmpstr(shown, ==, text->str);
            } else {
                g_assert_cmpuint(strlen(shown), <=, MD_LOG_MESSAGE_MAX);
                g_assert_cmpuint(strlen(shown), >, MD_LOG_MESSAGE_MAX - 12);
                g_assert_true(g_str_has_suffix(shown, "..."));
            }
            g_assert_true(g_utf8_validate(shown, -1, NULL));
        }
    }
}


static void
test_writer(void)
{
    if (g_test_subprocess()) {
        const MdLogContext context = { .procedure = "virNodeDeviceDestroy", .device = "one\ntwo" };

        md_log_init(FALSE);
        md_log(G_LOG_LEVEL_MESSAGE, &context, "Destroyed '%s'", context.device);
        g_message("Attribute '%s'", "1\nmediated-CRITICAL: forged");
        g_info("not shown");
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("*Destroyed 'one\\ntwo'*Attribute '1\\nmediated-CRITICAL: forged'*");
    g_test_trap_assert_stderr_unmatched("*\nmediated-CRITICAL*");
    g_test_trap_assert_stderr_unmatched("*not shown*");
}


/* Replaces stderr by a pipe; returns its read end. */
static int
open_pipe(void)
{
    int ends[2] = { -1, -1 };

    g_assert_cmpint(pipe(ends), ==, 0);
    g_assert_cmpint(dup2(ends[1], STDERR_FILENO), ==, STDERR_FILENO);
    close(ends[1]);
    return ends[0];
}


/* Reads what was written, while the main loop writes queued lines. */
static GString *
read_all(int fd)
{
    GString *all = g_string_new(NULL);
    char chunk[4096];
    gssize got = 1;

    while (got > 0) {
        settle();
        got = g_unix_set_fd_nonblocking(fd, TRUE, NULL) ? read(fd, chunk, sizeof(chunk)) : -1;
        if (got > 0)
            g_string_append_len(all, chunk, got);
    }
    return all;
}


/* Checks that lines are complete, once and in order; returns the number of the next. */
static guint
check_lines(const char *all, guint first, guint n)
{
    const char *at = all;

    while (first < n) {
        g_autofree char *wanted = g_strdup_printf("line %u ", first);
        const char *found = strstr(at, wanted);

        if (found == NULL)
            return first;
        at = found + strlen(wanted);
        first++;
    }
    return first;
}


static void
log_lines(guint first, guint n)
{
    for (guint i = first; i < n; i++)
        g_message("line %u of many", i);
}


/* Without a reader, nothing blocks; queued lines are written as soon as a reader reads. */
static void
test_full(void)
{
    if (g_test_subprocess()) {
        int fd = open_pipe();
        g_autoptr(GString) all = NULL;
        g_autofree char *missing = NULL;
        guint n = 0;

        md_log_init(FALSE);
        log_lines(0, MANY);
        all = read_all(fd);
        n = check_lines(all->str, 0, MANY);
        g_assert_cmpuint(n, >, MD_LOG_KEPT_MAX);
        missing = g_strdup_printf("%u" MISSING, MANY - n);
        g_assert_nonnull(strstr(all->str, missing));
        /* Nothing is queued, so the next line is written immediately. */
        g_assert_false(g_main_context_pending(NULL));
        log_lines(MANY, MANY + 1);
        g_string_free(g_steal_pointer(&all), TRUE);
        all = read_all(fd);
        g_assert_cmpuint(check_lines(all->str, MANY, MANY + 1), ==, MANY + 1);
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
}


/* A reader that is slower than the log finds the gap at the right place. */
static void
test_gap(void)
{
    if (g_test_subprocess()) {
        int fd = open_pipe();
        g_autoptr(GString) all = g_string_new(NULL);
        g_autoptr(GString) rest = NULL;
        g_autofree char *next = NULL;
        const char *gap = NULL;
        char chunk[4096];
        guint logged = MANY;
        guint n = 0;

        md_log_init(FALSE);
        log_lines(0, MANY);
        while (strstr(all->str, MISSING) == NULL) {
            gssize got = read(fd, chunk, sizeof(chunk));

            g_assert_cmpint(got, >, 0);
            g_string_append_len(all, chunk, got);
            settle();
            log_lines(logged, logged + 1);
            logged++;
        }
        rest = read_all(fd);
        g_string_append_len(all, rest->str, (gssize)rest->len);

        n = check_lines(all->str, 0, logged);
        for (gap = strstr(all->str, MISSING); g_ascii_isdigit(gap[-1]);)
            gap--;
        next = g_strdup_printf("line %u ", n + (guint)g_ascii_strtoull(gap, NULL, 10));
        gap = strstr(strstr(gap, MISSING), "line ");
        g_assert_nonnull(gap);
        g_assert_true(g_str_has_prefix(gap, next));
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
}


static gpointer
read_slowly(gpointer data)
{
    GString *all = g_string_new(NULL);
    char chunk[1024];
    gssize got = 0;

    while ((got = read(GPOINTER_TO_INT(data), chunk, sizeof(chunk))) > 0)
        g_string_append_len(all, chunk, got);
    return all;
}


/* The last message of a program that aborts, which G_DEBUG can enable for any level. */
static void
test_fatal(void)
{
    int ends[2] = { -1, -1 };
    GString *all = NULL;
    pid_t pid = 0;

    g_assert_cmpint(pipe(ends), ==, 0);
    pid = fork();
    if (pid == 0) {
        const struct rlimit none = { 0, 0 };

        setrlimit(RLIMIT_CORE, &none);
        dup2(ends[1], STDERR_FILENO);
        dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        g_log_set_always_fatal(G_LOG_LEVEL_ERROR | G_LOG_LEVEL_WARNING);
        md_log_init(FALSE);
        log_lines(0, MD_LOG_KEPT_MAX);
        g_warning("last words");
        _exit(0);
    }
    close(ends[1]);
    all = read_slowly(GINT_TO_POINTER(ends[0]));
    close(ends[0]);
    g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
    g_assert_cmpuint(check_lines(all->str, 0, MD_LOG_KEPT_MAX), ==, MD_LOG_KEPT_MAX);
    g_assert_nonnull(strstr(all->str, "last words"));
    g_string_free(all, TRUE);
}


/* The end of the program waits for a reader that reads, but not for a stalled one. */
static void
test_end(void)
{
    if (g_test_subprocess()) {
        int fd = open_pipe();
        GThread *reader = NULL;
        g_autoptr(GString) all = NULL;

        md_log_init(FALSE);
        log_lines(0, MD_LOG_KEPT_MAX);
        md_log_end();
        reader = g_thread_new("reader", read_slowly, GINT_TO_POINTER(fd));
        md_log_end();
        close(STDERR_FILENO);
        all = g_thread_join(reader);
        g_assert_cmpuint(check_lines(all->str, 0, MD_LOG_KEPT_MAX), ==, MD_LOG_KEPT_MAX);
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
}


/* Output of GLib, as after a failed assertion, does not wait for a stalled reader either. */
static void
test_print(void)
{
    if (g_test_subprocess()) {
        int fd = open_pipe();
        g_autoptr(GString) all = NULL;
        g_autofree char *full = NULL;

        md_log_bound_stderr();
        g_printerr("first %s\n", "words");
        g_assert_true(g_unix_set_fd_nonblocking(STDERR_FILENO, TRUE, NULL));
        full = g_strnfill(4096, 'x');
        while (write(STDERR_FILENO, full, 4096) > 0)
            ;
        g_assert_true(g_unix_set_fd_nonblocking(STDERR_FILENO, FALSE, NULL));
        g_printerr("last words\n");
        all = read_all(fd);
        g_assert_true(g_str_has_prefix(all->str, "first words\nxxx"));
        g_assert_null(strstr(all->str, "last words"));
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
}


/* A closed reader is not waited for. */
static void
test_gone(void)
{
    if (g_test_subprocess()) {
        int fd = open_pipe();

        signal(SIGPIPE, SIG_IGN);
        md_log_init(FALSE);
        log_lines(0, MANY);
        close(fd);
        settle();
        log_lines(0, 1);
        g_assert_false(g_main_context_pending(NULL));
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
}


/* Each output has its priority; one that cannot be opened is left out. */
static void
test_outputs(void)
{
    g_autofree char *path = g_build_filename(g_get_tmp_dir(), "mediated-outputs.log", NULL);
    g_autofree char *text = NULL;

    if (g_test_subprocess()) {
        g_autofree char *outputs =
            g_strdup_printf("4:stderr 1:file:%s 1:file:/nonexistent/x", path);
        g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);

        md_log_init(FALSE);
        md_log_control_configure(MD_LOG_PRIORITY_WARNING, "4:qemu 1:node_device 3:*", outputs,
                                 problems);
        g_assert_cmpuint(problems->len, ==, 1);
        g_assert_cmpstr(problems->pdata[0], ==,
                        "cannot open the log '/nonexistent/x': No such file or directory");
        g_debug("one\ntwo");
        g_message("three");
        md_log_control_set_filters("3:mediated", NULL);
        g_debug("four");
        return;
    }
    g_unlink(path);
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr_unmatched("*three*");
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_unlink(path);
    g_assert_true(g_pattern_match_simple("*one\\ntwo\n*three\n", text));
    g_assert_null(strstr(text, "four"));
}


/* The format of systemd's "Native Journal Protocol". */
static void
test_encode(void)
{
    const GLogField fields[] = { { "MESSAGE", "a\nb", -1 }, { "PRIORITY", "5?", 1 } };
    static const char wanted[] = "MESSAGE\n\3\0\0\0\0\0\0\0a\nb\n"
                                 "PRIORITY\n\1\0\0\0\0\0\0\0005\n";
    GString *shown = md_log_output_encode(fields, G_N_ELEMENTS(fields));

    g_assert_cmpmem(shown->str, shown->len, wanted, sizeof(wanted) - 1);
    g_string_free(shown, TRUE);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/log/escape", test_escape);
    g_test_add_func("/log/bound", test_bound);
    g_test_add_func("/log/writer", test_writer);
    g_test_add_func("/log/outputs", test_outputs);
    g_test_add_func("/log/full", test_full);
    g_test_add_func("/log/gap", test_gap);
    g_test_add_func("/log/end", test_end);
    g_test_add_func("/log/fatal", test_fatal);
    g_test_add_func("/log/print", test_print);
    g_test_add_func("/log/gone", test_gone);
    g_test_add_func("/log/encode", test_encode);
    return g_test_run();
}
