/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Queries the kernel's devlink over generic netlink. */
#pragma once

#include <glib.h>

/* Whether the embedded switch of a device ("pci", "0000:03:00.0") is in switchdev mode, with a
 * representor for each port. FALSE also if the mode is unknown. May block, because the kernel
 * queries the driver. */
gboolean md_devlink_is_switchdev(const char *bus, const char *device);

/* Finds an attribute in a reply and returns its payload, borrowed; NULL if the attribute is missing
 * or shorter than `size` bytes. `reply` is one whole message as received, unchecked. */
const void *md_devlink_find_attribute(const void *reply, gsize len, guint16 type, gsize size);
