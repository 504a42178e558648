/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "node_device/probe/net-features.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "conf/cap-net.h"
#include "node_device/probe/devlink.h"
#include "util/fd.h"
#include "util/names.h"

#define ATTR_PHYSFN           "device/physfn"
#define ATTR_DEVICE_SUBSYSTEM MD_ATTR_DEVICE "/subsystem"
#define CLASS_INFINIBAND      MD_PATH_SYSFS_CLASS "/infiniband"
#define OFFLOAD_UDP_TUNNEL    "tx-udp_tnl-segmentation"

/* More than any kernel has. */
#define OFFLOADS_MAX 1024

typedef struct {
    guint32 request; /* one of ethtool's */
    guint32 mask;    /* of the bits in its answer */
    MdNetFeature feature;
} Question;

static const Question questions[] = {
    { ETHTOOL_GRXCSUM, G_MAXUINT32, MD_NET_FEATURE_RX },
    { ETHTOOL_GTXCSUM, G_MAXUINT32, MD_NET_FEATURE_TX },
    { ETHTOOL_GSG, G_MAXUINT32, MD_NET_FEATURE_SG },
    { ETHTOOL_GTSO, G_MAXUINT32, MD_NET_FEATURE_TSO },
    { ETHTOOL_GGSO, G_MAXUINT32, MD_NET_FEATURE_GSO },
    { ETHTOOL_GGRO, G_MAXUINT32, MD_NET_FEATURE_GRO },
    { ETHTOOL_GFLAGS, ETH_FLAG_LRO, MD_NET_FEATURE_LRO },
    { ETHTOOL_GFLAGS, ETH_FLAG_RXVLAN, MD_NET_FEATURE_RX_VLAN },
    { ETHTOOL_GFLAGS, ETH_FLAG_TXVLAN, MD_NET_FEATURE_TX_VLAN },
    { ETHTOOL_GFLAGS, ETH_FLAG_NTUPLE, MD_NET_FEATURE_NTUPLE },
    { ETHTOOL_GFLAGS, ETH_FLAG_RXHASH, MD_NET_FEATURE_RX_HASH },
};


/* `request` is one of ethtool's structures, which the answer is written to. */
static gboolean
ask_ethtool(int fd, const char *interface, void *request)
{
    struct ifreq ifr = { .ifr_data = request };

    g_strlcpy(ifr.ifr_name, interface, sizeof(ifr.ifr_name));
    return ioctl(fd, SIOCETHTOOL, &ifr) == 0;
}


static guint32
ask_questions(int fd, const char *interface)
{
    guint32 features = 0;

    for (guint i = 0; i < G_N_ELEMENTS(questions); i++) {
        struct ethtool_value value = { .cmd = questions[i].request };

        if (ask_ethtool(fd, interface, &value) && (value.data & questions[i].mask) != 0)
            features |= 1U << questions[i].feature;
    }
    return features;
}


/* How many offloads this kernel knows; each has a number and a name. */
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


/* The number of an offload, which differs between kernels; `n` if there is none of that name. The
 * kernel writes all `n` names, whatever room it is told of. */
static guint
find_offload(int fd, const char *interface, const char *name, guint n)
{
    g_autofree struct ethtool_gstrings *names =
        g_malloc0(sizeof(struct ethtool_gstrings) + (gsize)n * ETH_GSTRING_LEN);

    names->cmd = ETHTOOL_GSTRINGS;
    names->string_set = ETH_SS_FEATURES;
    names->len = n;
    if (!ask_ethtool(fd, interface, names))
        return n;

    for (guint i = 0; i < n; i++) {
        if (strncmp((const char *)names->data + i * ETH_GSTRING_LEN, name, ETH_GSTRING_LEN) == 0)
            return i;
    }
    return n;
}


static gboolean
has_offload(int fd, const char *interface, const char *name)
{
    guint n = count_offloads(fd, interface);
    guint number = find_offload(fd, interface, name, n);
    guint n_blocks = n / 32 + 1;
    g_autofree struct ethtool_gfeatures *offloads = g_malloc0(
        sizeof(struct ethtool_gfeatures) + n_blocks * sizeof(struct ethtool_get_features_block));

    if (number == n)
        return FALSE;
    offloads->cmd = ETHTOOL_GFEATURES;
    offloads->size = n_blocks;
    return ask_ethtool(fd, interface, offloads) &&
           (offloads->features[number / 32].active & (1U << number % 32)) != 0;
}


/* Whether there is an RDMA device on the same hardware. */
static gboolean
has_rdma(MdSysfsDir *dir)
{
    guint64 hardware = md_sysfs_dir_find_inode(dir, MD_ATTR_DEVICE);
    g_autoptr(MdSysfsDir) class = hardware != 0 ? md_sysfs_dir_open(CLASS_INFINIBAND, NULL) : NULL;
    g_autoptr(GPtrArray) names = class != NULL ? md_sysfs_dir_list(class, ".") : NULL;

    for (guint i = 0; names != NULL && i < names->len; i++) {
        g_autofree char *other =
            g_build_filename(g_ptr_array_index(names, i), MD_ATTR_DEVICE, NULL);

        if (md_sysfs_dir_find_inode(class, other) == hardware)
            return TRUE;
    }
    return FALSE;
}


/* The switch is that of the physical function. */
static gboolean
has_switch(MdSysfsDir *dir)
{
    g_autofree char *bus = md_sysfs_dir_read_link(dir, ATTR_DEVICE_SUBSYSTEM);
    g_autofree char *physical = md_sysfs_dir_read_link(dir, ATTR_PHYSFN);
    g_autofree char *device =
        physical != NULL ? g_steal_pointer(&physical) : md_sysfs_dir_read_link(dir, MD_ATTR_DEVICE);

    return bus != NULL && device != NULL && md_devlink_is_switchdev(bus, device);
}


guint32
md_net_features_read(const char *interface, MdSysfsDir *dir)
{
    /* Of whatever family: the request is for none. */
    g_auto(MdFd) fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    guint32 features = 0;

    if (fd >= 0 && strlen(interface) < IFNAMSIZ) {
        features |= ask_questions(fd, interface);
        if (has_offload(fd, interface, OFFLOAD_UDP_TUNNEL))
            features |= 1U << MD_NET_FEATURE_TX_UDP_TUNNEL;
    }
    if (has_rdma(dir))
        features |= 1U << MD_NET_FEATURE_RDMA;
    if (has_switch(dir))
        features |= 1U << MD_NET_FEATURE_SWITCHDEV;
    return features;
}
