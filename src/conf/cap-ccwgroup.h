/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A group of channel-attached devices of s390 that are one: the network card of qeth. */
#pragma once

#include "conf/capability.h"
#include "conf/s390.h"

/* Members that one group may have in a document; the kernel's are three at most. */
#define MD_CCWGROUP_MEMBERS_MAX 64

typedef struct {
    char *ref;    /* what the group calls it: cdev0 */
    char *device; /* its name as a node device: ccw_0_0_bd00 */
} MdCcwGroupMember;

typedef struct {
    MdCap cap;
    MdCcwAddress address;
    MdCcwState state;
    GPtrArray *members; /* of MdCcwGroupMember, in order; never NULL */
    char *card_type;    /* OSD_10GIG, or NULL */
    char *chpid;        /* channel path, two hexadecimal digits, or NULL */
} MdCapCcwGroup;

void md_ccwgroup_members_add(GPtrArray *members, const char *ref, const char *device);
