/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A SCSI host adapter. One of Fibre Channel has world-wide names, and one that can have virtual
 * ports (NPIV) below it says how many: these two are kinds of their own to lists, but stand inside
 * of this one only.
 */
#pragma once

#include "conf/capability.h"

typedef struct {
    MdCap cap;
    int host;      /* -1: not said, in a document of one that is to be made */
    int unique_id; /* -1: none */

    gboolean is_fc_host;
    char *wwnn; /* as md_wwn_normalize() has them; NULL: not said */
    char *wwpn;
    char *fabric_wwn;

    gboolean has_vport_ops;
    guint max_vports;
    guint vports; /* in use */
} MdCapScsiHost;
