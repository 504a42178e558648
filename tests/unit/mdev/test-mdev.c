/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The backend of mediated devices creates and removes devices on a temporary tree: where it
 * writes, what, when the caller is answered, and what a failure leaves. */
#include "config.h"

#include "mdev/mdev.h"

#include <string.h>

#include "../driver-context.h"
#include "conf/cap-mdev.h"
#include "util/error.h"


static void
set_up(DriverContext *fixture, gconstpointer data)
{
    gboolean with_device = data != NULL;
    FakeHost *host = fake_host_new();

    fake_host_add_parent(host);
    if (with_device)
        fake_host_add_mdev(host);
    driver_context_set_up(fixture, host);
}


static void
tear_down(DriverContext *fixture, gconstpointer data G_GNUC_UNUSED)
{
    driver_context_tear_down(fixture);
}


static MdNodeDeviceDef *
make_def(const char *type_id)
{
    MdNodeDeviceDef *def = md_node_device_def_new();
    MdCapMdev *cap = md_node_device_def_add_cap(def, &md_cap_kind_mdev);

    def->parent = g_strdup(FAKE_PARENT_NAME);
    cap->uuid = g_strdup(FAKE_UUID);
    cap->type_id = g_strdup(type_id);
    return def;
}


static void
create(DriverContext *fixture, const char *type_id, BackendAnswer *answer)
{
    g_autoptr(MdNodeDeviceDef) def = make_def(type_id);
    MdNodeDevice *parent = NULL;

    g_assert_true(md_backend_mdev.find_parent(&fixture->context, def, &parent, NULL));
    md_backend_mdev.create_async(&fixture->context, parent, def, md_owner_get_daemon(),
                                 backend_answer_receive, answer);
}


static void
destroy(DriverContext *fixture, BackendAnswer *answer)
{
    MdNodeDevice *device = md_registry_find(fixture->context.registry, FAKE_MDEV_NAME);

    md_backend_mdev.destroy_async(&fixture->context, device, md_owner_get_daemon(),
                                  backend_answer_receive, answer);
}


static gboolean
is_there(DriverContext *fixture)
{
    return md_registry_find(fixture->context.registry, FAKE_MDEV_NAME) != NULL;
}


static void
test_create(DriverContext *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_auto(BackendAnswer) answer = { 0 };
    g_autofree char *written = NULL;

    create(fixture, "1", &answer);
    fake_host_wait_written(fixture->host, FAKE_PARENT, FAKE_CREATE);
    written = fake_host_get(fixture->host, FAKE_PARENT, FAKE_CREATE);
    g_assert_cmpstr(written, ==, FAKE_UUID);
    g_assert_false(answer.done);

    fake_host_add_mdev(fixture->host);
    fake_host_emit(fixture->host, "add", FAKE_MDEV);
    backend_answer_wait(&answer);
    g_assert_no_error(answer.error);
    g_assert_cmpstr(answer.name, ==, FAKE_MDEV_NAME);
    g_assert_true(is_there(fixture));
}


/* Without an event, sysfs decides. */
static void
test_silent_udev(DriverContext *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_auto(BackendAnswer) answer = { 0 };
    g_auto(BackendAnswer) other = { 0 };

    fixture->host->settings->event_timeout = 1;
    create(fixture, FAKE_TYPE, &answer);
    backend_answer_wait(&answer);
    g_assert_error(answer.error, MD_ERROR, VIR_ERR_INTERNAL_ERROR);
    g_assert_nonnull(strstr(answer.error->message, "was removed in the meantime"));

    fake_host_add_mdev(fixture->host);
    create(fixture, FAKE_TYPE, &other);
    backend_answer_wait(&other);
    g_assert_no_error(other.error);
    g_assert_true(is_there(fixture));
}


static void
test_create_refused(DriverContext *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_auto(BackendAnswer) no_type = { 0 };
    g_auto(BackendAnswer) first = { 0 };
    g_auto(BackendAnswer) second = { 0 };

    create(fixture, "toy-2", &no_type);
    backend_answer_wait(&no_type);
    g_assert_nonnull(strstr(no_type.error->message, "has no type 'toy-2', only " FAKE_TYPE));

    /* Commands are independent, except those on the same UUID. */
    create(fixture, FAKE_TYPE, &first);
    create(fixture, FAKE_TYPE, &second);
    backend_answer_wait(&second);
    g_assert_error(second.error, MD_ERROR, VIR_ERR_INTERNAL_ERROR);
    g_assert_nonnull(strstr(second.error->message, "UUID '" FAKE_UUID "' is in use"));
    g_assert_false(first.done);

    fake_host_wait_written(fixture->host, FAKE_PARENT, FAKE_CREATE);
    fake_host_add_mdev(fixture->host);
    fake_host_emit(fixture->host, "add", FAKE_MDEV);
    backend_answer_wait(&first);
    g_assert_no_error(first.error);
}


static void
test_destroy(DriverContext *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_auto(BackendAnswer) answer = { 0 };
    g_auto(BackendAnswer) other = { 0 };

    g_assert_true(is_there(fixture));
    destroy(fixture, &answer);
    destroy(fixture, &other);
    backend_answer_wait(&other);
    g_assert_error(other.error, MD_ERROR, VIR_ERR_OPERATION_INVALID);

    fake_host_wait_written(fixture->host, FAKE_MDEV, "remove");
    g_assert_false(answer.done);
    fake_host_remove(fixture->host, FAKE_MDEV);
    fake_host_emit(fixture->host, "remove", FAKE_MDEV);
    backend_answer_wait(&answer);
    g_assert_no_error(answer.error);
    g_assert_cmpstr(answer.name, ==, FAKE_MDEV_NAME);
    g_assert_false(is_there(fixture));
}


static void
test_destroy_fails(DriverContext *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_auto(BackendAnswer) in_use = { 0 };
    g_auto(BackendAnswer) kept = { 0 };

    /* A node whose users are unknown. */
    fake_host_set(fixture->host, FAKE_MDEV, "vfio-dev/vfio0/dev", "none\n");
    destroy(fixture, &in_use);
    backend_answer_wait(&in_use);
    g_assert_error(in_use.error, MD_ERROR, VIR_ERR_INTERNAL_ERROR);
    g_assert_nonnull(strstr(in_use.error->message, "cannot tell whether the device is in use"));

    fake_host_set(fixture->host, FAKE_MDEV, "vfio-dev/vfio0/name", "");
    fake_host_remove(fixture->host, FAKE_MDEV "/vfio-dev");
    fixture->host->settings->event_timeout = 1;
    destroy(fixture, &kept);
    backend_answer_wait(&kept);
    g_assert_error(kept.error, MD_ERROR, VIR_ERR_INTERNAL_ERROR);
    g_assert_nonnull(strstr(kept.error->message, FAKE_MDEV_NAME));
    g_assert_true(is_there(fixture));
}


/* Another backend serves a function to which its types are assigned. */
static void
test_serves_parent(DriverContext *fixture, gconstpointer data G_GNUC_UNUSED)
{
    MdNodeDevice *parent = md_registry_find(fixture->context.registry, FAKE_PARENT_NAME);
    g_autoptr(MdNodeDeviceDef) function = md_node_device_def_copy(parent->def);
    MdNodeDevice *computer = md_registry_find(fixture->context.registry, "computer");

    g_assert_true(md_backend_mdev.serves_parent(&fixture->context, parent));
    g_assert_false(md_backend_mdev.serves_parent(&fixture->context, computer));
    function->is_assignable = TRUE;
    md_registry_update(fixture->context.registry, parent, g_steal_pointer(&function));
    g_assert_false(md_backend_mdev.serves_parent(&fixture->context, parent));
}


static void
test_no_parent(DriverContext *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(MdNodeDeviceDef) def = make_def(FAKE_TYPE);
    MdNodeDevice *parent = NULL;
    g_autoptr(GError) error = NULL;

    g_free(def->parent);
    def->parent = g_strdup("toy_toy9");
    g_assert_false(md_backend_mdev.find_parent(&fixture->context, def, &parent, &error));
    g_assert_error(error, MD_ERROR, VIR_ERR_CONFIG_UNSUPPORTED);
    g_clear_error(&error);

    g_free(def->parent);
    def->parent = g_strdup("computer");
    g_assert_false(md_backend_mdev.find_parent(&fixture->context, def, &parent, &error));
    g_assert_error(error, MD_ERROR, VIR_ERR_PARSE_FAILED);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

#define ADD(name, data, func)                                                                      \
    g_test_add("/mdev/" name, DriverContext, data, set_up, func, tear_down)

    ADD("create", NULL, test_create);
    ADD("silent-udev", NULL, test_silent_udev);
    ADD("create-refused", NULL, test_create_refused);
    ADD("serves-parent", NULL, test_serves_parent);
    ADD("no-parent", NULL, test_no_parent);
    ADD("destroy", "with a device", test_destroy);
    ADD("destroy-fails", "with a device", test_destroy_fails);
    return g_test_run();
}
