/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A channel-attached device of s390, such as a disk, a tape, or one of the three devices of a
 * network card. */
#pragma once

#include "conf/capability.h"
#include "conf/s390.h"

typedef struct {
    MdCap cap;
    MdCcwAddress address;
    MdCcwState state;
    char *group_device; /* name of the ccwgroup device it belongs to, or NULL */
} MdCapCcw;
