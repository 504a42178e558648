/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Common parts of channel-attached s390 devices and their groups. */
#pragma once

#include "conf/s390.h"
#include "kernel/sysfs.h"

MdCcwState md_ccw_state_read(MdSysfsDir *dir);
