/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel's devlink knows of a device, asked over generic netlink. */
#pragma once

#include <glib.h>

/*
 * Whether the switch that is embedded in a device ("pci", "0000:03:00.0") is managed as one, with a
 * representor for each port. FALSE as well if it cannot be told. May block, as the driver is asked.
 */
gboolean md_devlink_is_switchdev(const char *bus, const char *device);

/*
 * The payload of an attribute of a reply, borrowed, if it has `size` bytes at least; else NULL.
 * `reply` is one whole message, as received and as yet trusted in nothing.
 */
const void *md_devlink_find_attribute(const void *reply, gsize len, guint16 type, gsize size);
