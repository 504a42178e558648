/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Also run with the thread sanitizer. */
/* Results, errors and deadlines of jobs on threads; a blocked job delays no others. */
#include "config.h"

#include "util/error.h"
#include "util/worker.h"

/* Milliseconds; exceeds the duration of any job here. */
#define TIMEOUT 60000

/* The object of all jobs. */
#define OBJECT 1

typedef struct {
    GMutex mutex;
    GCond cond;
    gboolean open;
    gint n_through; /* atomic */
} Gate;

typedef struct {
    GMainLoop *loop;
    guint n_calls;
    gpointer data;
    GError *error;
} Answer;


static void
gate_open(Gate *gate)
{
    g_mutex_lock(&gate->mutex);
    gate->open = TRUE;
    g_cond_broadcast(&gate->cond);
    g_mutex_unlock(&gate->mutex);
}


static gboolean
pass_gate(gpointer data, GError **error G_GNUC_UNUSED)
{
    Gate *gate = data;

    g_mutex_lock(&gate->mutex);
    while (!gate->open)
        g_cond_wait(&gate->cond, &gate->mutex);
    g_mutex_unlock(&gate->mutex);
    g_atomic_int_inc(&gate->n_through);
    return TRUE;
}


static gboolean
fail(gpointer data G_GNUC_UNUSED, GError **error)
{
    md_error_set(error, VIR_ERR_OPERATION_FAILED, "it failed");
    return FALSE;
}


static void
on_answer(gpointer data, GError *error, gpointer user_data)
{
    Answer *answer = user_data;

    g_assert_null(answer->error);
    answer->n_calls++;
    answer->data = data;
    answer->error = error;
    g_main_loop_quit(answer->loop);
}


static void
wait_for(Answer *answer)
{
    g_main_loop_run(answer->loop);
}


static void
answer_clear(Answer *answer)
{
    g_clear_error(&answer->error);
    g_main_loop_unref(answer->loop);
}


static void
test_result(void)
{
    Gate gate = { .open = TRUE };
    Answer answer = { g_main_loop_new(NULL, FALSE) };

    md_worker_run(pass_gate, &gate, NULL, MD_WORKER_READ, OBJECT, TIMEOUT, md_owner_get_daemon(),
                  on_answer, &answer);
    g_assert_cmpuint(answer.n_calls, ==, 0);
    wait_for(&answer);
    g_assert_no_error(answer.error);
    g_assert_true(answer.data == &gate);
    g_assert_cmpuint(answer.n_calls, ==, 1);
    answer_clear(&answer);
}


/* A timeout is reported after the call has returned, and once. */
static void
test_refusal(void)
{
    Gate gate = { .open = TRUE };
    Answer answer = { g_main_loop_new(NULL, FALSE) };
    g_autoptr(MdOwner) gone = md_owner_new(4711);

    md_owner_leave(gone);
    md_worker_run(pass_gate, &gate, NULL, MD_WORKER_READ, OBJECT, 0, gone, on_answer, &answer);
    g_assert_cmpuint(answer.n_calls, ==, 0);
    wait_for(&answer);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_error(answer.error, MD_ERROR, VIR_ERR_OPERATION_ABORTED);
    g_assert_null(answer.data);
    g_assert_cmpuint(answer.n_calls, ==, 1);
    g_assert_cmpint(g_atomic_int_get(&gate.n_through), ==, 0);
    answer_clear(&answer);
}


static void
test_error(void)
{
    Answer answer = { g_main_loop_new(NULL, FALSE) };

    md_worker_run(fail, NULL, NULL, MD_WORKER_READ, OBJECT, TIMEOUT, md_owner_get_daemon(),
                  on_answer, &answer);
    wait_for(&answer);
    g_assert_error(answer.error, MD_ERROR, VIR_ERR_OPERATION_FAILED);
    g_assert_null(answer.data);
    answer_clear(&answer);
}


static void
test_deadline(void)
{
    Gate gate = { .open = FALSE };
    Answer answer = { g_main_loop_new(NULL, FALSE) };

    md_worker_run(pass_gate, &gate, NULL, MD_WORKER_READ, OBJECT, 1, md_owner_get_daemon(),
                  on_answer, &answer);
    wait_for(&answer);
    g_assert_error(answer.error, MD_ERROR, VIR_ERR_OPERATION_TIMEOUT);
    g_assert_cmpint(g_atomic_int_get(&gate.n_through), ==, 0);

    /* The late result is dropped. */
    gate_open(&gate);
    while (g_atomic_int_get(&gate.n_through) == 0)
        g_thread_yield();
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_cmpuint(answer.n_calls, ==, 1);
    answer_clear(&answer);
}


/* A job counts as overdue from its deadline until its end; a waiting job does not count. */
static void
test_overdue(void)
{
    Gate gate = { .open = FALSE };
    Answer answer = { g_main_loop_new(NULL, FALSE) };

    g_assert_false(md_worker_is_overdue(MD_WORKER_READ, OBJECT));
    md_worker_run(pass_gate, &gate, NULL, MD_WORKER_READ, OBJECT, 100, md_owner_get_daemon(),
                  on_answer, &answer);
    g_assert_false(md_worker_is_overdue(MD_WORKER_READ, OBJECT));
    wait_for(&answer);
    g_assert_error(answer.error, MD_ERROR, VIR_ERR_OPERATION_TIMEOUT);
    g_assert_true(md_worker_is_overdue(MD_WORKER_READ, OBJECT));
    g_assert_false(md_worker_is_overdue(MD_WORKER_WRITE, OBJECT));
    g_assert_false(md_worker_is_overdue(MD_WORKER_READ, OBJECT + 1));

    gate_open(&gate);
    while (md_worker_is_overdue(MD_WORKER_READ, OBJECT))
        g_main_context_iteration(NULL, TRUE);
    answer_clear(&answer);
}


/* A hung driver occupies the threads of its device only. */
static void
test_blocked_jobs(void)
{
    Gate shut = { .open = FALSE };
    Gate open = { .open = TRUE };
    Answer blocked = { g_main_loop_new(NULL, FALSE) };
    Answer answer = { g_main_loop_new(NULL, FALSE) };

    for (int i = 0; i < MD_WORKER_MAX_RUNNING * 2; i++)
        md_worker_run(pass_gate, &shut, NULL, MD_WORKER_READ, OBJECT, TIMEOUT,
                      md_owner_get_daemon(), on_answer, &blocked);
    md_worker_run(pass_gate, &open, NULL, MD_WORKER_READ, OBJECT + 1, TIMEOUT,
                  md_owner_get_daemon(), on_answer, &answer);
    wait_for(&answer);
    g_assert_no_error(answer.error);
    g_assert_cmpuint(blocked.n_calls, ==, 0);
    g_assert_cmpuint(md_worker_count_waiting(), >=, MD_WORKER_MAX_RUNNING);

    gate_open(&shut);
    while (blocked.n_calls < MD_WORKER_MAX_RUNNING * 2)
        wait_for(&blocked);
    g_assert_no_error(blocked.error);
    g_assert_cmpuint(md_worker_count_waiting(), ==, 0);
    g_assert_cmpint(g_atomic_int_get(&shut.n_through), ==, MD_WORKER_MAX_RUNNING * 2);
    answer_clear(&answer);
    answer_clear(&blocked);
}


/* Readers queued behind a hung driver are refused eventually, and never displace writers. */
static void
test_too_many(void)
{
    enum { MOST = MD_WORKER_MAX_RUNNING - MD_WORKER_RESERVED + MD_WORKER_MAX_WAITING };
    Gate shut = { .open = FALSE };
    Gate open = { .open = TRUE };
    Answer blocked = { g_main_loop_new(NULL, FALSE) };
    Answer refused = { g_main_loop_new(NULL, FALSE) };
    Answer writer = { g_main_loop_new(NULL, FALSE) };

    for (int i = 0; i < MOST; i++)
        md_worker_run(pass_gate, &shut, NULL, MD_WORKER_READ, OBJECT, TIMEOUT,
                      md_owner_get_daemon(), on_answer, &blocked);
    md_worker_run(pass_gate, &shut, NULL, MD_WORKER_READ, OBJECT, TIMEOUT, md_owner_get_daemon(),
                  on_answer, &refused);
    g_assert_cmpuint(refused.n_calls, ==, 0);
    wait_for(&refused);
    g_assert_error(refused.error, MD_ERROR, VIR_ERR_RESOURCE_BUSY);

    md_worker_run(pass_gate, &open, NULL, MD_WORKER_WRITE, OBJECT, TIMEOUT, md_owner_get_daemon(),
                  on_answer, &writer);
    wait_for(&writer);
    g_assert_no_error(writer.error);

    gate_open(&shut);
    while (blocked.n_calls < MOST)
        wait_for(&blocked);
    answer_clear(&refused);
    answer_clear(&writer);
    answer_clear(&blocked);
}


/* A job that has not begun by its deadline never begins. */
static void
test_deadline_in_the_queue(void)
{
    Gate shut = { .open = FALSE };
    Gate open = { .open = TRUE };
    Answer blocked = { g_main_loop_new(NULL, FALSE) };
    Answer answer = { g_main_loop_new(NULL, FALSE) };

    for (int i = 0; i < MD_WORKER_MAX_RUNNING; i++)
        md_worker_run(pass_gate, &shut, NULL, MD_WORKER_READ, OBJECT, TIMEOUT,
                      md_owner_get_daemon(), on_answer, &blocked);
    md_worker_run(pass_gate, &open, NULL, MD_WORKER_READ, OBJECT, 1, md_owner_get_daemon(),
                  on_answer, &answer);
    wait_for(&answer);
    g_assert_error(answer.error, MD_ERROR, VIR_ERR_OPERATION_TIMEOUT);

    gate_open(&shut);
    while (blocked.n_calls < MD_WORKER_MAX_RUNNING)
        wait_for(&blocked);
    g_assert_cmpint(g_atomic_int_get(&open.n_through), ==, 0);
    g_assert_cmpuint(answer.n_calls, ==, 1);
    answer_clear(&answer);
    answer_clear(&blocked);
}


/* Begins `n` jobs of a reader that block at the gate. */
static void
block(Gate *shut, MdOwner *owner, guint n, Answer *answer)
{
    for (guint i = 0; i < n; i++)
        md_worker_run(pass_gate, shut, NULL, MD_WORKER_READ, OBJECT, TIMEOUT, owner, on_answer,
                      answer);
}


/* Runs a job that never blocks. */
static void
pass(MdOwner *owner)
{
    Gate open = { .open = TRUE };
    Answer answer = { g_main_loop_new(NULL, FALSE) };

    md_worker_run(pass_gate, &open, NULL, MD_WORKER_READ, OBJECT, TIMEOUT, owner, on_answer,
                  &answer);
    wait_for(&answer);
    g_assert_no_error(answer.error);
    answer_clear(&answer);
}


/* However many jobs of one user hang, jobs of other users run; so do writers if readers hang. */
static void
test_shares(void)
{
    enum { MANY = MD_WORKER_MAX_PER_READER + MD_WORKER_MAX_OWN_WAITING };
    g_autoptr(MdOwner) anna = md_owner_new(1000);
    g_autoptr(MdOwner) bert = md_owner_new(1001);
    g_autoptr(MdOwner) clara = md_owner_new(1002);
    g_autoptr(MdOwner) writer = md_owner_new(1003);
    Gate shut = { .open = FALSE };
    Answer blocked = { g_main_loop_new(NULL, FALSE) };
    Answer refused = { g_main_loop_new(NULL, FALSE) };

    block(&shut, anna, MANY, &blocked);
    block(&shut, anna, 1, &refused);
    wait_for(&refused);
    g_assert_error(refused.error, MD_ERROR, VIR_ERR_RESOURCE_BUSY);
    pass(bert);

    block(&shut, bert, MD_WORKER_MAX_OWN_WAITING, &blocked);
    block(&shut, clara, 1, &blocked);
    md_owner_set_writer(writer);
    pass(writer);
    pass(md_owner_get_daemon());

    gate_open(&shut);
    while (blocked.n_calls < MANY + MD_WORKER_MAX_OWN_WAITING + 1)
        wait_for(&blocked);
    g_assert_no_error(blocked.error);
    answer_clear(&refused);
    answer_clear(&blocked);
}


/* Waiting jobs of a client that disconnects are dropped; running ones end. */
static void
test_gone(void)
{
    g_autoptr(MdOwner) anna = md_owner_new(1000);
    g_autoptr(MdOwner) lasting = md_owner_new_lasting(anna);
    Gate shut = { .open = FALSE };
    Gate never = { .open = TRUE };
    Gate open = { .open = TRUE };
    Answer blocked = { g_main_loop_new(NULL, FALSE) };
    Answer taken_back = { g_main_loop_new(NULL, FALSE) };
    Answer lasts = { g_main_loop_new(NULL, FALSE) };

    block(&shut, anna, MD_WORKER_MAX_PER_READER, &blocked);
    block(&never, anna, 1, &taken_back);
    block(&open, lasting, 1, &lasts);
    md_owner_leave(anna);
    wait_for(&taken_back);
    g_assert_error(taken_back.error, MD_ERROR, VIR_ERR_OPERATION_ABORTED);

    gate_open(&shut);
    while (blocked.n_calls < MD_WORKER_MAX_PER_READER)
        wait_for(&blocked);
    g_assert_no_error(blocked.error);
    while (lasts.n_calls == 0)
        wait_for(&lasts);
    g_assert_no_error(lasts.error);
    g_assert_cmpint(g_atomic_int_get(&never.n_through), ==, 0);
    answer_clear(&blocked);
    answer_clear(&taken_back);
    answer_clear(&lasts);
}


static void
read_document(Gate *gate, MdOwner *owner, guint deadline, Answer *answer)
{
    md_worker_run(pass_gate, gate, NULL, MD_WORKER_DOCUMENT, 0, deadline, owner, on_answer, answer);
}


/* One user's documents occupy one thread, which leaves one for others. */
static void
test_documents(void)
{
    g_autoptr(MdOwner) anna = md_owner_new(1000);
    g_autoptr(MdOwner) bert = md_owner_new(1001);
    Gate shut = { .open = FALSE };
    Gate open = { .open = TRUE };
    Answer blocked = { g_main_loop_new(NULL, FALSE) };
    Answer waiting = { g_main_loop_new(NULL, FALSE) };
    Answer late = { g_main_loop_new(NULL, FALSE) };
    Answer read = { g_main_loop_new(NULL, FALSE) };

    md_owner_set_writer(anna);
    md_owner_set_writer(bert);
    read_document(&shut, anna, TIMEOUT, &blocked);
    read_document(&open, anna, TIMEOUT, &waiting);
    read_document(&open, anna, 1, &late);
    read_document(&open, bert, TIMEOUT, &read);
    wait_for(&read);
    g_assert_no_error(read.error);
    while (late.n_calls == 0)
        g_main_context_iteration(NULL, TRUE);
    g_assert_error(late.error, MD_ERROR, VIR_ERR_OPERATION_TIMEOUT);
    g_assert_cmpstr(late.error->message, ==, "earlier documents were not parsed in time");
    g_assert_cmpint(g_atomic_int_get(&open.n_through), ==, 1);

    gate_open(&shut);
    while (blocked.n_calls == 0 || waiting.n_calls == 0)
        g_main_context_iteration(NULL, TRUE);
    g_assert_no_error(blocked.error);
    g_assert_no_error(waiting.error);
    answer_clear(&blocked);
    answer_clear(&waiting);
    answer_clear(&late);
    answer_clear(&read);
}


typedef struct {
    gint64 began;
    gint64 ended;
} Reading;


/* A job of some milliseconds. */
static gboolean
read_slowly(gpointer data, GError **error G_GNUC_UNUSED)
{
    Reading *reading = data;

    reading->began = g_get_monotonic_time();
    do
        reading->ended = g_get_monotonic_time();
    while (reading->ended - reading->began < 20 * 1000);
    return TRUE;
}


/* After a slow job, the user's next job waits for the same time. */
static void
test_rest(void)
{
    g_autoptr(MdOwner) anna = md_owner_new(1000);
    Reading readings[2] = { 0 };
    Answer answers[2] = { { g_main_loop_new(NULL, FALSE) }, { g_main_loop_new(NULL, FALSE) } };

    for (guint i = 0; i < 2; i++)
        md_worker_run(read_slowly, &readings[i], NULL, MD_WORKER_DOCUMENT, 0, TIMEOUT, anna,
                      on_answer, &answers[i]);
    while (answers[1].n_calls == 0)
        g_main_context_iteration(NULL, TRUE);
    for (guint i = 0; i < 2; i++) {
        g_assert_no_error(answers[i].error);
        answer_clear(&answers[i]);
    }
    g_assert_cmpint(readings[1].began, >=, 2 * readings[0].ended - readings[0].began - 1000);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/worker/result", test_result);
    g_test_add_func("/worker/refusal", test_refusal);
    g_test_add_func("/worker/error", test_error);
    g_test_add_func("/worker/deadline", test_deadline);
    g_test_add_func("/worker/blocked-jobs", test_blocked_jobs);
    g_test_add_func("/worker/overdue", test_overdue);
    g_test_add_func("/worker/too-many", test_too_many);
    g_test_add_func("/worker/deadline-in-the-queue", test_deadline_in_the_queue);
    g_test_add_func("/worker/shares", test_shares);
    g_test_add_func("/worker/gone", test_gone);
    g_test_add_func("/worker/documents", test_documents);
    g_test_add_func("/worker/rest", test_rest);
    return g_test_run();
}
