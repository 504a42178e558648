/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of devices are encoded as rpcgen's functions encode them. */
#include "config.h"

#include <libvirt/libvirt.h>

#include "registry/list-flags.h"
#include "remote/device-list.h"
#include "rpc/message.h"

#define N_DEVICES 97
#define LONGEST   11 /* names, so that all lengths of padding occur */

/* The devices of the driver under the list. */
static GList *devices;
static guint64 generation;


GList *
md_driver_get_devices(MdDriver *self G_GNUC_UNUSED)
{
    return devices;
}


guint64
md_driver_get_generation(MdDriver *self G_GNUC_UNUSED)
{
    return generation;
}


/* Runs of PCI functions, of which every fifth is inactive, between single other devices. */
static void
add_device(guint number)
{
    MdNodeDeviceDef *def = md_node_device_def_new();
    MdNodeDevice *device = NULL;

    def->name = g_strnfill(number % LONGEST + 1, 'a' + number % 26);
    md_node_device_def_add_cap(def, number % 7 == 3 ? &md_cap_kind_system : &md_cap_kind_pci);
    device = md_node_device_new(def, 0);
    device->active = number % 5 != 0;
    devices = g_list_append(devices, device);
    generation++;
}


static void
remove_devices(void)
{
    g_list_free_full(g_steal_pointer(&devices), (GDestroyNotify)md_node_device_unref);
    generation++;
}


static GPtrArray *
filter_devices(guint flags, guint max)
{
    GPtrArray *names = g_ptr_array_new();

    for (GList *link = devices; link != NULL && names->len < max; link = link->next) {
        const MdNodeDevice *device = link->data;

        if (md_list_flags_match(md_list_flags_get(device), flags))
            g_ptr_array_add(names, device->def->name);
    }
    return names;
}


static void
assert_encoded(MdDeviceList *list, guint flags, guint max)
{
    const md_header header = { 0 };
    const MdDeviceNames selected = md_device_list_select(list, flags, max);
    g_autoptr(GPtrArray) names = filter_devices(flags, max);
    const md_names_ret ret = { { names->len, (md_text *)names->pdata } };
    const md_list_all_ret all_ret = { { names->len, (md_text *)names->pdata }, names->len };
    g_autoptr(GBytes) frame = md_message_encode(&header, MD_DEVICE_NAMES, &selected, NULL);
    g_autoptr(GBytes) all = md_message_encode(&header, MD_DEVICE_NAMES_AND_COUNT, &selected, NULL);
    g_autoptr(GBytes) right = md_message_encode(&header, MD_XDR(md_names_ret), &ret, NULL);
    g_autoptr(GBytes) all_right =
        md_message_encode(&header, MD_XDR(md_list_all_ret), &all_ret, NULL);

    g_assert_cmpuint(selected.count, ==, names->len);
    g_assert_true(g_bytes_equal(frame, right));
    g_assert_true(g_bytes_equal(all, all_right));
}


static void
assert_all_encoded(MdDeviceList *list)
{
    static const guint flags[] = {
        0,
        VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV,
        VIR_CONNECT_LIST_NODE_DEVICES_CAP_SYSTEM,
        VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV | VIR_CONNECT_LIST_NODE_DEVICES_CAP_SYSTEM,
        VIR_CONNECT_LIST_NODE_DEVICES_CAP_NET,
        1U << 28, /* persistent */
        1U << 29, /* transient */
        1U << 30, /* inactive */
        1U << 31, /* active */
        3U << 30 | VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV,
        1U << 30 | VIR_CONNECT_LIST_NODE_DEVICES_CAP_SYSTEM,
    };
    static const guint most[] = { 0, 1, 2, 3, N_DEVICES - 1, N_DEVICES, G_MAXUINT };

    for (gsize i = 0; i < G_N_ELEMENTS(flags); i++) {
        for (gsize j = 0; j < G_N_ELEMENTS(most); j++)
            assert_encoded(list, flags[i], most[j]);
    }
}


static void
test_encoded(void)
{
    g_autoptr(MdDeviceList) list = md_device_list_new(NULL);

    assert_all_encoded(list);
    for (guint i = 0; i < N_DEVICES; i++)
        add_device(i);
    assert_all_encoded(list);
    remove_devices();
    assert_all_encoded(list);
}


/* As long as no device changes, the list is not encoded again. */
static void
test_kept(void)
{
    g_autoptr(MdDeviceList) list = md_device_list_new(NULL);

    add_device(0);
    g_assert_cmpuint(md_device_list_select(list, 0, G_MAXUINT).count, ==, 1);
    add_device(1);
    generation--;
    g_assert_cmpuint(md_device_list_select(list, 0, G_MAXUINT).count, ==, 1);
    generation++;
    g_assert_cmpuint(md_device_list_select(list, 0, G_MAXUINT).count, ==, 2);
    remove_devices();
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/device-list/encoded", test_encoded);
    g_test_add_func("/device-list/kept", test_kept);
    return g_test_run();
}
