/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The functions that libvirtd calls for node devices; each forwards one call to the daemon. */
#pragma once

#include "libvirtd/symbols.h"

/* `symbols` must never be freed. libvirtd may call the functions after md_forward_init(). */
const MdLibvirtNodeDeviceDriver *md_node_device_driver_init(const MdSymbols *symbols);
