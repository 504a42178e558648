/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A disk, or a drive with removable media. */
#pragma once

#include "conf/capability.h"

typedef struct {
    MdCap cap;
    char *block; /* /dev/sda */
    char *bus;   /* ata, usb ..., or NULL as all below */
    char *drive_type;
    char *model;
    char *vendor;
    char *serial;
    gboolean is_removable; /* a drive, and the rest is of the medium in it */
    gboolean has_media;    /* of a drive: there is one */
    char *media_label;     /* or NULL */
    gboolean is_hotpluggable;
    guint64 size;               /* bytes */
    guint64 logical_block_size; /* bytes, 0: not told */
    guint64 num_blocks;         /* of that size */
} MdCapStorage;
