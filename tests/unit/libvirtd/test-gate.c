/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Also run with the thread sanitizer. */
/* Calls wait while other calls end, and are refused at once if none has ended for too long. */
#include "config.h"

#include "libvirtd/gate.h"

#define N_THREADS 12
#define N_CALLS   2000

/* In microseconds: short where refusals are expected, else endless. */
#define SHORT (G_USEC_PER_SEC / 10)
#define LONG  (1000 * G_USEC_PER_SEC)

static guint n_inside;
static guint n_inside_max;


static void
test_refused(void)
{
    MdGate gate = { .max = 2, .timeout = SHORT };
    gint64 before = g_get_monotonic_time();
    gint64 silent = 0;

    g_assert_true(md_gate_enter(&gate));
    g_assert_true(md_gate_enter(&gate));
    g_assert_false(md_gate_enter(&gate));
    silent = gate.last_answer + SHORT;
    g_assert_cmpint(silent, >=, before + SHORT);
    g_assert_cmpint(g_get_monotonic_time(), >=, silent);

    /* Refused calls do not reset the time of the last answer, so none of them waits. */
    for (guint i = 0; i < 200; i++)
        g_assert_false(md_gate_enter(&gate));
    g_assert_cmpint(gate.last_answer + SHORT, ==, silent);

    md_gate_leave(&gate);
    g_assert_true(md_gate_enter(&gate));
    md_gate_leave(&gate);
    md_gate_leave(&gate);
    g_assert_cmpuint(gate.n_running, ==, 0);
}


/* Time without any running call does not count as time without an answer. */
static void
test_idle(void)
{
    MdGate gate = { .max = 1, .timeout = SHORT };
    gint64 before = g_get_monotonic_time() - 1;

    gate.last_answer = g_get_monotonic_time() - 10 * SHORT;
    g_assert_true(md_gate_enter(&gate));
    g_assert_cmpint(gate.last_answer, >, before);
    md_gate_leave(&gate);
}


static gpointer
make_calls(gpointer data)
{
    static GMutex mutex;
    MdGate *gate = data;

    for (guint i = 0; i < N_CALLS; i++) {
        g_assert_true(md_gate_enter(gate));
        g_mutex_lock(&mutex);
        n_inside++;
        n_inside_max = MAX(n_inside_max, n_inside);
        g_mutex_unlock(&mutex);
        g_thread_yield();
        g_mutex_lock(&mutex);
        n_inside--;
        g_mutex_unlock(&mutex);
        md_gate_leave(gate);
    }
    return NULL;
}


static void
test_threads(void)
{
    MdGate gate = { .max = 3, .timeout = LONG };
    GThread *threads[N_THREADS];

    for (guint i = 0; i < N_THREADS; i++)
        threads[i] = g_thread_new(NULL, make_calls, &gate);
    for (guint i = 0; i < N_THREADS; i++)
        g_thread_join(threads[i]);
    g_assert_cmpuint(n_inside_max, <=, 3);
    g_assert_cmpuint(gate.n_running, ==, 0);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gate/refused", test_refused);
    g_test_add_func("/gate/idle", test_idle);
    g_test_add_func("/gate/threads", test_threads);
    return g_test_run();
}
