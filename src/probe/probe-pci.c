/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PCI functions. Ids are read once; all properties that drivers or administrators may change are
 * read for each document. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "conf/cap-pci.h"
#include "conf/xml-reader.h"
#include "probe/mdev-types.h"
#include "probe/pci-config.h"
#include "probe/pci-link.h"
#include "probe/pci-names.h"
#include "probe/pci-vpd.h"
#include "probe/probe.h"
#include "probe/vgpu-summary.h"
#include "probe/vgpu-types.h"
#include "util/names.h"
#include "vendor/vendor.h"

#define ATTR_CLASS          "class"
#define ATTR_VENDOR         "vendor"
#define ATTR_DEVICE         "device"
#define ATTR_CONFIG         "config"
#define ATTR_NUMA_NODE      "numa_node"
#define ATTR_TOTAL_VFS      "sriov_totalvfs"
#define ATTR_RUNTIME_STATUS "power/runtime_status"
#define PROPERTY_CLASS      "PCI_CLASS"
#define ATTR_GROUP_DEVICES  MD_ATTR_IOMMU_GROUP "/devices"

/* Class and subclass. In a class code, the programming interface follows in the lowest bits. */
#define CLASS_BRIDGE_PCI     0x0604
#define CLASS_BRIDGE_CARDBUS 0x0607
#define CLASS_INTERFACE_BITS 8

/* SR-IOV numbers virtual functions with 16 bits. */
#define VIRTUAL_FUNCTIONS_MAX 65535


/* -1 if unknown. */
static gint64
read_class(MdUdevDevice *device, MdSysfsDir *dir)
{
    const char *property = md_udev_device_get_property(device, PROPERTY_CLASS);
    gint64 number = 0;
    guint64 code = 0;

    if (md_sysfs_dir_read_int(dir, ATTR_CLASS, &number))
        return number;
    if (property == NULL || !g_ascii_string_to_unsigned(property, 16, 0, G_MAXUINT, &code, NULL))
        return -1;
    return (gint64)code;
}


static gboolean
probe(MdUdevDevice *device, MdSysfsDir *dir, MdNodeDeviceDef *def)
{
    const char *name = md_udev_device_get_name(device);
    MdCapPci *cap = NULL;
    MdPciAddress address;
    gint64 number = 0;

    if (!md_pci_address_parse(name, &address))
        return FALSE;

    cap = md_node_device_def_add_cap(def, &md_cap_kind_pci);
    cap->address = address;
    cap->class_code = read_class(device, dir);
    cap->vendor_id = md_sysfs_dir_read_int(dir, ATTR_VENDOR, &number) ? (guint)number : 0;
    cap->product_id = md_sysfs_dir_read_int(dir, ATTR_DEVICE, &number) ? (guint)number : 0;
    def->mdev_types = md_mdev_types_probe(dir);
    if (def->mdev_types == NULL && md_vendor_find_driver(def->driver) != NULL) {
        def->mdev_types = md_vgpu_types_probe(dir);
        def->is_assignable = def->mdev_types != NULL;
    }
    cap->may_have_vpd = md_sysfs_dir_has(dir, MD_ATTR_VPD);
    def->name = md_node_device_make_name("pci", name, NULL);
    return TRUE;
}


static void
read_physical_function(MdCapPci *cap, MdSysfsDir *dir)
{
    g_autofree char *name = md_sysfs_dir_read_link(dir, MD_ATTR_PHYSFN);

    cap->has_physical_function = name != NULL &&
                                 md_sysfs_dir_find_inode(dir, MD_ATTR_PHYSFN) != 0 &&
                                 md_pci_address_parse(name, &cap->physical_function);
}


static int
compare_numbers(gconstpointer a, gconstpointer b)
{
    return atoi(*(const char *const *)a) - atoi(*(const char *const *)b);
}


/* The numbers of the links to virtual functions. The number of enabled functions is not read from
 * its attribute, because the kernel would take a lock that drivers hold while they enable
 * functions. */
static GPtrArray *
list_links(MdSysfsDir *dir)
{
    g_autoptr(GPtrArray) names = md_sysfs_dir_list(dir, ".");
    GPtrArray *numbers = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        guint number = 0;

        if (g_str_has_prefix(name, MD_LINK_VIRTFN) &&
            md_xml_parse_uint(name + strlen(MD_LINK_VIRTFN), 10, VIRTUAL_FUNCTIONS_MAX, &number))
            g_ptr_array_add(numbers, g_strdup(name + strlen(MD_LINK_VIRTFN)));
    }
    g_ptr_array_sort(numbers, compare_numbers);
    return numbers;
}


static GArray *
read_virtual_functions(MdSysfsDir *dir)
{
    GArray *functions = g_array_new(FALSE, FALSE, sizeof(MdPciAddress));
    g_autoptr(GPtrArray) numbers = list_links(dir);

    for (guint i = 0; i < numbers->len; i++) {
        g_autofree char *link =
            g_strconcat(MD_LINK_VIRTFN, (char *)g_ptr_array_index(numbers, i), NULL);
        g_autofree char *name = md_sysfs_dir_read_link(dir, link);
        MdPciAddress address;

        if (name != NULL && md_pci_address_parse(name, &address))
            g_array_append_val(functions, address);
    }
    return functions;
}


/* Two lookups suffice for a function without virtual functions, as most are. Both lookups are
 * needed, because some functions have virtual functions but do not report their maximum number. */
static void
read_sriov(MdCapPci *cap, MdSysfsDir *dir)
{
    gint64 total = 0;
    gboolean has_total = md_sysfs_dir_read_int(dir, ATTR_TOTAL_VFS, &total);

    read_physical_function(cap, dir);
    g_clear_pointer(&cap->virtual_functions, g_array_unref);
    if (has_total || md_sysfs_dir_has(dir, MD_LINK_VIRTFN "0"))
        cap->virtual_functions = read_virtual_functions(dir);
    cap->max_virtual_functions = total > 0 ? (guint)total : 0;
    cap->has_virtual_functions =
        cap->max_virtual_functions > 0 ||
        (cap->virtual_functions != NULL && cap->virtual_functions->len > 0);
}


static void
read_iommu_group(MdCapPci *cap, MdSysfsDir *dir)
{
    g_autoptr(GPtrArray) members = NULL;

    cap->iommu_group = md_sysfs_dir_read_iommu_group(dir);
    g_clear_pointer(&cap->iommu_addresses, g_array_unref);
    if (cap->iommu_group < 0)
        return;

    cap->iommu_addresses = g_array_new(FALSE, FALSE, sizeof(MdPciAddress));
    members = md_sysfs_dir_list(dir, ATTR_GROUP_DEVICES);
    for (guint i = 0; i < members->len; i++) {
        MdPciAddress address;

        if (md_pci_address_parse(g_ptr_array_index(members, i), &address))
            g_array_append_val(cap->iommu_addresses, address);
    }
}


/* Whether the function is suspended: reading its configuration space or vital product data would
 * wake it up. */
static gboolean
is_asleep(MdSysfsDir *dir)
{
    static const char *const asleep[] = { "suspending", "suspended", "resuming", NULL };
    g_autofree char *status = md_sysfs_dir_read(dir, ATTR_RUNTIME_STATUS, NULL);

    return status != NULL && g_strv_contains(asleep, status);
}


/* Sets the properties that can be determined without waking up a suspended function. */
static void
guess_header(MdCapPci *cap, MdSysfsDir *dir)
{
    gint64 class = cap->class_code >> CLASS_INTERFACE_BITS;

    if (class == CLASS_BRIDGE_PCI)
        cap->header = MD_PCI_HEADER_BRIDGE;
    else if (class == CLASS_BRIDGE_CARDBUS)
        cap->header = MD_PCI_HEADER_CARDBUS;
    cap->is_express =
        md_pci_link_exists(dir) || md_sysfs_dir_get_size(dir, ATTR_CONFIG) > MD_PCI_CONFIG_SIZE;
}


/* FALSE if the function did not answer. */
static gboolean
read_config(MdCapPci *cap, MdSysfsDir *dir)
{
    g_autoptr(GBytes) config = md_sysfs_dir_read_bytes(dir, ATTR_CONFIG, MD_PCI_CONFIG_SIZE, NULL);
    gsize whole = md_sysfs_dir_get_size(dir, ATTR_CONFIG);

    if (config == NULL)
        return FALSE;
    md_pci_config_parse(g_bytes_get_data(config, NULL), g_bytes_get_size(config), whole, cap);
    if (g_bytes_get_size(config) == MD_PCI_CONFIG_HEADER_SIZE && whole > MD_PCI_CONFIG_HEADER_SIZE)
        md_pci_link_read(dir, cap);
    return md_pci_config_is_answer(g_bytes_get_data(config, NULL), g_bytes_get_size(config));
}


/* Reads the hardware database, whose disk may hang. */
static gboolean
read_names(MdCapPci *cap, gboolean may_block, GError **error)
{
    g_free(cap->vendor_name);
    g_free(cap->product_name);
    return md_pci_names_find(cap->vendor_id, cap->product_id, may_block, &cap->vendor_name,
                             &cap->product_name) ||
           md_probe_check_may_block(FALSE, error);
}


static gboolean
read_once(
    MdNodeDeviceDef *def, MdSysfsDir *dir, gboolean may_block, gboolean *lasting, GError **error)
{
    MdCapPci *cap = md_node_device_def_get_cap(def, &md_cap_kind_pci);

    if (!read_names(cap, may_block, error))
        return FALSE;
    if (is_asleep(dir)) {
        guess_header(cap, dir);
        *lasting = FALSE;
        return TRUE;
    }
    if (!md_probe_check_may_block(may_block, error))
        return FALSE;
    *lasting = read_config(cap, dir);
    if (cap->may_have_vpd && !md_pci_vpd_read(dir, &cap->vpd))
        *lasting = FALSE;
    return TRUE;
}


/* Leaves out the link status of a suspended function, whose link is suspended too. */
static void
read_link_status(MdCapPci *cap, MdSysfsDir *dir)
{
    if (!cap->has_link_status)
        return;
    if (is_asleep(dir))
        cap->has_link_status = FALSE;
    else
        md_pci_link_read_status(dir, cap);
}


/* Whether a vendor's driver assigns vGPUs to the functions of this card. */
static gboolean
may_have_vgpus(const MdNodeDeviceDef *def, const MdCapPci *cap)
{
    return cap->virtual_functions != NULL && cap->virtual_functions->len > 0 &&
           md_vendor_find_driver(def->driver) != NULL;
}


static gboolean
refresh(MdNodeDeviceDef *def, MdSysfsDir *dir)
{
    MdCapPci *cap = md_node_device_def_get_cap(def, &md_cap_kind_pci);
    gint64 number = 0;

    cap->numa_node = md_sysfs_dir_read_int(dir, ATTR_NUMA_NODE, &number) ? (int)number : -1;
    read_link_status(cap, dir);
    read_sriov(cap, dir);
    read_iommu_group(cap, dir);
    g_clear_pointer(&cap->vgpus, md_pci_vgpus_unref);
    return !may_have_vgpus(def, cap);
}


static gboolean
query_driver(MdNodeDeviceDef *def, MdSysfsDir *dir, GError **error G_GNUC_UNUSED)
{
    MdCapPci *cap = md_node_device_def_get_cap(def, &md_cap_kind_pci);

    cap->vgpus = md_vgpu_summary_read(dir);
    return TRUE;
}


const MdProbe md_probe_pci = {
    .kind = &md_cap_kind_pci,
    .subsystem = MD_SUBSYSTEM_PCI,
    .probe = probe,
    .read_once = read_once,
    .refresh = refresh,
    .query_driver = query_driver,
};
