/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The character device that takes any SCSI command for a logical unit. */
#pragma once

#include "conf/capability.h"

typedef struct {
    MdCap cap;
    char *path; /* /dev/sg0 */
} MdCapScsiGeneric;
