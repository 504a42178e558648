/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A SCSI host adapter. Fibre Channel adapters have world-wide names; adapters that support virtual
 * ports (NPIV) have a maximum number of these ports. Names and ports are nested capabilities with
 * kinds of their own.
 */
#pragma once

#include "conf/capability.h"

typedef struct {
    MdCap cap;
    int host;      /* -1: not given, in a document of an adapter to be created */
    int unique_id; /* -1: none */

    gboolean is_fc_host;
    char *wwnn; /* normalized by md_wwn_normalize(); NULL: not given */
    char *wwpn;
    char *fabric_wwn;

    gboolean has_vport_ops;
    guint max_vports;
    guint vports; /* in use */
} MdCapScsiHost;
