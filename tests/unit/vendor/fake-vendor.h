/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A second vendor, the only one of the programs that include this. Its driver has no file for a
 * function: the handle of a card holds the supported types, and each call names the function by its
 * address, as with the kernel's fwctl.
 */
#pragma once

#include "vendor/vendors.h"

/* The link or directory that a card has. */
#define FAKE_FIRMWARE "fwctl"

#define FAKE_PARAMETER "profile"

/* Forgets what was assigned, and clears the counters below. */
void fake_vendor_reset(void);

/* The errno of all further calls; 0: none. */
void fake_vendor_fail(int errnum);

/* Number of calls since the reset. */
guint fake_vendor_count_lists(void);
guint fake_vendor_count_open(void); /* handles that are not closed */
