/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A group of channel-attached s390 devices that form one device, such as a qeth network card. */
#pragma once

#include "conf/capability.h"
#include "conf/s390.h"

/* Maximum number of members in a document; the kernel has at most three. */
#define MD_CCWGROUP_MEMBERS_MAX 64

/* The driver that created the group. */
typedef enum {
    MD_CCWGROUP_QETH, /* the default in documents */
    MD_CCWGROUP_QETH_LAYER2,
    MD_CCWGROUP_QETH_LAYER3,
    MD_CCWGROUP_OTHER, /* not a qeth card; libvirt has no capability for it */
} MdCcwGroupType;

typedef struct {
    char *ref;    /* name within the group: cdev0 */
    char *device; /* node device name: ccw_0_0_bd00 */
} MdCcwGroupMember;

typedef struct {
    MdCap cap;
    MdCcwAddress address;
    MdCcwState state;
    MdCcwGroupType type;
    GPtrArray *members; /* of MdCcwGroupMember, in order; never NULL */
    char *card_type;    /* qeth only: OSD_10GIG, or NULL */
    char *chpid;        /* qeth only: channel path, two hexadecimal digits, or NULL */
} MdCapCcwGroup;

/* Converts the name used by the kernel and in documents; MD_CCWGROUP_OTHER for any other name, and
 * for NULL. */
MdCcwGroupType md_ccwgroup_type_find(const char *name);

void md_ccwgroup_members_add(GPtrArray *members, const char *ref, const char *device);
