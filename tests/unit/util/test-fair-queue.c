/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Also run with the thread sanitizer. */
/* When an entry begins, is refused or is removed. */
#include "config.h"

#include "util/error.h"
#include "util/fair-queue.h"

#define ANNA  1000
#define BERT  1001
#define CLARA 1002

static const MdFairLimits limits = {
    .running = 4,
    .running_per_owner = 3,
    .running_readers = 3,
    .running_per_reader = 2,
    .waiting = 8,
    .waiting_per_owner = 5,
};

/* Limits with a single slot. */
static const MdFairLimits narrow = {
    .running = 1,
    .running_per_owner = 1,
    .running_readers = 1,
    .running_per_reader = 1,
    .waiting = 8,
    .waiting_per_owner = 5,
};

/* A job that releases another job's slot, or queues another job, as soon as it begins. */
typedef struct _Job {
    MdFairEntry entry;
    char name;
    void (*then)(struct _Job *job);
    MdFairQueue *queue;
    MdOwner *owner;
    struct _Job *other;
    GError *error; /* why it was refused */
} Job;

static GString *story;


static void
on_begun(gpointer data)
{
    Job *job = data;

    g_string_append_c(story, job->name);
    if (job->then != NULL)
        job->then(job);
}


static void
on_refused(gpointer data, GError *error)
{
    Job *job = data;

    g_assert_no_error(job->error);
    job->error = error;
}


static const MdFairFuncs funcs = { on_begun, on_refused };


static void
join(Job *job, char name, MdFairQueue *queue, MdOwner *owner)
{
    job->name = name;
    job->queue = queue;
    job->owner = owner;
    md_fair_queue_join(queue, &job->entry, owner, &funcs, job, &job->error);
}


static void
leave_all(Job *jobs, gsize n)
{
    for (gsize i = n; i > 0; i--) {
        md_fair_entry_leave(&jobs[i - 1].entry);
        g_clear_error(&jobs[i - 1].error);
    }
}


static void
begin_story(void)
{
    if (story == NULL)
        story = g_string_new(NULL);
    g_string_truncate(story, 0);
}


/* Another user's first entry is next, even if many of one user wait; then they alternate. */
static void
test_turns(void)
{
    g_autoptr(MdFairQueue) queue = md_fair_queue_new("jobs", &narrow);
    g_autoptr(MdOwner) anna = md_owner_new(ANNA);
    g_autoptr(MdOwner) also_anna = md_owner_new(ANNA);
    g_autoptr(MdOwner) bert = md_owner_new(BERT);
    g_autoptr(MdOwner) clara = md_owner_new(CLARA);
    Job jobs[8] = { 0 };
    Job *running[8] = { &jobs[0], &jobs[1], &jobs[4], &jobs[6],
                        &jobs[2], &jobs[5], &jobs[3], &jobs[7] };

    begin_story();
    join(&jobs[0], 'a', queue, anna);
    join(&jobs[1], 'b', queue, anna);
    join(&jobs[2], 'c', queue, also_anna);
    join(&jobs[3], 'd', queue, anna);
    join(&jobs[4], '1', queue, bert);
    join(&jobs[5], '2', queue, bert);
    join(&jobs[6], 'x', queue, clara);
    join(&jobs[7], 'e', queue, anna);
    g_assert_cmpuint(md_fair_queue_count_running(queue), ==, 1);
    g_assert_cmpuint(md_fair_queue_count_waiting(queue), ==, 7);
    for (guint i = 0; i < 8; i++)
        md_fair_entry_leave(&running[i]->entry);
    g_assert_cmpstr(story->str, ==, "ab1xc2de");
    g_assert_cmpuint(md_fair_queue_count_running(queue), ==, 0);
}


/* No user can occupy all slots, and readers together leave one. */
static void
test_running_limits(void)
{
    g_autoptr(MdFairQueue) queue = md_fair_queue_new("jobs", &limits);
    g_autoptr(MdOwner) anna = md_owner_new(ANNA);
    g_autoptr(MdOwner) bert = md_owner_new(BERT);
    g_autoptr(MdOwner) root = md_owner_new(0);
    Job jobs[9] = { 0 };

    begin_story();
    join(&jobs[0], 'a', queue, anna);
    join(&jobs[1], 'b', queue, anna);
    join(&jobs[2], 'c', queue, anna);
    join(&jobs[3], '1', queue, bert);
    join(&jobs[4], '2', queue, bert);
    join(&jobs[5], 'r', queue, root);
    join(&jobs[6], 's', queue, root);
    g_assert_cmpstr(story->str, ==, "ab1r");

    /* A reader's slot that becomes free is available to all. */
    md_fair_entry_leave(&jobs[0].entry);
    g_assert_cmpstr(story->str, ==, "ab1rc");
    md_fair_entry_leave(&jobs[1].entry);
    g_assert_cmpstr(story->str, ==, "ab1rc2");
    md_fair_entry_leave(&jobs[2].entry);
    g_assert_cmpstr(story->str, ==, "ab1rc2s");
    join(&jobs[7], 't', queue, root);
    md_fair_entry_leave(&jobs[3].entry);
    md_fair_entry_leave(&jobs[4].entry);
    join(&jobs[8], 'u', queue, root);
    g_assert_cmpstr(story->str, ==, "ab1rc2st");
    leave_all(jobs, G_N_ELEMENTS(jobs));
}


static void
test_own_limit(void)
{
    g_autoptr(MdFairQueue) queue = md_fair_queue_new("jobs", &narrow);
    g_autoptr(MdOwner) anna = md_owner_new(ANNA);
    g_autoptr(MdOwner) bert = md_owner_new(BERT);
    Job jobs[8] = { 0 };

    begin_story();
    for (guint i = 0; i < 7; i++)
        join(&jobs[i], 'a', queue, anna);
    g_assert_no_error(jobs[5].error);
    g_assert_error(jobs[6].error, MD_ERROR, VIR_ERR_RESOURCE_BUSY);
    g_assert_nonnull(strstr(jobs[6].error->message, "too many jobs are waiting for user 1000: 5"));
    join(&jobs[7], 'b', queue, bert);
    g_assert_no_error(jobs[7].error);
    leave_all(jobs, G_N_ELEMENTS(jobs));
}


/* In a full queue, the newest entry of the largest share is refused, but never root's. */
static void
test_total(void)
{
    g_autoptr(MdFairQueue) queue = md_fair_queue_new("jobs", &narrow);
    g_autoptr(MdOwner) anna = md_owner_new(ANNA);
    g_autoptr(MdOwner) bert = md_owner_new(BERT);
    g_autoptr(MdOwner) clara = md_owner_new(CLARA);
    g_autoptr(MdOwner) root = md_owner_new(0);
    Job a[6] = { 0 };
    Job b[4] = { 0 };
    Job c[2] = { 0 };
    Job r[9] = { 0 };

    begin_story();
    for (guint i = 0; i < 6; i++)
        join(&a[i], 'a', queue, anna);
    for (guint i = 0; i < 3; i++)
        join(&b[i], 'b', queue, bert);
    g_assert_cmpuint(md_fair_queue_count_waiting(queue), ==, 8);
    join(&c[0], 'c', queue, clara);
    g_assert_no_error(c[0].error);
    g_assert_error(a[5].error, MD_ERROR, VIR_ERR_RESOURCE_BUSY);
    join(&b[3], 'b', queue, bert);
    g_assert_error(b[3].error, MD_ERROR, VIR_ERR_RESOURCE_BUSY);

    for (guint i = 0; i < 8; i++)
        join(&r[i], 'r', queue, root);
    for (guint i = 0; i < 8; i++)
        g_assert_no_error(r[i].error);
    g_assert_error(a[1].error, MD_ERROR, VIR_ERR_RESOURCE_BUSY);
    g_assert_error(c[0].error, MD_ERROR, VIR_ERR_RESOURCE_BUSY);
    join(&r[8], 'r', queue, root);
    g_assert_error(r[8].error, MD_ERROR, VIR_ERR_RESOURCE_BUSY);
    g_assert_cmpuint(md_fair_queue_count_waiting(queue), ==, 8);
    join(&c[1], 'c', queue, clara);
    g_assert_error(c[1].error, MD_ERROR, VIR_ERR_RESOURCE_BUSY);

    leave_all(a, G_N_ELEMENTS(a));
    leave_all(b, G_N_ELEMENTS(b));
    leave_all(c, G_N_ELEMENTS(c));
    leave_all(r, G_N_ELEMENTS(r));
}


/* Only waiting entries count: an entry that can begin at once is accepted. */
static void
test_begins_in_full_queue(void)
{
    g_autoptr(MdFairQueue) queue = md_fair_queue_new("jobs", &limits);
    g_autoptr(MdOwner) anna = md_owner_new(ANNA);
    g_autoptr(MdOwner) bert = md_owner_new(BERT);
    g_autoptr(MdOwner) root = md_owner_new(0);
    Job jobs[13] = { 0 };

    begin_story();
    for (guint i = 0; i < 7; i++)
        join(&jobs[i], 'a', queue, anna);
    for (guint i = 7; i < 11; i++)
        join(&jobs[i], 'b', queue, bert);
    g_assert_cmpuint(md_fair_queue_count_waiting(queue), ==, 8);
    join(&jobs[11], 'r', queue, root);
    g_assert_cmpstr(story->str, ==, "aabr");
    for (guint i = 0; i < 12; i++)
        g_assert_no_error(jobs[i].error);
    leave_all(jobs, G_N_ELEMENTS(jobs));
}


/* When a client disconnects, its waiting entries are refused, and its running ones continue. */
static void
test_gone(void)
{
    g_autoptr(MdFairQueue) queue = md_fair_queue_new("jobs", &narrow);
    g_autoptr(MdOwner) anna = md_owner_new(ANNA);
    g_autoptr(MdOwner) lasting = md_owner_new_lasting(anna);
    Job jobs[4] = { 0 };

    begin_story();
    join(&jobs[0], 'a', queue, anna);
    join(&jobs[1], 'b', queue, anna);
    join(&jobs[2], 'c', queue, lasting);
    md_owner_leave(anna);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_no_error(jobs[0].error);
    g_assert_true(md_fair_entry_is_running(&jobs[0].entry));
    g_assert_error(jobs[1].error, MD_ERROR, VIR_ERR_OPERATION_ABORTED);
    join(&jobs[3], 'd', queue, anna);
    g_assert_error(jobs[3].error, MD_ERROR, VIR_ERR_OPERATION_ABORTED);
    md_fair_entry_leave(&jobs[0].entry);
    g_assert_cmpstr(story->str, ==, "ac");
    leave_all(jobs, G_N_ELEMENTS(jobs));
}


static void
test_taken_back(void)
{
    g_autoptr(MdFairQueue) queue = md_fair_queue_new("jobs", &narrow);
    g_autoptr(MdOwner) anna = md_owner_new(ANNA);
    g_autoptr(MdOwner) bert = md_owner_new(BERT);
    Job jobs[4] = { 0 };

    begin_story();
    join(&jobs[0], 'a', queue, anna);
    join(&jobs[1], 'b', queue, anna);
    join(&jobs[2], 'c', queue, anna);
    join(&jobs[3], '1', queue, bert);
    md_fair_entry_leave(&jobs[1].entry);
    md_fair_entry_leave(&jobs[1].entry);
    md_fair_entry_leave(&jobs[3].entry);
    md_fair_entry_leave(&jobs[0].entry);
    g_assert_cmpstr(story->str, ==, "ac");
    leave_all(jobs, G_N_ELEMENTS(jobs));
}


static void
leave_at_once(Job *job)
{
    md_fair_entry_leave(&job->entry);
}


static void
join_another(Job *job)
{
    join(job->other, 'z', job->queue, job->owner);
}


static void
leave_another(Job *job)
{
    md_fair_entry_leave(&job->other->entry);
}


/* `begin` may use the queue in any way. */
static void
test_reentrancy(void)
{
    g_autoptr(MdFairQueue) queue = md_fair_queue_new("jobs", &narrow);
    g_autoptr(MdOwner) anna = md_owner_new(ANNA);
    Job jobs[6] = { 0 };

    begin_story();
    join(&jobs[0], 'a', queue, anna);
    jobs[1].then = leave_at_once;
    jobs[2].then = join_another;
    jobs[2].other = &jobs[5];
    jobs[3].then = leave_another;
    jobs[3].other = &jobs[4];
    for (guint i = 1; i < 5; i++)
        join(&jobs[i], (char)('a' + i), queue, anna);
    md_fair_entry_leave(&jobs[0].entry);
    g_assert_cmpstr(story->str, ==, "abc");
    md_fair_entry_leave(&jobs[2].entry);
    g_assert_cmpstr(story->str, ==, "abcd");
    md_fair_entry_leave(&jobs[3].entry);
    g_assert_cmpstr(story->str, ==, "abcdz");
    leave_all(jobs, G_N_ELEMENTS(jobs));

    jobs[1].then = leave_at_once;
    join(&jobs[1], 'y', queue, anna);
    g_assert_cmpuint(md_fair_queue_count_running(queue), ==, 0);
}


static void
count_share(guint64 share, guint running, guint waiting, gpointer data)
{
    GString *counts = data;

    g_string_append_printf(counts, "%" G_GUINT64_FORMAT ":%u+%u ", share, running, waiting);
}


static void
test_counters(void)
{
    g_autoptr(MdFairQueue) queue = md_fair_queue_new("jobs", &narrow);
    g_autoptr(MdOwner) anna = md_owner_new(ANNA);
    g_autoptr(GString) counts = g_string_new(NULL);
    Job jobs[3] = { 0 };

    begin_story();
    for (guint i = 0; i < 3; i++)
        join(&jobs[i], 'a', queue, anna);
    md_fair_queue_foreach(queue, count_share, counts);
    g_assert_cmpstr(counts->str, ==, "1000:1+2 ");
    g_assert_true(md_owner_has_begun(anna));
    leave_all(jobs, G_N_ELEMENTS(jobs));
    g_string_truncate(counts, 0);
    md_fair_queue_foreach(queue, count_share, counts);
    g_assert_cmpstr(counts->str, ==, "");
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fair-queue/turns", test_turns);
    g_test_add_func("/fair-queue/running-limits", test_running_limits);
    g_test_add_func("/fair-queue/own-limit", test_own_limit);
    g_test_add_func("/fair-queue/total", test_total);
    g_test_add_func("/fair-queue/begins-in-full-queue", test_begins_in_full_queue);
    g_test_add_func("/fair-queue/gone", test_gone);
    g_test_add_func("/fair-queue/taken-back", test_taken_back);
    g_test_add_func("/fair-queue/reentrancy", test_reentrancy);
    g_test_add_func("/fair-queue/counters", test_counters);
    return g_test_run();
}
