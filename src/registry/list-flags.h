/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virConnectListAllNodeDeviceFlags, in three groups: capabilities, persistent or transient, active
 * or inactive. */
#pragma once

#include "registry/node-device.h"

/* Fails with VIR_ERR_INVALID_ARG if `wanted` contains unknown flags. */
gboolean md_list_flags_check(guint wanted, GError **error);

/* All flags that apply to a device. They change only when the registry's generation changes. */
guint md_list_flags_get(const MdNodeDevice *device);

/* Whether a client that requests the flags `wanted` sees a device with the flags `own`: for each
 * group in `wanted`, the device must have at least one of the requested flags. */
gboolean md_list_flags_match(guint own, guint wanted);
