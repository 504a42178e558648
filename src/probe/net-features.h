/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Queries the kernel and the driver for the features of an interface and its hardware. */
#pragma once

#include "kernel/sysfs.h"

/*
 * Bits 1 << MdNetFeature of an interface; `dir` is its directory in sysfs. Unknown features are not
 * set. May block indefinitely in the driver.
 */
guint32 md_net_features_read(const char *interface, MdSysfsDir *dir);
