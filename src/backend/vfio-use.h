/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a VFIO device is in use, usually by a guest. */
#pragma once

#include "kernel/sysfs.h"
#include "util/roots.h"

/*
 * For a worker. TRUE if no process has the device open, neither through the node of its group nor
 * through its own node. Otherwise VIR_ERR_INTERNAL_ERROR, which names the process if it is known.
 * Also fails if it cannot be determined whether the device is in use: the kernel would block its
 * removal until the device is closed.
 */
gboolean md_vfio_use_check_free(const MdRoots *roots, MdSysfsDir *device, GError **error);
