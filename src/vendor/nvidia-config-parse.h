/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The content of NVIDIA's table as it is in the file. */
#pragma once

#include "vendor/nvidia-config.h"

/* A number that the file lacks. */
#define MD_NVIDIA_UNKNOWN G_MAXUINT64

/* A type of any card. Its numbers may be MD_NVIDIA_UNKNOWN. */
typedef struct {
    guint32 number;
    char *name;
    guint64 size; /* of the frame buffer, as in the name of the type, in bytes */
    guint64 heads;
    guint64 frame_limit;
    guint64 width;
    guint64 height;
} MdNvidiaType;

/* A type of one board. */
typedef struct {
    guint32 number;
    guint max_instances; /* 0: unknown */
} MdNvidiaBoardType;

/* The cards with these ids. */
typedef struct {
    GArray *ids;   /* of MdNvidiaIds */
    GArray *types; /* of MdNvidiaBoardType, each number once */

    /* Of MdVgpuType, made for the first card; NULL: not yet. Protected by a mutex. */
    GPtrArray *made;
} MdNvidiaBoard;

struct _MdNvidiaConfig {
    GHashTable *types; /* number -> MdNvidiaType */
    GPtrArray *boards; /* of MdNvidiaBoard */
};
