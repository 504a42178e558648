/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an interface or its hardware can do, asked of kernel and driver. */
#pragma once

#include "kernel/sysfs.h"

/*
 * Bits 1 << MdNetFeature of an interface; `dir` is its directory in sysfs. What cannot be found out
 * is not set. May block for as long as the driver likes.
 */
guint32 md_net_features_read(const char *interface, MdSysfsDir *dir);
