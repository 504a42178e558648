/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The AP matrix of s390, parent of vfio_ap's mediated devices. */
#pragma once

#include "conf/capability.h"
#include "conf/mdev-type.h"

typedef struct {
    MdCap cap;
    GPtrArray *mdev_types; /* NULL: no parent of mediated devices */
} MdCapApMatrix;
