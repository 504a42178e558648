/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The release of libvirt that clients are told: that of the build, or a later one with all calls
 * that mediated serves. virNodeDeviceUpdate() is the newest. Clients compare versions before they
 * make a call.
 */
#pragma once

#include <glib.h>
#include <libvirt/libvirt.h>

#define MD_SERVED_VERSION MAX(LIBVIR_VERSION_NUMBER, 10001000)
