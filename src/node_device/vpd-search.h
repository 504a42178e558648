/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which devices have vital product data: only the cards know, and are asked when somebody first
 * wants to know, each on a worker of its own, up to 64 at once; probe/kept.h says how long the
 * answer stands. A card that does not answer within the deadline has none, nor has one that is
 * asleep and has not been asked yet, as that would wake it up.
 */
#pragma once

#include <gio/gio.h>

#include "registry/node-device.h"
#include "util/owner.h"

/* Whether a device is worth asking. */
gboolean md_vpd_search_may_find(const MdNodeDevice *device);

/* `devices` (of MdNodeDevice) are those to be asked; `deadline` is in milliseconds. */
void md_vpd_search_async(GPtrArray *devices,
                         guint deadline,
                         MdOwner *owner,
                         GAsyncReadyCallback callback,
                         gpointer user_data);

/* The names of those that have it, as a set; NULL with VIR_ERR_RESOURCE_BUSY if some could not be
 * asked because too many others are. */
GHashTable *md_vpd_search_finish(GAsyncResult *result, GError **error);
