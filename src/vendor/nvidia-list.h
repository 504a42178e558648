/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The texts of NVIDIA's files in sysfs. */
#pragma once

#include <glib.h>

/* A list of types: lines of `number : name`, of which the name may contain further colons. Other
 * lines, such as a header, are ignored, and so are types beyond MD_MDEV_TYPES_MAX. Returns
 * MdVgpuType without properties, each number once. */
GPtrArray *md_nvidia_list_parse(const char *text);

/* The type of a function: its number, or 0. */
gboolean md_nvidia_assigned_parse(const char *text, guint32 *number);
