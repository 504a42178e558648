/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a VFIO device is in use, usually by a guest. */
#pragma once

#include "kernel/sysfs.h"
#include "util/roots.h"

/*
 * For a worker. TRUE if no process has the device open, neither through its group's node nor
 * through its own. Else VIR_ERR_INTERNAL_ERROR, which names the user if known. Also fails if the
 * use is unknown, because the kernel would let the remover wait for the device's user.
 */
gboolean md_vfio_check_free(const MdRoots *roots, MdSysfsDir *device, GError **error);
