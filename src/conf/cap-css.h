/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device of the s390 channel subsystem (a subchannel), with an address `cssid.ssid.devno`. */
#pragma once

#include "conf/capability.h"
#include "conf/s390.h"

typedef struct {
    MdCap cap;
    MdCcwAddress address;
    gboolean has_channel_address;
    MdCcwAddress channel_address; /* of the attached I/O device */
} MdCapCss;
