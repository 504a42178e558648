/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The offloads of this machine's interfaces, read with one query, compared with the older
 * ethtool commands that libvirt uses. */
#include "config.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "conf/cap-net.h"
#include "probe/net-features.h"
#include "util/fd.h"

#define CLASS_NET "/sys/class/net"

/* Features that no single query returns. */
#define OTHERS                                                                                     \
    (1U << MD_NET_FEATURE_TX_UDP_TUNNEL | 1U << MD_NET_FEATURE_RDMA |                              \
     1U << MD_NET_FEATURE_SWITCHDEV)

typedef struct {
    guint32 request;
    guint32 mask;
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


static guint32
ask(const char *interface)
{
    g_auto(MdFd) fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    guint32 features = 0;

    for (guint i = 0; i < G_N_ELEMENTS(questions); i++) {
        struct ethtool_value value = { .cmd = questions[i].request };
        struct ifreq ifr = { .ifr_data = (char *)&value };

        g_strlcpy(ifr.ifr_name, interface, sizeof(ifr.ifr_name));
        if (ioctl(fd, SIOCETHTOOL, &ifr) == 0 && (value.data & questions[i].mask) != 0)
            features |= 1U << questions[i].feature;
    }
    return features;
}


static void
test_same_answers(void)
{
    g_autoptr(GDir) interfaces = g_dir_open(CLASS_NET, 0, NULL);
    const char *name = NULL;

    while (interfaces != NULL && (name = g_dir_read_name(interfaces)) != NULL) {
        g_autofree char *path = g_build_filename(CLASS_NET, name, NULL);
        g_autoptr(MdSysfsDir) dir = md_sysfs_dir_open(path, NULL);

        if (dir == NULL || g_file_test(path, G_FILE_TEST_IS_REGULAR))
            continue;
        g_test_message("%s", name);
        g_assert_cmphex(md_net_features_read(name, dir) & ~OTHERS, ==, ask(name));
    }
}


/* The offload numbers are cached: the second interface is queried with the cached ones. */
static void
test_none(void)
{
    g_autoptr(MdSysfsDir) dir = md_sysfs_dir_open("/", NULL);
    g_autofree char *endless = g_strnfill(IFNAMSIZ, 'x');

    g_assert_cmphex(md_net_features_read("mdnone0", dir), ==, 0);
    g_assert_cmphex(md_net_features_read(endless, dir), ==, 0);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    g_test_add_func("/net-features/none-yet", test_none);
    g_test_add_func("/net-features/same-answers", test_same_answers);
    g_test_add_func("/net-features/none", test_none);
    return g_test_run();
}
