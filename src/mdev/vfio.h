/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a VFIO device is in use, usually by a guest. */
#pragma once

#include "kernel/sysfs.h"
#include "util/roots.h"

/*
 * For a worker. TRUE if no process has the device open, neither through its group's node nor
 * through its own. Else VIR_ERR_INTERNAL_ERROR, which names the process if known. Also fails if it
 * is unknown whether a process has the device open, because the kernel would block the removal
 * until that process closes it.
 */
gboolean md_vfio_check_free(const MdRoots *roots, MdSysfsDir *device, GError **error);
