/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Virtual Fibre Channel host adapters (NPIV), see MdBackend, and look-ups of adapters by name. */
#pragma once

#include "backend/backend.h"

extern const MdBackend md_backend_vhba;

/* The adapter with these world-wide names, in any notation; NULL and VIR_ERR_NO_NODE_DEVICE if
 * there is none. */
MdNodeDevice *
md_vhba_look_up(MdRegistry *registry, const char *wwnn, const char *wwpn, GError **error);
