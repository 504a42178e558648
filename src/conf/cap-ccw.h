/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A channel-attached device of s390: a disk, a tape, one of the three of a network card. */
#pragma once

#include "conf/capability.h"
#include "conf/s390.h"

typedef struct {
    MdCap cap;
    MdCcwAddress address;
    MdCcwState state;
    char *group_device; /* name of the ccwgroup device that it is a member of, or NULL */
} MdCapCcw;
