/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The disk below a store of definitions, which can be made to refuse or to hang: openat() in this
 * program asks it. */
#pragma once

#include <glib.h>

/* After `skip` opens of what is called `name`, `times` more fail with `errnum`. */
void store_disk_refuse(const char *name, int errnum, guint skip, guint times);

/* Opening what is called `name` waits until store_disk_release(). */
void store_disk_hang(const char *name);
void store_disk_release(void);

/* How many opens wait. */
guint store_disk_count_waiting(void);
