/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Event callbacks of clients: ids, limits, cost, and shared frames. */
#include "config.h"

#include <libvirt/virterror.h>

#include "../default-settings.h"
#include "fake-driver.h"
#include "remote/subscriptions.h"
#include "util/error.h"

#define LIFECYCLE VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE
#define UPDATE    VIR_NODE_DEVICE_EVENT_ID_UPDATE
#define MANY      1000

typedef struct {
    MdSettings *settings;
    MdDriver *driver;
    MdEventFrames *frames;
    MdSubscriptions *one;
    MdSubscriptions *other;
    GPtrArray *sent; /* of GBytes */
} Fixture;


static void
on_send(GBytes *frame, const char *device G_GNUC_UNUSED, gpointer data)
{
    g_ptr_array_add(((Fixture *)data)->sent, g_bytes_ref(frame));
}


static void
set_up(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    fixture->settings = default_settings_load();
    fixture->driver = md_driver_new(fixture->settings);
    fixture->frames = md_event_frames_new();
    fixture->one = md_subscriptions_new(fixture->driver, fixture->frames, on_send, fixture);
    fixture->other = md_subscriptions_new(fixture->driver, fixture->frames, on_send, fixture);
    fixture->sent = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
}


static void
tear_down(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    md_subscriptions_free(fixture->one);
    md_subscriptions_free(fixture->other);
    g_assert_cmpuint(fake_driver_count_subscriptions(fixture->driver), ==, 0);
    g_ptr_array_unref(fixture->sent);
    md_event_frames_free(fixture->frames);
    g_assert_finalize_object(fixture->driver);
    md_settings_free(fixture->settings);
}


static int
add(MdSubscriptions *subscriptions, int event, const char *device)
{
    g_autoptr(GError) error = NULL;
    int id =
        md_subscriptions_add(subscriptions, md_owner_get_daemon(), event, device, MANY, &error);

    g_assert_no_error(error);
    return id;
}


static void
refuse(
    MdSubscriptions *subscriptions, int event, const char *device, guint max, int code, int domain)
{
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(md_subscriptions_add(subscriptions, md_owner_get_daemon(), event, device, max,
                                         &error),
                    ==, -1);
    g_assert_error(error, MD_ERROR, code);
    g_assert_cmpint(md_error_get_from(error), ==, domain);
}


static void
test_refused(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;

    add(fixture->one, LIFECYCLE, NULL);
    add(fixture->one, LIFECYCLE, "computer");
    refuse(fixture->one, LIFECYCLE, NULL, MANY, VIR_ERR_INVALID_ARG, VIR_FROM_NONE);
    refuse(fixture->one, LIFECYCLE, "computer", MANY, VIR_ERR_INVALID_ARG, VIR_FROM_NONE);
    refuse(fixture->one, 7, NULL, MANY, VIR_ERR_INTERNAL_ERROR, VIR_FROM_RPC);
    refuse(fixture->one, UPDATE, "nonsense", MANY, VIR_ERR_NO_NODE_DEVICE, VIR_FROM_NODEDEV);
    refuse(fixture->one, UPDATE, NULL, 2, VIR_ERR_OPERATION_FAILED, VIR_FROM_RPC);
    add(fixture->other, LIFECYCLE, NULL);

    g_assert_false(md_subscriptions_remove(fixture->one, 2, &error));
    g_assert_error(error, MD_ERROR, VIR_ERR_INTERNAL_ERROR);
    g_assert_true(md_subscriptions_remove(fixture->one, 1, NULL));
    g_assert_cmpint(add(fixture->one, LIFECYCLE, "computer"), ==, 2);
}


static void
test_cost(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    gsize tables = 0;
    int id = -1;

    g_assert_cmpuint(md_subscriptions_get_cost(fixture->one), ==, 0);
    md_subscriptions_remove(fixture->one, add(fixture->one, LIFECYCLE, NULL), NULL);
    tables = md_subscriptions_get_cost(fixture->one);
    id = add(fixture->one, LIFECYCLE, "computer");
    g_assert_cmpuint(md_subscriptions_get_cost(fixture->one), >, tables + 300);
    md_subscriptions_remove(fixture->one, id, NULL);
    g_assert_cmpuint(md_subscriptions_get_cost(fixture->one), ==, tables);
    add(fixture->one, LIFECYCLE, "computer");
    md_subscriptions_clear(fixture->one);
    g_assert_cmpuint(md_subscriptions_get_cost(fixture->one), ==, 0);
}


static gpointer
subscribers_send(Fixture *fixture, const char *device, int event, int detail, guint n)
{
    g_ptr_array_set_size(fixture->sent, 0);
    fake_driver_emit(fixture->driver, device, event, detail);
    g_assert_cmpuint(fixture->sent->len, ==, n);
    return fixture->sent->pdata[0];
}


/* Callbacks with the same id share the frames of an event, and no others do. */
static void
test_shared(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GBytes) created = NULL;

    add(fixture->one, LIFECYCLE, NULL);
    add(fixture->other, LIFECYCLE, NULL);
    add(fixture->other, LIFECYCLE, "computer");
    add(fixture->one, UPDATE, NULL);

    created = g_bytes_ref(subscribers_send(fixture, "computer", LIFECYCLE, 0, 3));
    g_assert_true(fixture->sent->pdata[0] == fixture->sent->pdata[1]);
    g_assert_false(g_bytes_equal(fixture->sent->pdata[0], fixture->sent->pdata[2]));
    g_assert_false(g_bytes_equal(created, subscribers_send(fixture, "computer", LIFECYCLE, 1, 3)));
    g_assert_false(
        g_bytes_equal(created, subscribers_send(fixture, "pci_0000_06_00_0", LIFECYCLE, 0, 2)));
    g_assert_false(g_bytes_equal(created, subscribers_send(fixture, "computer", UPDATE, 0, 1)));
    g_assert_true(g_bytes_equal(created, subscribers_send(fixture, "computer", LIFECYCLE, 0, 3)));
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, func) g_test_add("/subscriptions/" path, Fixture, NULL, set_up, func, tear_down)
    ADD("refused", test_refused);
    ADD("cost", test_cost);
    ADD("shared", test_shared);
    return g_test_run();
}
