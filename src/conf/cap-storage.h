/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A disk, or a drive with removable media. */
#pragma once

#include "conf/capability.h"

typedef struct {
    MdCap cap;
    char *block; /* /dev/sda */
    char *bus;   /* ata, usb ...; this and the next four are NULL if unknown */
    char *drive_type;
    char *model;
    char *vendor;
    char *serial;
    gboolean is_removable; /* a drive with removable media; sizes are those of its medium */
    gboolean has_media;    /* the drive has a medium */
    char *media_label;     /* or NULL */
    gboolean is_hotpluggable;
    guint64 size;               /* bytes */
    guint64 logical_block_size; /* bytes, 0: unknown */
    guint64 num_blocks;         /* of logical_block_size */
} MdCapStorage;
