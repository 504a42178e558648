/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What devices and groups of devices on the channels of s390 tell alike. */
#pragma once

#include "conf/s390.h"
#include "kernel/sysfs.h"

MdCcwState md_ccw_state_read(MdSysfsDir *dir);
