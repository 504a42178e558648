/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A vDPA device. */
#pragma once

#include "conf/capability.h"

typedef struct {
    MdCap cap;
    char *chardev; /* /dev/vhost-vdpa-0; NULL unless it is bound to vhost_vdpa */
} MdCapVdpa;
