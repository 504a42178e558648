/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a VFIO device is in use, by a guest usually. */
#pragma once

#include "kernel/sysfs.h"
#include "util/roots.h"

/*
 * For a worker. TRUE if nobody holds the device open, neither through the node of its group nor
 * through its own. Otherwise VIR_ERR_INTERNAL_ERROR, which names the holder where that can be
 * known. Also refused is a device of which it cannot be told: the kernel lets whoever removes a
 * device wait for its user.
 */
gboolean md_vfio_check_free(const MdRoots *roots, MdSysfsDir *device, GError **error);
