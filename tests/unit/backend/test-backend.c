/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which backend serves a document: by its kind, and by its parent if several backends have that
 * kind. */
#include "config.h"

#include "backend/backend.h"

#include "conf/cap-mdev.h"
#include "util/error.h"

typedef struct {
    MdDriverContext context;
} Fixture;


static MdNodeDevice *
find_named_parent(const MdDriverContext *context, const MdNodeDeviceDef *def)
{
    return def->parent != NULL ? md_registry_find(context->registry, def->parent) : NULL;
}


static gboolean
serves_pci(const MdDriverContext *context G_GNUC_UNUSED, const MdNodeDevice *parent)
{
    return md_node_device_def_get_kind(parent->def) == &md_cap_kind_pci;
}


static gboolean
serves_css(const MdDriverContext *context G_GNUC_UNUSED, const MdNodeDevice *parent)
{
    return md_node_device_def_get_kind(parent->def) == &md_cap_kind_css;
}


static const MdDefinitionOps definitions;

static const MdBackend of_pci = {
    .kind = &md_cap_kind_mdev,
    .find_named_parent = find_named_parent,
    .serves_parent = serves_pci,
};

static const MdBackend of_css = {
    .kind = &md_cap_kind_mdev,
    .find_named_parent = find_named_parent,
    .serves_parent = serves_css,
    .definitions = &definitions,
};

static const MdBackend of_hosts = {
    .kind = &md_cap_kind_scsi_host,
    .find_named_parent = find_named_parent,
    .serves_parent = serves_pci,
};

static const MdBackend *const backends[] = { &of_pci, &of_css, &of_hosts, NULL };


static void
add(Fixture *fixture, const char *name, const MdCapKind *kind)
{
    MdNodeDeviceDef *def = md_node_device_def_new();

    md_node_device_def_add_cap(def, kind);
    def->name = g_strdup(name);
    def->path = g_strconcat("/sys/devices/", name, NULL);
    md_registry_activate(fixture->context.registry, def, 1);
}


static void
set_up(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    fixture->context.registry = md_registry_new();
    add(fixture, "pci_0000_06_00_0", &md_cap_kind_pci);
    add(fixture, "css_0_0_0023", &md_cap_kind_css);
    add(fixture, "net_eth0", &md_cap_kind_net);
}


static void
tear_down(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_object_unref(fixture->context.registry);
}


static const MdBackend *
choose(Fixture *fixture, const MdCapKind *kind, const char *parent, gboolean persistent)
{
    g_autoptr(MdNodeDeviceDef) def = md_node_device_def_new();

    md_node_device_def_add_cap(def, kind);
    def->parent = g_strdup(parent);
    return md_backend_choose(backends, &fixture->context, def, persistent, NULL);
}


static void
test_parent(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    const MdCapKind *kind = &md_cap_kind_mdev;

    g_assert_true(choose(fixture, kind, "pci_0000_06_00_0", FALSE) == &of_pci);
    g_assert_true(choose(fixture, kind, "css_0_0_0023", FALSE) == &of_css);
    g_assert_true(choose(fixture, &md_cap_kind_scsi_host, "pci_0000_06_00_0", FALSE) == &of_hosts);
}


/* The first backend reports the error. */
static void
test_no_parent(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    const char *const parents[] = { NULL, "pci_0000_07_00_0", "net_eth0" };

    for (gsize i = 0; i < G_N_ELEMENTS(parents); i++) {
        g_assert_true(choose(fixture, &md_cap_kind_mdev, parents[i], FALSE) == &of_pci);
        g_assert_true(choose(fixture, &md_cap_kind_mdev, parents[i], TRUE) == &of_css);
    }
}


static void
test_unsupported(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(MdNodeDeviceDef) def = md_node_device_def_new();
    g_autoptr(GError) error = NULL;

    md_node_device_def_add_cap(def, &md_cap_kind_net);
    g_assert_null(md_backend_choose(backends, &fixture->context, def, FALSE, &error));
    g_assert_error(error, MD_ERROR, VIR_ERR_CONFIG_UNSUPPORTED);
    g_assert_cmpstr(error->message, ==, "Unsupported device type 'net' of device ''");
    g_assert_null(choose(fixture, &md_cap_kind_scsi_host, NULL, TRUE));
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

#define ADD(name, func) g_test_add("/backend/" name, Fixture, NULL, set_up, func, tear_down)

    ADD("parent", test_parent);
    ADD("no-parent", test_no_parent);
    ADD("unsupported", test_unsupported);
    return g_test_run();
}
