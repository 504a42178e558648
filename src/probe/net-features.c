/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "probe/net-features.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "conf/cap-net.h"
#include "probe/devlink.h"
#include "util/names.h"

#define ATTR_PHYSFN           "device/physfn"
#define ATTR_DEVICE_SUBSYSTEM MD_ATTR_DEVICE "/" MD_ATTR_SUBSYSTEM
/* The link `subsystem` leads to /sys/class/net; all classes are in the directory above. */
#define CLASS_INFINIBAND MD_ATTR_SUBSYSTEM "/../infiniband"
/* Maximum number of offloads; no kernel has that many. */
#define OFFLOADS_MAX 1024

/* The kernel's name of an offload, and the feature to which it belongs. libvirt reports a feature
 * if any of its offloads is active. */
typedef struct {
    const char *name;
    MdNetFeature feature;
} Offload;

static const Offload offloads[] = {
    { "rx-checksum", MD_NET_FEATURE_RX },
    { "tx-checksum-ipv4", MD_NET_FEATURE_TX },
    { "tx-checksum-ip-generic", MD_NET_FEATURE_TX },
    { "tx-checksum-ipv6", MD_NET_FEATURE_TX },
    { "tx-checksum-fcoe-crc", MD_NET_FEATURE_TX },
    { "tx-checksum-sctp", MD_NET_FEATURE_TX },
    { "tx-scatter-gather", MD_NET_FEATURE_SG },
    { "tx-scatter-gather-fraglist", MD_NET_FEATURE_SG },
    { "tx-tcp-segmentation", MD_NET_FEATURE_TSO },
    { "tx-tcp-ecn-segmentation", MD_NET_FEATURE_TSO },
    { "tx-tcp-mangleid-segmentation", MD_NET_FEATURE_TSO },
    { "tx-tcp6-segmentation", MD_NET_FEATURE_TSO },
    { "tx-generic-segmentation", MD_NET_FEATURE_GSO },
    { "rx-gro", MD_NET_FEATURE_GRO },
    { "rx-lro", MD_NET_FEATURE_LRO },
    { "rx-vlan-hw-parse", MD_NET_FEATURE_RX_VLAN },
    { "tx-vlan-hw-insert", MD_NET_FEATURE_TX_VLAN },
    { "rx-ntuple-filter", MD_NET_FEATURE_NTUPLE },
    { "rx-hashing", MD_NET_FEATURE_RX_HASH },
    { "tx-udp_tnl-segmentation", MD_NET_FEATURE_TX_UDP_TUNNEL },
};

/* The features, indexed by the number that the kernel gives an offload. The numbers differ between
 * kernels, but not between interfaces, so the table is read once and never dropped. */
typedef struct {
    guint n; /* number of offloads of this kernel */
    guint32 features[OFFLOADS_MAX];
} Numbers;


/* `request` is a structure of ethtool. The kernel writes the answer to it. */
static gboolean
ask_ethtool(int fd, const char *interface, void *request)
{
    struct ifreq ifr = { .ifr_data = request };

    g_strlcpy(ifr.ifr_name, interface, sizeof(ifr.ifr_name));
    return ioctl(fd, SIOCETHTOOL, &ifr) == 0;
}


/* The number of offloads of this kernel, 0 if unknown. */
static guint
count_offloads(int fd, const char *interface)
{
    g_autofree struct ethtool_sset_info *info =
        g_malloc0(sizeof(struct ethtool_sset_info) + sizeof(guint32));

    info->cmd = ETHTOOL_GSSET_INFO;
    info->sset_mask = G_GUINT64_CONSTANT(1) << ETH_SS_FEATURES;
    if (!ask_ethtool(fd, interface, info) || info->sset_mask == 0)
        return 0;
    return info->data[0] <= OFFLOADS_MAX ? info->data[0] : 0;
}


static guint32
find_feature(const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(offloads); i++) {
        if (strncmp(offloads[i].name, name, ETH_GSTRING_LEN) == 0)
            return 1U << offloads[i].feature;
    }
    return 0;
}


/* NULL if the interface no longer exists. The buffer has room for all names, because the kernel
 * writes all of them, regardless of `len`. */
static Numbers *
read_numbers(int fd, const char *interface)
{
    guint n = count_offloads(fd, interface);
    g_autofree struct ethtool_gstrings *names =
        g_malloc0(sizeof(struct ethtool_gstrings) + (gsize)n * ETH_GSTRING_LEN);
    Numbers *numbers = NULL;

    names->cmd = ETHTOOL_GSTRINGS;
    names->string_set = ETH_SS_FEATURES;
    names->len = n;
    if (n == 0 || !ask_ethtool(fd, interface, names))
        return NULL;

    numbers = g_new0(Numbers, 1);
    numbers->n = n;
    for (guint i = 0; i < n; i++)
        numbers->features[i] = find_feature((const char *)names->data + i * ETH_GSTRING_LEN);
    return numbers;
}


/* Reads the numbers from the first interface that is queried. */
static const Numbers *
get_numbers(int fd, const char *interface)
{
    static GMutex mutex;
    static Numbers *known;
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = NULL;
    Numbers *numbers = g_atomic_pointer_get(&known);

    /* The kernel may block, so the numbers are read without the lock. */
    if (numbers != NULL)
        return numbers;
    numbers = read_numbers(fd, interface);
    locker = g_mutex_locker_new(&mutex);
    if (known == NULL)
        g_atomic_pointer_set(&known, numbers);
    else
        g_free(numbers);
    return known;
}


/* Queries all offloads at once. */
static guint32
ask_offloads(int fd, const char *interface)
{
    const Numbers *numbers = get_numbers(fd, interface);
    guint n_blocks = numbers != NULL ? numbers->n / 32 + 1 : 0;
    g_autofree struct ethtool_gfeatures *answer = g_malloc0(
        sizeof(struct ethtool_gfeatures) + n_blocks * sizeof(struct ethtool_get_features_block));
    guint32 features = 0;

    answer->cmd = ETHTOOL_GFEATURES;
    answer->size = n_blocks;
    if (numbers == NULL || !ask_ethtool(fd, interface, answer))
        return 0;
    for (guint i = 0; i < numbers->n; i++) {
        if ((answer->features[i / 32].active & (1U << i % 32)) != 0)
            features |= numbers->features[i];
    }
    return features;
}


/* Whether there is an RDMA device on the same hardware. */
static gboolean
has_rdma(MdSysfsDir *dir)
{
    g_autoptr(MdSysfsDir) class = md_sysfs_dir_open_child(dir, CLASS_INFINIBAND, NULL);
    g_autoptr(GPtrArray) names = class != NULL ? md_sysfs_dir_list(class, ".") : NULL;
    guint64 hardware = names != NULL ? md_sysfs_dir_find_inode(dir, MD_ATTR_DEVICE) : 0;

    for (guint i = 0; hardware != 0 && i < names->len; i++) {
        g_autofree char *other =
            g_build_filename(g_ptr_array_index(names, i), MD_ATTR_DEVICE, NULL);

        if (md_sysfs_dir_find_inode(class, other) == hardware)
            return TRUE;
    }
    return FALSE;
}


/* Whether the hardware is connected to a switch in switchdev mode; a virtual function is connected
 * to the switch of its physical function. Like libvirt, queries PCI devices only: a kernel without
 * devlink searches for a module on each request. */
static gboolean
has_switch(MdSysfsDir *dir, const char *bus)
{
    g_autofree char *device = NULL;

    if (!g_str_equal(bus, MD_SUBSYSTEM_PCI))
        return FALSE;
    device = md_sysfs_dir_read_link(dir, ATTR_PHYSFN);
    if (device == NULL)
        device = md_sysfs_dir_read_link(dir, MD_ATTR_DEVICE);
    return device != NULL && md_devlink_is_switchdev(bus, device);
}


/* Sockets of any family accept the requests of ethtool. The socket is never closed. -1 on
 * failure. */
static int
get_socket(void)
{
    static GMutex mutex;
    static int fd = -1;
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mutex);

    if (fd < 0)
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return fd;
}


guint32
md_net_features_read(const char *interface, MdSysfsDir *dir)
{
    /* The bus of the hardware; NULL: the interface has no hardware. */
    g_autofree char *bus = md_sysfs_dir_read_link(dir, ATTR_DEVICE_SUBSYSTEM);
    int fd = get_socket();
    guint32 features = 0;

    if (fd >= 0 && strlen(interface) < IFNAMSIZ)
        features |= ask_offloads(fd, interface);
    if (bus != NULL && has_rdma(dir))
        features |= 1U << MD_NET_FEATURE_RDMA;
    if (bus != NULL && has_switch(dir, bus))
        features |= 1U << MD_NET_FEATURE_SWITCHDEV;
    return features;
}
