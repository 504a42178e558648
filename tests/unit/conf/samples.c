/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sysfs texts are those printed by the drivers; names and addresses are from published machines. */
#include "config.h"

#include "samples.h"

#include <libvirt/libvirt.h>

#include "conf/cap-css.h"
#include "conf/cap-mdev.h"
#include "conf/cap-pci.h"
#include "conf/cap-system.h"

#define GVTG_DESCRIPTION(low, high, fence, resolution, weight)                                     \
    "low_gm_size: " low "\nhigh_gm_size: " high "\nfence: " fence "\nresolution: " resolution      \
    "\nweight: " weight "\n"

typedef struct {
    const char *id;
    const char *name;
    guint64 available;
    const char *description;
} Type;

static const Type m60_types[] = {
    { "nvidia-11", "GRID M60-0B", 16,
      "num_heads=2, frl_config=45, framebuffer=512M, max_resolution=2560x1600, max_instance=16\n" },
    { "nvidia-12", "GRID M60-0Q", 16,
      "num_heads=2, frl_config=60, framebuffer=512M, max_resolution=2560x1600, max_instance=16\n" },
    { "nvidia-14", "GRID M60-1Q", 8,
      "num_heads=4, frl_config=60, framebuffer=1024M, max_resolution=5120x2880, max_instance=8\n" },
    { "nvidia-18", "GRID M60-8Q", 1,
      "num_heads=4, frl_config=60, framebuffer=8192M, max_resolution=5120x2880, max_instance=1\n" },
};

static const Type a40_types[] = {
    { "nvidia-555", "NVIDIA A40-1B", 1,
      "num_heads=4, frl_config=45, framebuffer=1024M, max_resolution=5120x2880, "
      "max_instance=32\n" },
    { "nvidia-558", "NVIDIA A40-2Q", 1,
      "num_heads=4, frl_config=60, framebuffer=2048M, max_resolution=7680x4320, "
      "max_instance=24\n" },
};

static const Type gvtg_types[] = {
    { "i915-GVTg_V5_4", NULL, 1, GVTG_DESCRIPTION("128MB", "512MB", "4", "1920x1200", "4") },
    { "i915-GVTg_V5_8", NULL, 2, GVTG_DESCRIPTION("64MB", "384MB", "4", "1024x768", "2") },
};

static const Type mtty_types[] = {
    { "mtty-1", "Single port serial", 24, NULL },
    { "mtty-2", "Dual port serial", 12, NULL },
};

static const Type mdpy_types[] = {
    { "mdpy-hd", "mdpy-hd", 4, "virtual display, 1920x1080 framebuffer\n" },
    { "mdpy-vga", "mdpy-vga", 4, "virtual display, 640x480 framebuffer\n" },
};

static const Type ccw_types[] = {
    { "vfio_ccw-io", "I/O subchannel (Non-QDIO)", 1, NULL },
};

static const Type ap_types[] = {
    { "vfio_ap-passthrough", "VFIO AP Passthrough Device", 65536, NULL },
};


static MdMdevType *
new_type(const Type *from, const char *api)
{
    MdMdevType *type = md_mdev_type_new(from->id);

    type->name = g_strdup(from->name);
    type->device_api = g_strdup(api);
    type->available = from->available;
    md_mdev_type_set_description(type, from->description);
    return type;
}


static GPtrArray *
new_types(const Type *from, guint n, const char *api)
{
    GPtrArray *types = g_ptr_array_new_with_free_func((GDestroyNotify)md_mdev_type_free);

    for (guint i = 0; i < n; i++)
        g_ptr_array_add(types, new_type(&from[i], api));
    return types;
}

#define TYPES(array, api) new_types(array, G_N_ELEMENTS(array), api)


MdNodeDeviceDef *
md_sample_new(const char *name, const char *path, const char *parent, const char *driver)
{
    MdNodeDeviceDef *def = md_node_device_def_new();

    def->name = g_strdup(name);
    def->path = g_strdup(path);
    def->parent = g_strdup(parent);
    def->driver = g_strdup(driver);
    return def;
}


static MdNodeDeviceDef *
build_computer(void)
{
    MdNodeDeviceDef *def = md_sample_new("computer", NULL, NULL, NULL);
    MdCapSystem *cap = md_node_device_def_add_cap(def, &md_cap_kind_system);

    cap->product = g_strdup("Standard PC (Q35 + ICH9, 2009)");
    cap->hardware_vendor = g_strdup("QEMU");
    cap->hardware_version = g_strdup("pc-q35-7.2");
    cap->hardware_uuid = g_strdup("73258fec-418b-4609-a213-a24eaab6b67e");
    cap->firmware_vendor = g_strdup("SeaBIOS");
    cap->firmware_version = g_strdup("1.16.2-debian-1.16.2-1");
    cap->firmware_release_date = g_strdup("04/01/2014");
    return def;
}


/* Firmware texts in Latin-1 with control characters, and most strings missing. */
static MdNodeDeviceDef *
build_odd_firmware(void)
{
    MdNodeDeviceDef *def = md_sample_new("computer", NULL, NULL, NULL);
    MdCapSystem *cap = md_node_device_def_add_cap(def, &md_cap_kind_system);

    cap->product = g_strdup("B\xfcro \"PC\" <1> & 'more'");
    cap->hardware_serial = g_strdup("\x01\x02S/N\x1f 42\x7f");
    cap->hardware_uuid = g_strdup("Not Settable");
    return def;
}


static MdCapPci *
add_pci(MdNodeDeviceDef *def, const char *address, guint class_code, guint vendor, guint product)
{
    MdCapPci *cap = md_node_device_def_add_cap(def, &md_cap_kind_pci);

    g_assert_true(md_pci_address_parse(address, &cap->address));
    cap->class_code = class_code;
    cap->vendor_id = vendor;
    cap->product_id = product;
    return cap;
}


static void
add_address(GArray **addresses, const char *text)
{
    MdPciAddress address;

    g_assert_true(md_pci_address_parse(text, &address));
    if (*addresses == NULL)
        *addresses = g_array_new(FALSE, FALSE, sizeof(MdPciAddress));
    g_array_append_val(*addresses, address);
}


static void
set_link(MdCapPci *cap, guint speed, guint width, guint now_speed, guint now_width)
{
    cap->is_express = TRUE;
    cap->has_link_capability = TRUE;
    cap->has_link_status = TRUE;
    cap->link_capability = (MdPciLink){ .port = 0, .speed = speed, .width = width };
    cap->link_status = (MdPciLink){ .port = -1, .speed = now_speed, .width = now_width };
}


static MdNodeDeviceDef *
build_m60(void)
{
    MdNodeDeviceDef *def =
        md_sample_new("pci_0000_86_00_0", "/sys/devices/pci0000:80/0000:80:02.0/0000:86:00.0",
                      "pci_0000_80_02_0", "nvidia");
    MdCapPci *cap = add_pci(def, "0000:86:00.0", 0x030000, 0x10de, 0x13f2);

    cap->vendor_name = g_strdup("NVIDIA Corporation");
    cap->product_name = g_strdup("GM204GL [Tesla M60]");
    def->mdev_types = TYPES(m60_types, "vfio-pci");
    cap->iommu_group = 42;
    add_address(&cap->iommu_addresses, "0000:86:00.0");
    cap->numa_node = 1;
    set_link(cap, 3, 16, 1, 16);
    return def;
}


static MdNodeDeviceDef *
build_a40_vf(void)
{
    MdNodeDeviceDef *def =
        md_sample_new("pci_0000_e8_00_4", "/sys/devices/pci0000:e0/0000:e0:03.1/0000:e8:00.4",
                      "pci_0000_e0_03_1", "nvidia");
    MdCapPci *cap = add_pci(def, "0000:e8:00.4", 0x030200, 0x10de, 0x2235);

    cap->vendor_name = g_strdup("NVIDIA Corporation");
    cap->product_name = g_strdup("GA102GL [A40]");
    cap->has_physical_function = TRUE;
    g_assert_true(md_pci_address_parse("0000:e8:00.0", &cap->physical_function));
    def->mdev_types = TYPES(a40_types, "vfio-pci");
    cap->iommu_group = 191;
    add_address(&cap->iommu_addresses, "0000:e8:00.4");
    cap->numa_node = 0;
    set_link(cap, 4, 16, 0, 0);
    return def;
}


static MdNodeDeviceDef *
build_gvtg(void)
{
    MdNodeDeviceDef *def = md_sample_new("pci_0000_00_02_0", "/sys/devices/pci0000:00/0000:00:02.0",
                                         "computer", "i915");
    MdCapPci *cap = add_pci(def, "0000:00:02.0", 0x030000, 0x8086, 0x5917);

    cap->vendor_name = g_strdup("Intel Corporation");
    cap->product_name = g_strdup("UHD Graphics 620");
    def->mdev_types = TYPES(gvtg_types, "vfio-pci");
    cap->iommu_group = 0;
    add_address(&cap->iommu_addresses, "0000:00:02.0");
    return def;
}


static MdNodeDeviceDef *
build_bridge(void)
{
    MdNodeDeviceDef *def = md_sample_new("pci_0000_00_18_0", "/sys/devices/pci0000:00/0000:00:18.0",
                                         "computer", "pcieport");
    MdCapPci *cap = add_pci(def, "0000:00:18.0", 0x060400, 0x1b36, 0x000c);

    cap->header = MD_PCI_HEADER_BRIDGE;
    cap->iommu_group = 7;
    add_address(&cap->iommu_addresses, "0000:00:18.0");
    set_link(cap, 4, 32, 4, 32);
    return def;
}


static MdNodeDeviceDef *
build_cardbus(void)
{
    MdNodeDeviceDef *def =
        md_sample_new("pci_0000_02_01_0", "/sys/devices/pci0000:00/0000:02:01.0", "computer", NULL);
    MdCapPci *cap = add_pci(def, "0000:02:01.0", 0x060700, 0x1180, 0x0476);

    cap->vendor_name = g_strdup("Ricoh Co Ltd");
    cap->product_name = g_strdup("RL5c476 II");
    cap->header = MD_PCI_HEADER_CARDBUS;
    return def;
}


static MdNodeDeviceDef *
build_sriov_pf(void)
{
    MdNodeDeviceDef *def =
        md_sample_new("pci_0000_02_00_0", "/sys/devices/pci0000:00/0000:00:19.0/0000:02:00.0",
                      "pci_0000_00_19_0", "nvidia");
    MdCapPci *cap = add_pci(def, "0000:02:00.0", 0x010802, 0x1b36, 0x0010);

    cap->has_virtual_functions = TRUE;
    cap->max_virtual_functions = 2;
    add_address(&cap->virtual_functions, "0000:02:00.1");
    add_address(&cap->virtual_functions, "0000:02:00.2");
    cap->iommu_group = 11;
    add_address(&cap->iommu_addresses, "0000:02:00.0");
    set_link(cap, 1, 1, 1, 1);
    return def;
}


/* A card whose functions have vGPUs without mdev. */
static MdNodeDeviceDef *
build_vgpu_card(void)
{
    MdNodeDeviceDef *def =
        md_sample_new("pci_0000_3d_00_0", "/sys/devices/pci0000:3a/0000:3a:00.0/0000:3d:00.0",
                      "pci_0000_3a_00_0", "nvidia");
    MdCapPci *cap = add_pci(def, "0000:3d:00.0", 0x030200, 0x10de, 0x26b9);
    MdPciVgpuType *type = NULL;

    cap->has_virtual_functions = TRUE;
    cap->max_virtual_functions = 32;
    add_address(&cap->virtual_functions, "0000:3d:00.4");
    add_address(&cap->virtual_functions, "0000:3d:00.5");
    cap->vgpus = md_pci_vgpus_new();
    cap->vgpus->n_functions = 2;
    cap->vgpus->n_free = 1;
    type = md_pci_vgpus_add(cap->vgpus, "nvidia-1155", "NVIDIA L40S-24Q");
    type->available = 1;
    type = md_pci_vgpus_add(cap->vgpus, "nvidia-1156", "NVIDIA L40S-48Q");
    type->reason = g_strdup("the card has vGPUs with a frame buffer of another size");
    md_pci_vgpus_add(cap->vgpus, "nvidia-1157", NULL);
    return def;
}


/* SR-IOV without an enabled function, and an express device without a link. */
static MdNodeDeviceDef *
build_sriov_idle(void)
{
    MdNodeDeviceDef *def =
        md_sample_new("pci_10000_01_00_0", "/sys/devices/pci10000:00/10000:01:00.0", "computer",
                      NULL);
    MdCapPci *cap = add_pci(def, "10000:01:00.0", 0x020000, 0x8086, 0x10c9);

    cap->has_virtual_functions = TRUE;
    cap->max_virtual_functions = 7;
    cap->is_express = TRUE;
    return def;
}


static MdNodeDeviceDef *
build_sriov_vf(void)
{
    MdNodeDeviceDef *def =
        md_sample_new("pci_0000_02_00_1", "/sys/devices/pci0000:00/0000:00:19.0/0000:02:00.1",
                      "pci_0000_00_19_0", "nvidia");
    MdCapPci *cap = add_pci(def, "0000:02:00.1", 0x010802, 0x1b36, 0x0010);

    cap->has_physical_function = TRUE;
    g_assert_true(md_pci_address_parse("0000:02:00.0", &cap->physical_function));
    cap->iommu_group = 12;
    add_address(&cap->iommu_addresses, "0000:02:00.1");
    set_link(cap, 1, 1, 1, 1);
    return def;
}


static MdNodeDeviceDef *
build_iommu_group(void)
{
    MdNodeDeviceDef *def = md_sample_new("pci_0000_00_1f_2", "/sys/devices/pci0000:00/0000:00:1f.2",
                                         "computer", "ahci");
    MdCapPci *cap = add_pci(def, "0000:00:1f.2", 0x010601, 0x8086, 0x2922);

    cap->iommu_group = 9;
    add_address(&cap->iommu_addresses, "0000:00:1f.2");
    add_address(&cap->iommu_addresses, "0000:00:1f.0");
    add_address(&cap->iommu_addresses, "0000:00:1f.3");
    return def;
}


static void
add_field(MdCapPci *cap, MdPciVpdSection section, const char *keyword, const char *value)
{
    g_assert_true(md_pci_vpd_set(cap->vpd, section, keyword, value));
}


/* A network card with vendor and owner fields, and all other capabilities. */
static MdNodeDeviceDef *
build_vpd(void)
{
    MdNodeDeviceDef *def = md_sample_new("pci_0000_42_00_0", "/sys/devices/pci0000:40/0000:42:00.0",
                                         "computer", "mlx5_core");
    MdCapPci *cap = add_pci(def, "0000:42:00.0", 0x020000, 0x15b3, 0x101d);

    cap->vpd = md_pci_vpd_new();
    cap->vpd->name = g_strdup("ConnectX-6 Dx EN adapter card, 100GbE");
    add_field(cap, MD_PCI_VPD_READONLY, "V2", "MCX623106AN-CDAT");
    add_field(cap, MD_PCI_VPD_READONLY, "SN", "MT2113X00000");
    add_field(cap, MD_PCI_VPD_READONLY, "PN", "MCX623106AN-CDAT");
    add_field(cap, MD_PCI_VPD_READONLY, "EC", "A6");
    add_field(cap, MD_PCI_VPD_READONLY, "MN", "");
    add_field(cap, MD_PCI_VPD_READONLY, "V0", "PCIeGen4 x16");
    add_field(cap, MD_PCI_VPD_READWRITE, "YB", "blade 2");
    add_field(cap, MD_PCI_VPD_READWRITE, "V1", "rack 4");
    add_field(cap, MD_PCI_VPD_READWRITE, "YA", "EX-7781");
    cap->has_virtual_functions = TRUE;
    cap->max_virtual_functions = 8;
    add_address(&cap->virtual_functions, "0000:42:00.2");
    cap->iommu_group = 65;
    add_address(&cap->iommu_addresses, "0000:42:00.0");
    cap->numa_node = 0;
    set_link(cap, 4, 16, 4, 8);
    return def;
}


/* Markup in the fields, an empty section, and no name. */
static MdNodeDeviceDef *
build_vpd_odd(void)
{
    MdNodeDeviceDef *def =
        md_sample_new("pci_0000_43_00_0", "/sys/devices/pci0000:40/0000:43:00.0", "computer", NULL);
    MdCapPci *cap = add_pci(def, "0000:43:00.0", 0x020000, 0x8086, 0x1572);

    cap->vpd = md_pci_vpd_new();
    md_pci_vpd_add_section(cap->vpd, MD_PCI_VPD_READONLY);
    add_field(cap, MD_PCI_VPD_READWRITE, "YA", "<a> & 'b' \"c\" {d}");
    cap->is_express = TRUE;
    cap->has_link_capability = TRUE;
    cap->link_capability = (MdPciLink){ .port = 7, .speed = 6, .width = 2 };
    return def;
}


static MdNodeDeviceDef *
build_ccw_parent(void)
{
    MdNodeDeviceDef *def =
        md_sample_new("css_0_0_0062", "/sys/devices/css0/0.0.0062", "computer", "vfio_ccw");
    MdCapCss *cap = md_node_device_def_add_cap(def, &md_cap_kind_css);

    g_assert_true(md_ccw_address_parse("0.0.0062", &cap->address));
    cap->has_channel_address = md_ccw_address_parse("0.0.9001", &cap->channel_address);
    def->mdev_types = TYPES(ccw_types, "vfio-ccw");
    return def;
}


static MdNodeDeviceDef *
build_ap_parent(void)
{
    MdNodeDeviceDef *def =
        md_sample_new("ap_matrix", "/sys/devices/vfio_ap/matrix", "computer", NULL);

    md_node_device_def_add_cap(def, &md_cap_kind_ap_matrix);
    def->mdev_types = TYPES(ap_types, "vfio-ap");
    return def;
}


static MdNodeDeviceDef *
build_ap_bare(void)
{
    MdNodeDeviceDef *def =
        md_sample_new("ap_matrix", "/sys/devices/vfio_ap/matrix", "computer", NULL);

    md_node_device_def_add_cap(def, &md_cap_kind_ap_matrix);
    return def;
}


static MdNodeDeviceDef *
new_virtual(const char *name, const char *path, GPtrArray *types)
{
    MdNodeDeviceDef *def = md_sample_new(name, path, "computer", NULL);

    md_node_device_def_add_cap(def, &md_cap_kind_mdev_types);
    def->mdev_types = types;
    return def;
}


static MdNodeDeviceDef *
build_mtty(void)
{
    return new_virtual("mtty_mtty", "/sys/devices/virtual/mtty/mtty",
                       TYPES(mtty_types, "vfio-pci"));
}


static MdNodeDeviceDef *
build_mdpy(void)
{
    return new_virtual("mdpy_mdpy", "/sys/devices/virtual/mdpy/mdpy",
                       TYPES(mdpy_types, "vfio-pci"));
}


static void
add_attr(MdCapMdev *cap, const char *name, const char *value)
{
    MdMdevAttr *attr = g_new0(MdMdevAttr, 1);

    attr->name = g_strdup(name);
    attr->value = g_strdup(value);
    g_ptr_array_add(cap->attrs, attr);
}


static MdNodeDeviceDef *
build_vgpu(void)
{
    MdNodeDeviceDef *def =
        md_sample_new("mdev_49d347be_453b_44f4_8cc4_777100927255_0000_00_08_0",
                      "/sys/devices/pci0000:00/0000:00:08.0/49d347be-453b-44f4-8cc4-777100927255",
                      "pci_0000_00_08_0", "nvidia-vgpu-vfio");
    MdCapMdev *cap = md_node_device_def_add_cap(def, &md_cap_kind_mdev);

    cap->type_id = g_strdup("nvidia-11");
    cap->uuid = g_strdup("49d347be-453b-44f4-8cc4-777100927255");
    cap->parent_addr = g_strdup("0000:00:08.0");
    cap->iommu_group = 14;
    cap->type = new_type(&m60_types[0], "vfio-pci");
    return def;
}


/* Inactive: no path, driver or group, and no data on the type. */
static MdNodeDeviceDef *
build_ap_defined(void)
{
    MdNodeDeviceDef *def =
        md_sample_new("mdev_3627463d_b7f0_4fea_b468_f1da537d301b_matrix", NULL, "ap_matrix", NULL);
    MdCapMdev *cap = md_node_device_def_add_cap(def, &md_cap_kind_mdev);

    cap->type_id = g_strdup("vfio_ap-passthrough");
    cap->uuid = g_strdup("3627463d-b7f0-4fea-b468-f1da537d301b");
    cap->parent_addr = g_strdup("matrix");
    cap->type = md_mdev_type_new(cap->type_id);
    add_attr(cap, "assign_adapter", "5");
    add_attr(cap, "assign_domain", "0x47");
    add_attr(cap, "nvidia/vgpu_params", "frame_rate_limiter=0\n");
    return def;
}


const MdSample md_samples[] = {
    { "system/computer", build_computer },
    { "system/odd-firmware", build_odd_firmware },
    { "pci/m60", build_m60 },
    { "pci/a40-vf", build_a40_vf },
    { "pci/gvtg", build_gvtg },
    { "pci/bridge", build_bridge },
    { "pci/cardbus", build_cardbus },
    { "pci/sriov-pf", build_sriov_pf },
    { "pci/sriov-idle", build_sriov_idle },
    { "pci/vgpu-card", build_vgpu_card },
    { "pci/sriov-vf", build_sriov_vf },
    { "pci/iommu-group", build_iommu_group },
    { "pci/vpd", build_vpd },
    { "pci/vpd-odd", build_vpd_odd, .beyond_libvirt = TRUE },
    { "css/vfio-ccw", build_ccw_parent },
    { "ap_matrix/vfio-ap", build_ap_parent },
    { "ap_matrix/bare", build_ap_bare },
    { "ccw/disk", md_sample_ccw_disk, .plain_since = 10005000 },
    { "ccw/member", md_sample_ccw_member, .plain_since = 11001000 },
    { "ccwgroup/qeth", md_sample_ccwgroup, .beyond_libvirt = LIBVIR_VERSION_NUMBER < 11001000 },
    { "ap_card/card", md_sample_ap_card },
    { "ap_queue/queue", md_sample_ap_queue },
    { "mdev_types/mtty", build_mtty, .beyond_libvirt = TRUE },
    { "mdev_types/mdpy", build_mdpy, .beyond_libvirt = TRUE },
    { "mdev/vgpu", build_vgpu },
    { "mdev/ap-defined", build_ap_defined },
    { "scsi_host/local", md_sample_scsi_host },
    { "scsi_host/fc", md_sample_fc_host },
    { "scsi_host/vhba", md_sample_vhba },
    { "scsi_target/local", md_sample_scsi_target },
    { "scsi_target/rport", md_sample_remote_port },
    { "scsi/disk", md_sample_scsi_disk },
    { "scsi/unknown", md_sample_scsi_unknown },
    { "scsi_generic/sg", md_sample_scsi_generic },
};

const guint md_n_samples = G_N_ELEMENTS(md_samples);
