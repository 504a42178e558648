/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Queries the kernel's devlink over generic netlink. */
#pragma once

#include <glib.h>

/*
 * Whether the embedded switch of a device ("pci", "0000:03:00.0") is in switchdev mode, with a
 * representor for each port. FALSE also if unknown. May block, because the kernel asks the driver.
 */
gboolean md_devlink_is_switchdev(const char *bus, const char *device);

/*
 * The payload of an attribute in a reply, borrowed, if it has at least `size` bytes; else NULL.
 * `reply` is one whole message as received, unchecked.
 */
const void *md_devlink_find_attribute(const void *reply, gsize len, guint16 type, gsize size);
