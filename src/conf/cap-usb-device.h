/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A USB device, hubs included. */
#pragma once

#include "conf/capability.h"

typedef struct {
    MdCap cap;
    guint bus;
    guint device;
    guint vendor_id;
    guint product_id;
    char *vendor_name;  /* from the hardware database or the device itself, or NULL */
    char *product_name; /* likewise */
} MdCapUsbDevice;
