/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A SCSI logical unit: its address and device type. */
#pragma once

#include "conf/capability.h"

typedef struct {
    guint host;
    guint bus;
    guint target;
    guint64 lun;
} MdScsiAddress;

typedef struct {
    MdCap cap;
    MdScsiAddress address;
    char *type; /* libvirt's name of the type; NULL: none */
} MdCapScsi;

/* 0:0:0:0 */
gboolean md_scsi_address_parse(const char *text, MdScsiAddress *address);

/* libvirt's name of a SCSI device type, a static string, or NULL. */
const char *md_scsi_type_to_string(gint64 number);
