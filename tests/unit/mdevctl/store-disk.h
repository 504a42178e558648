/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The disk of a store of definitions, which can refuse or hang: openat() in this program calls
 * these functions. */
#pragma once

#include <glib.h>

/* After `skip` opens of the file `name`, `times` further opens fail with `errnum`. */
void store_disk_refuse(const char *name, int errnum, guint skip, guint times);

/* Opens of the file `name` block until store_disk_release(). */
void store_disk_hang(const char *name);
void store_disk_release(void);

/* The number of blocked opens. */
guint store_disk_count_waiting(void);
