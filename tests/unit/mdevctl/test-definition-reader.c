/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waiting callers when a job cannot run; the test simulates the worker. */
#include "config.h"

#include "mdevctl/definition-reader.h"
#include "util/error.h"
#include "util/worker.h"

#include "../settle.h"

/* Milliseconds: short, and long enough. */
#define SOON  1
#define NEVER (1000 * 1000)

#define PARENT "0000:86:00.0"

typedef struct {
    MdSettings settings;
    MdWatch *watch;
    MdDefinitionReader *reader;
    guint n_applied;
    gboolean applied_all; /* the last time */
} Fixture;

/* A waiting caller. */
typedef struct {
    gboolean answered;
    GError *error;
} Waiter;

/* The running job. */
static struct {
    MdWorkerEndFunc end; /* NULL: none */
    gpointer user_data;
    gpointer read;
    GDestroyNotify read_free;
} job;


void
md_worker_run(MdWorkerFunc func G_GNUC_UNUSED,
              gpointer data,
              GDestroyNotify data_free,
              MdWorkerKind kind G_GNUC_UNUSED,
              guint64 object G_GNUC_UNUSED,
              guint deadline G_GNUC_UNUSED,
              MdOwner *owner G_GNUC_UNUSED,
              MdWorkerEndFunc end,
              gpointer user_data)
{
    g_assert_null(job.end);
    job.end = end;
    job.user_data = user_data;
    job.read = data;
    job.read_free = data_free;
}


gboolean
md_worker_is_overdue(MdWorkerKind kind G_GNUC_UNUSED, guint64 object G_GNUC_UNUSED)
{
    return FALSE;
}


void
md_worker_log_state(void)
{
}


/* Ends the job without a result, which this test does not use. */
static void
end_job(gboolean success)
{
    MdWorkerEndFunc end = g_steal_pointer(&job.end);
    gpointer read = job.read;
    GDestroyNotify read_free = job.read_free;
    GError *error = NULL;

    g_assert_nonnull(end);
    if (!success) {
        g_test_expect_message(G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "Unable to read '/nowhere': *");
        md_error_set(&error, VIR_ERR_RESOURCE_BUSY, "no room");
    }
    end(success ? read : NULL, error, job.user_data);
    settle();
    g_test_assert_expected_messages();
    read_free(read);
}


static void
on_apply(MdDefinitionRead *read, gpointer data)
{
    Fixture *fixture = data;

    fixture->n_applied++;
    fixture->applied_all = md_definition_read_get_top(read) != NULL;
}


static void
on_add_known(MdDefinitionRead *read G_GNUC_UNUSED, gpointer data G_GNUC_UNUSED)
{
}


static void
set_up(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    fixture->settings.driver_timeout = NEVER;
    fixture->watch = md_watch_new();
    fixture->reader = md_definition_reader_new("/nowhere", &fixture->settings, fixture->watch,
                                               on_add_known, on_apply, fixture);
}


static void
tear_down(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_assert_null(job.end);
    md_definition_reader_free(fixture->reader);
    g_object_unref(fixture->watch);
}


static void
on_waited(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    Waiter *waiter = data;

    g_assert_false(waiter->answered);
    waiter->answered = TRUE;
    md_definition_reader_wait_finish(result, &waiter->error);
}


static void
wait_begin(Fixture *fixture, Waiter *waiter)
{
    md_definition_reader_wait_async(fixture->reader, on_waited, waiter);
    settle();
}


static void
assert_failed(Waiter *waiter)
{
    g_assert_true(waiter->answered);
    g_assert_error(waiter->error, MD_ERROR, VIR_ERR_RESOURCE_BUSY);
    g_clear_error(&waiter->error);
    waiter->answered = FALSE;
}


static void
assert_read(Fixture *fixture, Waiter *waiter)
{
    g_assert_true(waiter->answered);
    g_assert_no_error(waiter->error);
    g_assert_cmpuint(fixture->n_applied, ==, 1);
    g_assert_true(fixture->applied_all);
    g_assert_false(md_definition_reader_is_busy(fixture->reader));
}


/* After a failed job, callers waiting for the next one succeed, because that one reads
 * everything. */
static void
test_next(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    Waiter first = { FALSE, NULL };
    Waiter second = { FALSE, NULL };

    md_definition_reader_want_all(fixture->reader);
    wait_begin(fixture, &first);
    md_definition_reader_want(fixture->reader, PARENT, NULL, FALSE);
    wait_begin(fixture, &second);
    end_job(FALSE);
    assert_failed(&first);
    g_assert_false(second.answered);
    end_job(TRUE);
    assert_read(fixture, &second);
}


/* A failed job is repeated even without callers. */
static void
test_retry(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    Waiter waiter = { FALSE, NULL };

    md_definition_reader_want(fixture->reader, PARENT, NULL, FALSE);
    wait_begin(fixture, &waiter);
    fixture->settings.driver_timeout = SOON;
    end_job(FALSE);
    assert_failed(&waiter);
    while (job.end == NULL)
        g_main_context_iteration(NULL, TRUE);
    fixture->settings.driver_timeout = NEVER;
    wait_begin(fixture, &waiter);
    end_job(TRUE);
    assert_read(fixture, &waiter);
}


/* A waiting caller does not wait for the next attempt, and does not succeed. */
static void
test_wait(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    Waiter waiter = { FALSE, NULL };

    md_definition_reader_want_all(fixture->reader);
    end_job(FALSE);
    g_assert_null(job.end);
    wait_begin(fixture, &waiter);
    g_assert_false(waiter.answered);
    end_job(TRUE);
    assert_read(fixture, &waiter);
}


#define ADD(name, func)                                                                            \
    g_test_add("/definition-reader/" name, Fixture, NULL, set_up, func, tear_down)


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("next", test_next);
    ADD("retry", test_retry);
    ADD("wait", test_wait);
    return g_test_run();
}
