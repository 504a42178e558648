/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The outer capability of a parent that is nothing but a parent (mtty, mdpy, mbochs and other
 * virtual ones). */
#pragma once

#include "conf/capability.h"
#include "conf/mdev-type.h"

typedef struct {
    MdCap cap;
    GPtrArray *mdev_types; /* of MdMdevType; empty until read */
} MdCapMdevTypes;
