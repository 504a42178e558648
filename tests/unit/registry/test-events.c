/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which subscribers receive which events, in which order, and that a subscription may end during
 * a delivery. */
#include "config.h"

#include "registry/event-topic.h"
#include "registry/events.h"

#include "../settle.h"

typedef struct {
    MdRegistry *registry;
    MdEvents *events;
    GString *log;
    MdEventSubscription *leave; /* the subscription to end from within a call */
} Fixture;

typedef struct {
    GString *log;
    guint number;
} Numbered;

typedef struct {
    MdEventSubscription *subscription;
    guint n; /* number of calls: odd ones report a new device, even ones its removal */
} Listener;

/* The shares of two users. */
#define USER  1
#define OTHER 2

/* Subscribers of one device. */
#define CROWD 1000

/* Subscriptions to other devices, and the number of times one is added and removed meanwhile. */
#define OTHERS  100000
#define UPDATES 100

/* The maximum number of pending events of one user. */
#define TOO_MANY 1024


static void
set_up(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    fixture->registry = md_registry_new();
    fixture->events = md_events_new(fixture->registry);
    fixture->log = g_string_new(NULL);
}


static void
tear_down(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    md_events_free(fixture->events);
    g_object_unref(fixture->registry);
    g_string_free(fixture->log, TRUE);
}


static void
on_event(const char *device, int event, int detail, gpointer data)
{
    Fixture *fixture = data;

    g_string_append_printf(fixture->log, "%s/%d/%d ", device, event, detail);
    if (fixture->leave != NULL)
        md_events_unsubscribe(fixture->events, g_steal_pointer(&fixture->leave));
}


static void
add(Fixture *fixture, const char *name, const char *parent)
{
    MdNodeDeviceDef *def = md_node_device_def_new();

    def->name = g_strdup(name);
    def->path = g_strconcat("/sys/devices/", name, NULL);
    def->parent = g_strdup(parent);
    md_node_device_def_add_cap(def, &md_cap_kind_mdev);
    md_registry_activate(fixture->registry, def, 0);
}


static void
remove_device(Fixture *fixture, const char *name)
{
    md_registry_deactivate(fixture->registry, md_registry_find(fixture->registry, name));
}


static void
test_filter(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    md_events_subscribe(fixture->events, USER, VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE, "vgpu", on_event,
                        fixture);
    md_events_subscribe(fixture->events, USER, VIR_NODE_DEVICE_EVENT_ID_UPDATE, NULL, on_event,
                        fixture);
    add(fixture, "gpu", "computer");
    g_assert_cmpstr(fixture->log->str, ==, "");
    add(fixture, "vgpu", "gpu");
    remove_device(fixture, "vgpu");
    g_assert_cmpstr(fixture->log->str, ==, "vgpu/0/0 gpu/1/0 vgpu/0/1 gpu/1/0 ");
}


static void
test_unsubscribe(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    MdEventSubscription *subscription =
        md_events_subscribe(fixture->events, USER, VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE, NULL,
                            on_event, fixture);

    md_events_unsubscribe(fixture->events, subscription);
    add(fixture, "gpu", "computer");
    g_assert_cmpstr(fixture->log->str, ==, "");
}


static void
test_leave_inside(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    md_events_subscribe(fixture->events, USER, VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE, NULL, on_event,
                        fixture);
    fixture->leave = md_events_subscribe(fixture->events, USER, VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE,
                                         NULL, on_event, fixture);
    add(fixture, "gpu", "computer");
    g_assert_cmpstr(fixture->log->str, ==, "gpu/0/0 ");
    remove_device(fixture, "gpu");
    g_assert_cmpstr(fixture->log->str, ==, "gpu/0/0 gpu/0/1 ");
}


static void
on_numbered(const char *device G_GNUC_UNUSED,
            int event G_GNUC_UNUSED,
            int detail G_GNUC_UNUSED,
            gpointer data)
{
    Numbered *numbered = data;

    g_string_append_printf(numbered->log, "%u ", numbered->number);
}


/* Subscribers of one device and of all devices are called in the order of subscription. */
static void
test_order(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    const char *const devices[] = { "gpu", NULL, "gpu", "other", NULL, "gpu" };
    Numbered numbered[G_N_ELEMENTS(devices)];
    MdEventSubscription *subscriptions[G_N_ELEMENTS(devices)];

    for (guint i = 0; i < G_N_ELEMENTS(devices); i++) {
        numbered[i] = (Numbered){ fixture->log, i };
        subscriptions[i] =
            md_events_subscribe(fixture->events, USER, VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE,
                                devices[i], on_numbered, &numbered[i]);
    }
    add(fixture, "gpu", "computer");
    g_assert_cmpstr(fixture->log->str, ==, "0 1 2 4 5 ");

    g_string_truncate(fixture->log, 0);
    md_events_unsubscribe(fixture->events, subscriptions[0]);
    md_events_unsubscribe(fixture->events, subscriptions[4]);
    remove_device(fixture, "gpu");
    g_assert_cmpstr(fixture->log->str, ==, "1 2 5 ");
}


static void
on_subscribe(const char *device G_GNUC_UNUSED,
             int event G_GNUC_UNUSED,
             int detail G_GNUC_UNUSED,
             gpointer data)
{
    Fixture *fixture = data;

    md_events_subscribe(fixture->events, USER, VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE, NULL, on_event,
                        fixture);
}


/* A subscriber added during a delivery receives the next event. */
static void
test_come_inside(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    MdEventSubscription *subscription =
        md_events_subscribe(fixture->events, USER, VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE, NULL,
                            on_subscribe, fixture);

    add(fixture, "gpu", "computer");
    g_assert_cmpstr(fixture->log->str, ==, "");
    md_events_unsubscribe(fixture->events, subscription);
    remove_device(fixture, "gpu");
    g_assert_cmpstr(fixture->log->str, ==, "gpu/0/1 ");
}


static void
on_counted(const char *device G_GNUC_UNUSED, int event G_GNUC_UNUSED, int detail, gpointer data)
{
    Listener *listener = data;

    g_assert_cmpint(detail, ==, (int)(listener->n % 2));
    listener->n++;
}


static void
subscribe_crowd(Fixture *fixture, Listener *crowd)
{
    for (guint i = 0; i < CROWD; i++)
        crowd[i] =
            (Listener){ md_events_subscribe(fixture->events, USER,
                                            VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE,
                                            i % 2 == 0 ? NULL : "gpu", on_counted, &crowd[i]),
                        0 };
}


static guint
count_notified(const Listener *crowd, guint n)
{
    guint notified = 0;

    for (guint i = 0; i < CROWD; i++)
        notified += crowd[i].n == n;
    return notified;
}


/* Other sources of the main loop run before all of many subscribers are called. Subscriptions
 * ended meanwhile are skipped, and new ones do not receive the event. */
static void
test_crowd(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree Listener *crowd = g_new0(Listener, CROWD);
    Listener late = { 0 };

    subscribe_crowd(fixture, crowd);
    add(fixture, "gpu", "computer");
    g_assert_cmpuint(count_notified(crowd, 1), >, 0);
    g_assert_cmpuint(count_notified(crowd, 1), <, CROWD / 2);
    late.subscription =
        md_events_subscribe(fixture->events, USER, VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE, NULL,
                            on_counted, &late);
    for (guint i = 0; i < CROWD; i += 10)
        md_events_unsubscribe(fixture->events, crowd[i].subscription);
    g_assert_true(g_main_context_iteration(NULL, FALSE));
    g_assert_cmpuint(count_notified(crowd, 0), >, CROWD / 2);
    settle();
    for (guint i = 0; i < CROWD; i++)
        g_assert_true(crowd[i].n == 1 || i % 10 == 0);
    g_assert_cmpuint(crowd[CROWD - 10].n, ==, 0);
    g_assert_cmpuint(late.n, ==, 0);
    /* No work is left. */
    g_assert_false(g_main_context_pending(NULL));
}


static MdEventSubscription *
find_last(int event, const char *device, gpointer data)
{
    const Listener *crowd = data;

    g_assert_cmpint(event, ==, VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE);
    return g_strcmp0(device, "gpu") == 0 ? crowd[CROWD - 1].subscription : NULL;
}


/* A subscriber that catches up is called before the others, and not again. */
static void
test_catch_up(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree Listener *crowd = g_new0(Listener, CROWD);
    guint64 until = 0;

    subscribe_crowd(fixture, crowd);
    add(fixture, "gpu", "computer");
    remove_device(fixture, "gpu");
    g_assert_cmpuint(crowd[CROWD - 1].n, ==, 0);
    md_events_catch_up(fixture->events, USER, &until, find_last, crowd);
    g_assert_cmpuint(crowd[CROWD - 1].n, ==, 2);
    g_assert_cmpuint(crowd[CROWD - 3].n, ==, 0);
    md_events_catch_up(fixture->events, USER, &until, find_last, crowd);
    settle();
    g_assert_cmpuint(count_notified(crowd, 2), ==, CROWD);
    md_events_catch_up(fixture->events, USER, &until, find_last, crowd);
    g_assert_cmpuint(crowd[CROWD - 1].n, ==, 2);
}


static MdEventSubscription *
find_and_count(int event G_GNUC_UNUSED, const char *device G_GNUC_UNUSED, gpointer data)
{
    (*(guint *)data)++;
    return NULL;
}


/* Waiting events are examined once per subscriber that catches up, however often it does. */
static void
test_catch_up_again(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree Listener *crowd = g_new0(Listener, CROWD);
    guint64 until = 0;
    guint n = 0;
    guint all = 0;

    subscribe_crowd(fixture, crowd);
    for (guint i = 0; i < UPDATES; i++) {
        add(fixture, "gpu", "computer");
        remove_device(fixture, "gpu");
    }
    md_events_catch_up(fixture->events, USER, &until, find_and_count, &n);
    all = n;
    g_assert_cmpuint(all, >, UPDATES);
    for (guint i = 0; i < UPDATES; i++)
        md_events_catch_up(fixture->events, USER, &until, find_and_count, &n);
    g_assert_cmpuint(n, ==, all);

    add(fixture, "gpu", "computer");
    md_events_catch_up(fixture->events, USER, &until, find_and_count, &n);
    g_assert_cmpuint(n, >, all);
    g_assert_cmpuint(n, <, all + UPDATES);
    remove_device(fixture, "gpu");
}


typedef struct {
    MdEventSubscription *specific;
    MdEventSubscription *general;
} Pair;


static MdEventSubscription *
find_of_pair(int event G_GNUC_UNUSED, const char *device, gpointer data)
{
    const Pair *pair = data;

    return device != NULL ? pair->specific : pair->general;
}


/* Two subscriptions that catch up are also called in the order of subscription. */
static void
test_catch_up_in_order(Fixture *fixture, gconstpointer data)
{
    gboolean general_first = GPOINTER_TO_INT(data);
    g_autofree Listener *crowd = g_new0(Listener, CROWD);
    Numbered numbered[2] = { { fixture->log, 0 }, { fixture->log, 1 } };
    MdEventSubscription *subscriptions[2];
    Pair pair = { NULL, NULL };
    guint64 until = 0;

    subscribe_crowd(fixture, crowd);
    for (guint i = 0; i < 2; i++)
        subscriptions[i] =
            md_events_subscribe(fixture->events, USER, VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE,
                                (i == 0) == general_first ? NULL : "gpu", on_numbered,
                                &numbered[i]);
    pair.general = subscriptions[general_first ? 0 : 1];
    pair.specific = subscriptions[general_first ? 1 : 0];
    add(fixture, "gpu", "computer");
    md_events_catch_up(fixture->events, USER, &until, find_of_pair, &pair);
    g_assert_cmpstr(fixture->log->str, ==, "0 1 ");
    settle();
    g_assert_cmpstr(fixture->log->str, ==, "0 1 ");
}


/* However many events occur at once, all subscribers receive each event, in order. */
static void
test_crowd_and_many_events(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree Listener *crowd = g_new0(Listener, CROWD);

    subscribe_crowd(fixture, crowd);
    for (guint i = 0; i < UPDATES; i++) {
        add(fixture, "gpu", "computer");
        remove_device(fixture, "gpu");
    }
    g_assert_cmpuint(count_notified(crowd, 2 * UPDATES), <, CROWD);
    settle();
    g_assert_cmpuint(count_notified(crowd, 2 * UPDATES), ==, CROWD);
}


/* A user with few subscribers does not wait for all subscribers of another user. */
static void
test_two_users(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree Listener *crowd = g_new0(Listener, CROWD);
    Listener other = { 0 };

    subscribe_crowd(fixture, crowd);
    other.subscription =
        md_events_subscribe(fixture->events, OTHER, VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE, "gpu",
                            on_counted, &other);
    for (guint i = 0; i < UPDATES; i++) {
        add(fixture, "gpu", "computer");
        remove_device(fixture, "gpu");
        g_assert_true(g_main_context_iteration(NULL, FALSE));
        g_assert_true(g_main_context_iteration(NULL, FALSE));
        g_assert_cmpuint(other.n, ==, 2 * (i + 1));
    }
    g_assert_cmpuint(count_notified(crowd, 2 * UPDATES), <, CROWD);
    settle();
    g_assert_cmpuint(count_notified(crowd, 2 * UPDATES), ==, CROWD);
    g_assert_cmpuint(other.n, ==, 2 * UPDATES);
}


static void
on_notified(gpointer data)
{
    (*(guint *)data)++;
}


/* Each user's deliveries are awaited separately. */
static void
test_when_notified(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree Listener *crowd = g_new0(Listener, CROWD);
    guint notified = 0;

    subscribe_crowd(fixture, crowd);
    md_events_call_when_notified(fixture->events, USER, on_notified, &notified);
    md_events_call_when_notified(fixture->events, OTHER, on_notified, &notified);
    g_assert_cmpuint(notified, ==, 2);

    add(fixture, "gpu", "computer");
    md_events_call_when_notified(fixture->events, OTHER, on_notified, &notified);
    g_assert_cmpuint(notified, ==, 3);
    md_events_call_when_notified(fixture->events, USER, on_notified, &notified);
    remove_device(fixture, "gpu");
    while (notified == 3) {
        g_assert_cmpuint(count_notified(crowd, 2), ==, 0);
        g_assert_true(g_main_context_iteration(NULL, FALSE));
    }
    g_assert_cmpuint(count_notified(crowd, 0), ==, 0);
    g_assert_cmpuint(count_notified(crowd, 2), <, CROWD);
    settle();
    g_assert_cmpuint(notified, ==, 4);
}


/* A caller that waits for deliveries is called even if no subscriber remains. */
static void
test_when_notified_at_the_end(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree Listener *crowd = g_new0(Listener, CROWD);
    g_autoptr(MdEvents) events = md_events_new(fixture->registry);
    guint notified = 0;

    for (guint i = 0; i < CROWD; i++)
        md_events_subscribe(events, USER, VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE, NULL, on_counted,
                            &crowd[i]);
    add(fixture, "gpu", "computer");
    md_events_call_when_notified(events, USER, on_notified, &notified);
    g_assert_cmpuint(notified, ==, 0);
    g_clear_pointer(&events, md_events_free);
    g_assert_cmpuint(notified, ==, 1);
}


/* Waiting events are dropped when the registry's events are freed. */
static void
test_end_with_events(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree Listener *crowd = g_new0(Listener, CROWD);

    subscribe_crowd(fixture, crowd);
    add(fixture, "gpu", "computer");
    for (guint i = 0; i < CROWD; i++)
        md_events_unsubscribe(fixture->events, crowd[i].subscription);
    settle();
    g_assert_cmpuint(count_notified(crowd, 0), >, CROWD / 2);

    subscribe_crowd(fixture, crowd);
    add(fixture, "other", "computer");
}


/* When too many events wait, those without remaining subscribers are dropped at once. The last
 * subscriber may then leave immediately. */
static void
test_leave_after_too_many_events(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree Listener *crowd = g_new0(Listener, CROWD);
    MdEventSubscription *last =
        md_events_subscribe(fixture->events, USER, VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE, "last",
                            on_event, fixture);

    for (guint i = 0; i < CROWD; i++)
        crowd[i].subscription =
            md_events_subscribe(fixture->events, USER, VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE, "gpu",
                                on_counted, &crowd[i]);
    for (guint i = 0; i < TOO_MANY / 2; i++) {
        add(fixture, "gpu", "computer");
        remove_device(fixture, "gpu");
    }
    for (guint i = 0; i < CROWD; i++)
        md_events_unsubscribe(fixture->events, crowd[i].subscription);
    add(fixture, "last", "computer");
    g_assert_cmpstr(fixture->log->str, ==, "last/0/0 ");
    md_events_unsubscribe(fixture->events, last);
    settle();
    g_assert_false(g_main_context_pending(NULL));

    md_events_subscribe(fixture->events, USER, VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE, "last", on_event,
                        fixture);
    remove_device(fixture, "last");
    g_assert_cmpstr(fixture->log->str, ==, "last/0/0 last/0/1 ");
}


/* Override event-topic.c when this program is linked, and count comparisons of topics. */
static guint n_comparisons;


guint
md_event_topic_hash(gconstpointer topic)
{
    const MdEventTopic *self = topic;

    n_comparisons++;
    return self->device != NULL ? g_str_hash(self->device) : 0;
}


gboolean
md_event_topic_equal(gconstpointer one, gconstpointer other)
{
    const MdEventTopic *a = one;
    const MdEventTopic *b = other;

    n_comparisons++;
    return a->event == b->event && g_strcmp0(a->device, b->device) == 0;
}


static guint
count_comparisons_of_updates(Fixture *fixture)
{
    n_comparisons = 0;
    for (guint i = 0; i < UPDATES; i++) {
        add(fixture, "gpu", "computer");
        remove_device(fixture, "gpu");
    }
    return n_comparisons;
}


/* The cost of an event does not depend on subscriptions to other devices. */
static void
test_many_others(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    guint few = 0;

    md_events_subscribe(fixture->events, USER, VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE, "other-0",
                        on_event, fixture);
    few = count_comparisons_of_updates(fixture);
    g_assert_cmpuint(few, >, 0);
    for (guint i = 0; i < OTHERS; i++) {
        g_autofree char *name = g_strdup_printf("other-%u", i % 1000);

        md_events_subscribe(fixture->events, USER, VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE, name,
                            on_event, fixture);
    }
    g_assert_cmpuint(count_comparisons_of_updates(fixture), ==, few);
    g_assert_cmpstr(fixture->log->str, ==, "");
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/events/filter", Fixture, NULL, set_up, test_filter, tear_down);
    g_test_add("/events/unsubscribe", Fixture, NULL, set_up, test_unsubscribe, tear_down);
    g_test_add("/events/leave-inside", Fixture, NULL, set_up, test_leave_inside, tear_down);
    g_test_add("/events/come-inside", Fixture, NULL, set_up, test_come_inside, tear_down);
    g_test_add("/events/order", Fixture, NULL, set_up, test_order, tear_down);
    g_test_add("/events/crowd", Fixture, NULL, set_up, test_crowd, tear_down);
    g_test_add("/events/catch-up", Fixture, NULL, set_up, test_catch_up, tear_down);
    g_test_add("/events/catch-up/again", Fixture, NULL, set_up, test_catch_up_again, tear_down);
    g_test_add("/events/catch-up/specific-first", Fixture, GINT_TO_POINTER(FALSE), set_up,
               test_catch_up_in_order, tear_down);
    g_test_add("/events/catch-up/general-first", Fixture, GINT_TO_POINTER(TRUE), set_up,
               test_catch_up_in_order, tear_down);
    g_test_add("/events/crowd-and-many-events", Fixture, NULL, set_up, test_crowd_and_many_events,
               tear_down);
    g_test_add("/events/two-users", Fixture, NULL, set_up, test_two_users, tear_down);
    g_test_add("/events/when-notified", Fixture, NULL, set_up, test_when_notified, tear_down);
    g_test_add("/events/when-notified-at-the-end", Fixture, NULL, set_up,
               test_when_notified_at_the_end, tear_down);
    g_test_add("/events/end-with-events", Fixture, NULL, set_up, test_end_with_events, tear_down);
    g_test_add("/events/leave-after-too-many-events", Fixture, NULL, set_up,
               test_leave_after_too_many_events, tear_down);
    g_test_add("/events/many-others", Fixture, NULL, set_up, test_many_others, tear_down);
    return g_test_run();
}
