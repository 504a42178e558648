/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The connections of libvirtd to nodedev:///system, which its own drivers open for node devices,
 * and clients of libvirtd may open too.
 */
#pragma once

#include "libvirtd/symbols.h"

/* Registers the scheme. FALSE: an error, which is the thread's last error. */
gboolean
md_connect_driver_register(const MdSymbols *symbols, const MdLibvirtNodeDeviceDriver *node_device);
