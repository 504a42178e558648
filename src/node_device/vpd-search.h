/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finds devices with vital product data. Only a card itself shows whether it has any, so each card
 * is queried on first use, on its own worker, up to 64 cards at once; probe/kept.h says how long a
 * result is valid. A card that does not answer within the deadline counts as having none. So does a
 * suspended card that has not been queried before, because a query would wake it.
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
