/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Virtual host adapters of Fibre Channel (NPIV), see MdBackend, and what else is asked of adapters
 * by their names. */
#pragma once

#include "backend/backend.h"

extern const MdBackend md_backend_vhba;

/* The adapter of these world-wide names, in any notation; NULL and VIR_ERR_NO_NODE_DEVICE if there
 * is none. */
MdNodeDevice *
md_vhba_look_up(MdRegistry *registry, const char *wwnn, const char *wwpn, GError **error);
