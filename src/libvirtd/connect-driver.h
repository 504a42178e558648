/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Connections to nodedev:///system inside libvirtd: its own drivers open them to use node devices,
 * and its clients may open them as well.
 */
#pragma once

#include "libvirtd/symbols.h"

/* Registers the URI scheme `nodedev`. FALSE: an error, which is the thread's last error. */
gboolean
md_connect_driver_register(const MdSymbols *symbols, const MdLibvirtNodeDeviceDriver *node_device);
