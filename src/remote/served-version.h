/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The version of libvirt reported to clients, which compare versions before they make a call: that
 * of the build, but at least the first release with all calls that mediated serves. The newest of
 * these calls is virNodeDeviceUpdate().
 */
#pragma once

#include <glib.h>
#include <libvirt/libvirt.h>

#define MD_SERVED_VERSION MAX(LIBVIR_VERSION_NUMBER, 10001000)
