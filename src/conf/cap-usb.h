/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An interface of a USB device, to which a driver binds. */
#pragma once

#include "conf/capability.h"

typedef struct {
    MdCap cap;
    guint number;
    guint class_code;
    guint subclass;
    guint protocol;
    char *description; /* only in documents: libvirt never fills it in */
} MdCapUsb;
