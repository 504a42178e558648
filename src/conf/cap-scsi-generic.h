/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The character device of a logical unit that accepts any SCSI command. */
#pragma once

#include "conf/capability.h"

typedef struct {
    MdCap cap;
    char *path; /* /dev/sg0 */
} MdCapScsiGeneric;
