/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The backend of virtual host adapters creates and deletes adapters on a temporary tree: where
 * it writes, what, and when the caller is answered. */
#include "config.h"

#include "vhba/vhba.h"

#include <string.h>

#include "../driver-context.h"
#include "conf/cap-scsi-host.h"
#include "util/error.h"

/* Two adapters, and the document for the first. */
#define FIRST   "pci0000:00/host7"
#define SECOND  "pci0000:00/host8"
#define VIRTUAL FIRST "/vport-7:0-0/host9"
#define WWNN    "2001001b32a9da4e"
#define WWPN    "2101001b32a9da4e"

#define FC(host, name) "fc_host/" host "/" name


static void
add_adapter(FakeHost *host, const char *device, const char *wwnn, const char *wwpn)
{
    g_autofree char *name = g_path_get_basename(device);
    g_autofree char *node_name = g_strdup_printf("fc_host/%s/node_name", name);
    g_autofree char *port_name = g_strdup_printf("fc_host/%s/port_name", name);

    fake_host_set(host, device, node_name, wwnn);
    fake_host_set(host, device, port_name, wwpn);
    fake_host_add(host, device, "scsi", "DEVTYPE=scsi_host\n");
}


static void
add_ports(FakeHost *host, const char *device, const char *max)
{
    g_autofree char *name = g_path_get_basename(device);
    const char *const attributes[][2] = { { "port_state", "Online\n" },
                                          { "max_npiv_vports", max },
                                          { "npiv_vports_inuse", "0\n" },
                                          { "vport_create", "" },
                                          { "vport_delete", "" } };

    for (gsize i = 0; i < G_N_ELEMENTS(attributes); i++) {
        g_autofree char *path = g_build_filename("fc_host", name, attributes[i][0], NULL);

        fake_host_set(host, device, path, attributes[i][1]);
    }
}


static void
set_up(DriverContext *fixture, gconstpointer data)
{
    gboolean with_device = data != NULL;
    FakeHost *host = fake_host_new();

    add_adapter(host, FIRST, "0x2000000000000001\n", "0x2100000000000001\n");
    add_ports(host, FIRST, "2\n");
    add_adapter(host, SECOND, "0x2000000000000002\n", "0x2100000000000002\n");
    add_ports(host, SECOND, "2\n");
    if (with_device)
        add_adapter(host, VIRTUAL, "0x" WWNN "\n", "0x" WWPN "\n");
    driver_context_set_up(fixture, host);
}


static void
tear_down(DriverContext *fixture, gconstpointer data G_GNUC_UNUSED)
{
    driver_context_tear_down(fixture);
}


static MdNodeDeviceDef *
make_def(const char *parent, const char *wwpn)
{
    MdNodeDeviceDef *def = md_node_device_def_new();
    MdCapScsiHost *cap = md_node_device_def_add_cap(def, &md_cap_kind_scsi_host);

    def->parent = g_strdup(parent);
    cap->is_fc_host = TRUE;
    cap->wwnn = g_strdup(WWNN);
    cap->wwpn = g_strdup(wwpn);
    return def;
}


static void
create(DriverContext *fixture, const char *parent_name, const char *wwpn, BackendAnswer *answer)
{
    g_autoptr(MdNodeDeviceDef) def = make_def(parent_name, wwpn);
    MdNodeDevice *parent = NULL;

    g_assert_true(md_backend_vhba.find_parent(&fixture->context, def, &parent, NULL));
    md_backend_vhba.create_async(&fixture->context, parent, def, md_owner_get_daemon(),
                                 backend_answer_receive, answer);
}


static MdNodeDevice *
find_device(DriverContext *fixture, const char *name)
{
    return md_registry_find(fixture->context.registry, name);
}


static void
test_create(DriverContext *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_auto(BackendAnswer) answer = { 0 };
    g_autofree char *written = NULL;

    create(fixture, "scsi_host7", WWPN, &answer);
    fake_host_wait_written(fixture->host, FIRST, FC("host7", "vport_create"));
    written = fake_host_get(fixture->host, FIRST, FC("host7", "vport_create"));
    g_assert_cmpstr(written, ==, WWPN ":" WWNN);
    g_assert_false(answer.done);

    add_adapter(fixture->host, VIRTUAL, "0x" WWNN "\n", "0x" WWPN "\n");
    fake_host_emit(fixture->host, "add", VIRTUAL);
    backend_answer_wait(&answer);
    g_assert_no_error(answer.error);
    g_assert_cmpstr(answer.name, ==, "scsi_host9");
    g_assert_nonnull(find_device(fixture, "scsi_host9"));
}


/* The driver sets the names after the kernel's event of the adapter. */
static void
test_names_come_late(DriverContext *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_auto(BackendAnswer) answer = { 0 };

    create(fixture, "scsi_host7", WWPN, &answer);
    fake_host_wait_written(fixture->host, FIRST, FC("host7", "vport_create"));
    add_adapter(fixture->host, VIRTUAL, "0xffffffffffffffff\n", "0xffffffffffffffff\n");
    fake_host_emit(fixture->host, "add", VIRTUAL);
    g_assert_null(find_device(fixture, "scsi_host9"));

    fake_host_set(fixture->host, VIRTUAL, FC("host9", "node_name"), "0x" WWNN "\n");
    fake_host_set(fixture->host, VIRTUAL, FC("host9", "port_name"), "0x" WWPN "\n");
    backend_answer_wait(&answer);
    g_assert_no_error(answer.error);
    g_assert_cmpstr(answer.name, ==, "scsi_host9");
}


/* Without a parent, an adapter with room is used. */
static void
test_chosen_parent(DriverContext *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_auto(BackendAnswer) answer = { 0 };
    g_autofree char *of_first = NULL;

    fake_host_set(fixture->host, FIRST, FC("host7", "npiv_vports_inuse"), "2\n");
    create(fixture, NULL, WWPN, &answer);
    fake_host_wait_written(fixture->host, SECOND, FC("host8", "vport_create"));
    of_first = fake_host_get(fixture->host, FIRST, FC("host7", "vport_create"));
    g_assert_cmpstr(of_first, ==, "");

    add_adapter(fixture->host, SECOND "/vport-8:0-0/host9", "0x" WWNN "\n", "0x" WWPN "\n");
    fake_host_emit(fixture->host, "add", SECOND "/vport-8:0-0/host9");
    backend_answer_wait(&answer);
    g_assert_no_error(answer.error);
}


static void
test_create_fails(DriverContext *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_auto(BackendAnswer) in_use = { 0 };
    g_auto(BackendAnswer) no_room = { 0 };
    g_auto(BackendAnswer) nothing = { 0 };

    create(fixture, "scsi_host7", "2100000000000002", &in_use);
    backend_answer_wait(&in_use);
    g_assert_error(in_use.error, MD_ERROR, VIR_ERR_OPERATION_INVALID);
    g_assert_nonnull(strstr(in_use.error->message, "is in use by 'scsi_host8'"));

    fake_host_set(fixture->host, FIRST, FC("host7", "port_state"), "Linkdown\n");
    fake_host_set(fixture->host, SECOND, FC("host8", "max_npiv_vports"), "0\n");
    create(fixture, NULL, WWPN, &no_room);
    backend_answer_wait(&no_room);
    g_assert_error(no_room.error, MD_ERROR, VIR_ERR_INTERNAL_ERROR);
    g_assert_nonnull(strstr(no_room.error->message, "Could not find parent device"));

    fixture->host->settings->event_timeout = 1;
    create(fixture, "scsi_host7", WWPN, &nothing);
    backend_answer_wait(&nothing);
    g_assert_error(nothing.error, MD_ERROR, VIR_ERR_NO_NODE_DEVICE);
}


static void
destroy(DriverContext *fixture, const char *name, BackendAnswer *answer)
{
    md_backend_vhba.destroy_async(&fixture->context, find_device(fixture, name),
                                  md_owner_get_daemon(), backend_answer_receive, answer);
}


static void
test_destroy(DriverContext *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_auto(BackendAnswer) answer = { 0 };
    g_auto(BackendAnswer) real = { 0 };
    g_autofree char *written = NULL;

    destroy(fixture, "scsi_host7", &real);
    backend_answer_wait(&real);
    g_assert_error(real.error, MD_ERROR, VIR_ERR_CONFIG_UNSUPPORTED);

    g_assert_nonnull(find_device(fixture, "scsi_host9"));
    destroy(fixture, "scsi_host9", &answer);
    fake_host_wait_written(fixture->host, FIRST, FC("host7", "vport_delete"));
    written = fake_host_get(fixture->host, FIRST, FC("host7", "vport_delete"));
    g_assert_cmpstr(written, ==, WWPN ":" WWNN);
    g_assert_false(answer.done);

    fake_host_remove(fixture->host, FIRST "/vport-7:0-0");
    fake_host_emit(fixture->host, "remove", VIRTUAL);
    backend_answer_wait(&answer);
    g_assert_no_error(answer.error);
    g_assert_cmpstr(answer.name, ==, "scsi_host9");
    g_assert_null(find_device(fixture, "scsi_host9"));
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

#define ADD(name, data, func)                                                                      \
    g_test_add("/vhba/" name, DriverContext, data, set_up, func, tear_down)

    ADD("create", NULL, test_create);
    ADD("names-come-late", NULL, test_names_come_late);
    ADD("chosen-parent", NULL, test_chosen_parent);
    ADD("create-fails", NULL, test_create_fails);
    ADD("destroy", "with a device", test_destroy);
    return g_test_run();
}
