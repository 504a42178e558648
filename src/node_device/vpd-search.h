/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finds devices with vital product data. Only the card knows whether it has any, so each card is
 * queried on first use, on a worker of its own, up to 64 cards at once; probe/kept.h says how long
 * a result is valid. A card counts as having no such data if it does not answer within the
 * deadline, or if it is suspended and has not been queried before, because a query would wake it.
 */
#pragma once

#include <gio/gio.h>

#include "registry/node-device.h"
#include "util/owner.h"

/* Whether a device may have vital product data. */
gboolean md_vpd_search_may_find(const MdNodeDevice *device);

/* `devices` (of MdNodeDevice) are to be queried; `deadline` is in milliseconds. */
void md_vpd_search_async(GPtrArray *devices,
                         guint deadline,
                         MdOwner *owner,
                         GAsyncReadyCallback callback,
                         gpointer user_data);

/* The names of devices with vital product data, as a set; NULL with VIR_ERR_RESOURCE_BUSY if too
 * many queries were waiting. */
GHashTable *md_vpd_search_finish(GAsyncResult *result, GError **error);
