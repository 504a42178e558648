/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network interfaces, disks and drives. */
#include "config.h"

#include "samples.h"

#include "conf/cap-net.h"
#include "conf/cap-storage.h"
#include "conf/cap-vdpa.h"

#define FEATURE(name) (1U << MD_NET_FEATURE_##name)


static MdCapNet *
add_net(MdNodeDeviceDef *def, const char *interface, const char *address, MdNetMedium medium)
{
    MdCapNet *cap = md_node_device_def_add_cap(def, &md_cap_kind_net);

    cap->interface = g_strdup(interface);
    cap->address = g_strdup(address);
    cap->medium = medium;
    return cap;
}


static MdNodeDeviceDef *
build_ethernet(void)
{
    MdNodeDeviceDef *def =
        md_sample_new("net_eth0_ec_f4_bb_d1_0e_18", "/sys/devices/pci0000:00/0000:00:1f.6/net/eth0",
                      "pci_0000_00_1f_6", NULL);
    MdCapNet *cap = add_net(def, "eth0", "ec:f4:bb:d1:0e:18", MD_NET_MEDIUM_ETHERNET);

    cap->state = MD_NET_STATE_UP;
    cap->speed = 1000;
    cap->features = FEATURE(RX) | FEATURE(TX) | FEATURE(SG) | FEATURE(TSO) | FEATURE(GSO) |
                    FEATURE(GRO) | FEATURE(RX_VLAN) | FEATURE(TX_VLAN) | FEATURE(RX_HASH);
    return def;
}


static MdNodeDeviceDef *
build_wlan(void)
{
    MdNodeDeviceDef *def =
        md_sample_new("net_wlan0_94_e6_f7_01_02_03",
                      "/sys/devices/pci0000:00/0000:00:14.3/net/wlan0", "pci_0000_00_14_3", NULL);

    add_net(def, "wlan0", "94:e6:f7:01:02:03", MD_NET_MEDIUM_WLAN)->state = MD_NET_STATE_DORMANT;
    return def;
}


/* All supported elements. */
static MdNodeDeviceDef *
build_all_features(void)
{
    MdNodeDeviceDef *def = md_sample_new("net_eth1_b8_59_9f_03_00_f7", NULL, "computer", NULL);
    MdCapNet *cap = add_net(def, "eth1", "b8:59:9f:03:00:f7", MD_NET_MEDIUM_ETHERNET);

    cap->state = MD_NET_STATE_LOWER_LAYER_DOWN;
    cap->features = (1U << MD_NET_FEATURE_LAST) - 1;
    return def;
}


/* A tunnel has no address. */
static MdNodeDeviceDef *
build_tunnel(void)
{
    MdNodeDeviceDef *def =
        md_sample_new("net_tun0", "/sys/devices/virtual/net/tun0", "computer", NULL);

    add_net(def, "tun0", NULL, MD_NET_MEDIUM_NONE);
    return def;
}


/* libvirt's schema supports only Ethernet addresses. */
static MdNodeDeviceDef *
build_infiniband(void)
{
    const char *address = "00:00:10:86:fe:80:00:00:00:00:00:00:b8:59:9f:03:00:f7:e1:42";
    MdNodeDeviceDef *def =
        md_sample_new("net_ib0_00_00_10_86_fe_80_00_00_00_00_00_00_b8_59_9f_03_00_f7_e1_42",
                      "/sys/devices/pci0000:00/0000:00:05.0/net/ib0", "pci_0000_00_05_0", NULL);
    MdCapNet *cap = add_net(def, "ib0", address, MD_NET_MEDIUM_ETHERNET);

    cap->state = MD_NET_STATE_UP;
    cap->speed = 100000;
    cap->features = FEATURE(RDMA);
    return def;
}


static MdCapStorage *
add_storage(MdNodeDeviceDef *def, const char *block, const char *type)
{
    MdCapStorage *cap = md_node_device_def_add_cap(def, &md_cap_kind_storage);

    def->devnode = g_strdup(block);
    cap->block = g_strdup(block);
    cap->drive_type = g_strdup(type);
    return cap;
}


static MdNodeDeviceDef *
build_nvme(void)
{
    MdNodeDeviceDef *def =
        md_sample_new("block_nvme0n1_SAMSUNG_MZVL2512HCJQ_00B00_S675NE0R508135_1",
                      "/sys/devices/pci0000:00/0000:00:1d.0/0000:02:00.0/nvme/nvme0/nvme0n1",
                      "pci_0000_02_00_0", NULL);
    MdCapStorage *cap = add_storage(def, "/dev/nvme0n1", "disk");

    cap->model = g_strdup("SAMSUNG MZVL2512HCJQ-00B00");
    cap->serial = g_strdup("SAMSUNG_MZVL2512HCJQ-00B00_S675NE0R508135_1");
    cap->size = G_GUINT64_CONSTANT(512110190592);
    cap->logical_block_size = 512;
    cap->num_blocks = 1000215216;
    return def;
}


/* Unusual texts, and the largest numbers. */
static MdNodeDeviceDef *
build_odd_disk(void)
{
    MdNodeDeviceDef *def = md_sample_new("block_sdx", "/sys/devices/x", "computer", NULL);
    MdCapStorage *cap = add_storage(def, "/dev/sdx", "disk");

    cap->bus = g_strdup("usb");
    cap->model = g_strdup("\xff\xfe<Disk> & 'more'\x01");
    cap->vendor = g_strdup("B\xfcro");
    cap->serial = g_strdup("1\x1b[31m");
    cap->size = G_MAXUINT64;
    cap->logical_block_size = G_MAXUINT32;
    cap->num_blocks = G_MAXUINT64;
    cap->is_hotpluggable = TRUE;
    return def;
}


/* Without a size or blocks. */
static MdNodeDeviceDef *
build_bare_disk(void)
{
    MdNodeDeviceDef *def = md_sample_new("block_vdb", "/sys/devices/y", "computer", NULL);

    add_storage(def, "/dev/vdb", NULL);
    return def;
}


static MdNodeDeviceDef *
build_cdrom(void)
{
    MdNodeDeviceDef *def = md_sample_new("block_sr0_HL_DT_ST_DVDRAM_GH24NSC0_K8OE8BK0123",
                                         "/sys/devices/z", "scsi_2_0_0_0", NULL);
    MdCapStorage *cap = add_storage(def, "/dev/sr0", "cdrom");

    cap->bus = g_strdup("ata");
    cap->model = g_strdup("DVDRAM GH24NSC0");
    cap->vendor = g_strdup("HL-DT-ST");
    cap->serial = g_strdup("HL-DT-ST_DVDRAM_GH24NSC0_K8OE8BK0123");
    cap->is_removable = cap->has_media = TRUE;
    cap->media_label = g_strdup("Debian 12.5.0 amd64 n");
    cap->size = G_GUINT64_CONSTANT(4589887488);
    cap->logical_block_size = 2048;
    cap->num_blocks = 2241156;
    return def;
}


static MdNodeDeviceDef *
build_floppy(void)
{
    MdNodeDeviceDef *def =
        md_sample_new("block_fd0", "/sys/devices/platform/floppy.0/block/fd0", "computer", NULL);

    add_storage(def, "/dev/fd0", "floppy")->is_removable = TRUE;
    return def;
}


static MdNodeDeviceDef *
build_vhost_vdpa(void)
{
    MdNodeDeviceDef *def =
        md_sample_new("vdpa_vdpa0", "/sys/devices/vdpa0", "computer", "vhost_vdpa");
    MdCapVdpa *cap = md_node_device_def_add_cap(def, &md_cap_kind_vdpa);

    cap->chardev = g_strdup("/dev/vhost-vdpa-0");
    return def;
}


/* Bound to another driver, the device has no node, which the schema rejects. */
static MdNodeDeviceDef *
build_virtio_vdpa(void)
{
    MdNodeDeviceDef *def =
        md_sample_new("vdpa_vdpa1", "/sys/devices/vdpa1", "computer", "virtio_vdpa");

    md_node_device_def_add_cap(def, &md_cap_kind_vdpa);
    return def;
}


const MdSample md_io_samples[] = {
    { "net/ethernet", build_ethernet },
    { "net/wlan", build_wlan },
    { "net/all-features", build_all_features },
    { "net/tunnel", build_tunnel },
    { "net/infiniband", build_infiniband, .beyond_libvirt = TRUE },
    { "storage/nvme", build_nvme },
    { "storage/odd-disk", build_odd_disk },
    { "storage/bare-disk", build_bare_disk },
    { "storage/cdrom", build_cdrom },
    { "storage/floppy", build_floppy },
    { "vdpa/vhost", build_vhost_vdpa },
    { "vdpa/virtio", build_virtio_vdpa, .beyond_libvirt = TRUE },
};

const guint md_n_io_samples = G_N_ELEMENTS(md_io_samples);
