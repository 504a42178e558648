/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who hears what, in which order, and that leaving in the middle of a delivery is safe. */
#include "config.h"

#include "node_device/events.h"

typedef struct {
    MdRegistry *registry;
    MdEvents *events;
    GString *log;
    guint leave; /* the subscription to end from within a call */
} Fixture;


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
    if (fixture->leave != 0)
        md_events_unsubscribe(fixture->events, fixture->leave);
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
    md_events_subscribe(fixture->events, VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE, "vgpu", on_event,
                        fixture);
    md_events_subscribe(fixture->events, VIR_NODE_DEVICE_EVENT_ID_UPDATE, NULL, on_event, fixture);
    add(fixture, "gpu", "computer");
    g_assert_cmpstr(fixture->log->str, ==, "");
    add(fixture, "vgpu", "gpu");
    remove_device(fixture, "vgpu");
    g_assert_cmpstr(fixture->log->str, ==, "vgpu/0/0 gpu/1/0 vgpu/0/1 gpu/1/0 ");
}


static void
test_unsubscribe(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    guint id = md_events_subscribe(fixture->events, VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE, NULL,
                                   on_event, fixture);

    g_assert_cmpuint(id, !=, 0);
    md_events_unsubscribe(fixture->events, id);
    add(fixture, "gpu", "computer");
    g_assert_cmpstr(fixture->log->str, ==, "");
}


static void
test_leave_inside(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    md_events_subscribe(fixture->events, VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE, NULL, on_event,
                        fixture);
    fixture->leave = md_events_subscribe(fixture->events, VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE, NULL,
                                         on_event, fixture);
    add(fixture, "gpu", "computer");
    g_assert_cmpstr(fixture->log->str, ==, "gpu/0/0 ");
    remove_device(fixture, "gpu");
    g_assert_cmpstr(fixture->log->str, ==, "gpu/0/0 gpu/0/1 ");
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/events/filter", Fixture, NULL, set_up, test_filter, tear_down);
    g_test_add("/events/unsubscribe", Fixture, NULL, set_up, test_unsubscribe, tear_down);
    g_test_add("/events/leave-inside", Fixture, NULL, set_up, test_leave_inside, tear_down);
    return g_test_run();
}
