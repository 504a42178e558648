/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine itself, `computer`, from the firmware's DMI data. Any string may be NULL. */
#pragma once

#include "conf/capability.h"

typedef struct {
    MdCap cap;
    char *product;
    char *hardware_vendor;
    char *hardware_version;
    char *hardware_serial;
    char *hardware_uuid;
    char *firmware_vendor;
    char *firmware_version;
    char *firmware_release_date;
} MdCapSystem;
