/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The character device of a SCSI logical unit, through which any SCSI command can be sent. */
#pragma once

#include "conf/capability.h"

typedef struct {
    MdCap cap;
    char *path; /* /dev/sg0 */
} MdCapScsiGeneric;
