/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A network interface. */
#pragma once

#include "conf/capability.h"

typedef enum {
    MD_NET_STATE_NONE, /* not reported */
    MD_NET_STATE_UNKNOWN,
    MD_NET_STATE_NOT_PRESENT,
    MD_NET_STATE_DOWN,
    MD_NET_STATE_LOWER_LAYER_DOWN,
    MD_NET_STATE_TESTING,
    MD_NET_STATE_DORMANT,
    MD_NET_STATE_UP,
} MdNetState;

typedef enum {
    MD_NET_MEDIUM_NONE, /* not reported */
    MD_NET_MEDIUM_ETHERNET,
    MD_NET_MEDIUM_WLAN,
} MdNetMedium;

/* Features of an interface or its hardware; bits of MdCapNet.features. */
typedef enum {
    MD_NET_FEATURE_RX,
    MD_NET_FEATURE_TX,
    MD_NET_FEATURE_SG,
    MD_NET_FEATURE_TSO,
    MD_NET_FEATURE_UFO, /* removed in Linux 4.14 and from libvirt; only in old documents */
    MD_NET_FEATURE_GSO,
    MD_NET_FEATURE_GRO,
    MD_NET_FEATURE_LRO,
    MD_NET_FEATURE_RX_VLAN,
    MD_NET_FEATURE_TX_VLAN,
    MD_NET_FEATURE_NTUPLE,
    MD_NET_FEATURE_RX_HASH,
    MD_NET_FEATURE_RDMA,
    MD_NET_FEATURE_TX_UDP_TUNNEL,
    MD_NET_FEATURE_SWITCHDEV,
    MD_NET_FEATURE_LAST,
} MdNetFeature;

typedef struct {
    MdCap cap;
    char *interface; /* eth0 */
    char *address;   /* bytes in hexadecimal, separated by colons, or NULL */
    MdNetState state;
    guint speed;      /* Mbit/s, 0: unknown */
    guint32 features; /* 1 << MdNetFeature */
    MdNetMedium medium;
} MdCapNet;

/* Converts the name used by the kernel and libvirt; NONE for any other string. */
MdNetState md_net_state_find(const char *name);
