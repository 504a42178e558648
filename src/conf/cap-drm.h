/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A node of a graphics driver. */
#pragma once

#include "conf/capability.h"

/* In the order of the kernel's minor numbers, 64 per type. */
typedef enum {
    MD_DRM_PRIMARY,
    MD_DRM_CONTROL,
    MD_DRM_RENDER,
    MD_DRM_N_TYPES,
} MdDrmType;

typedef struct {
    MdCap cap;
    MdDrmType type;
} MdCapDrm;
