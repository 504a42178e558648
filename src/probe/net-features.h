/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Queries the kernel and the driver for the features of an interface and its hardware. */
#pragma once

#include "kernel/sysfs.h"

/* The features of an interface as bits 1 << MdNetFeature; `dir` is its directory in sysfs. A
 * feature that cannot be determined is not set. May block indefinitely in the driver. */
guint32 md_net_features_read(const char *interface, MdSysfsDir *dir);
