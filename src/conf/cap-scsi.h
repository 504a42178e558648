/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A logical unit of SCSI: its address and what type of device it is. */
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
    char *type; /* in libvirt's words; NULL: it has none for it */
} MdCapScsi;

/* 0:0:0:0 */
gboolean md_scsi_address_parse(const char *text, MdScsiAddress *address);

/* libvirt's word for a number of the SCSI standard, a static string, or NULL. */
const char *md_scsi_type_to_string(gint64 number);
