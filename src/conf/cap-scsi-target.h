/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The target at one address of a SCSI bus; with Fibre Channel, a remote port. */
#pragma once

#include "conf/capability.h"

typedef struct {
    MdCap cap;
    char *target; /* target0:0:0 */
    char *rport;  /* rport-0:0-0; NULL: not a remote port, or without a name */
    char *wwpn;   /* of the remote port, normalized by md_wwn_normalize() */
} MdCapScsiTarget;
