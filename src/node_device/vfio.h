/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who has a VFIO device open: a guest, usually. */
#pragma once

#include "util/sysfs.h"

/*
 * For a worker. Whether a user holds the device open, through the node of its group or its own
 * character device. `holder`: set to "process 1234 (qemu-system-x86)" where that can be known, else
 * to NULL.
 */
gboolean md_vfio_is_in_use(MdSysfsDir *device, char **holder);
