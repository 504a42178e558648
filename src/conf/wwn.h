/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* World-wide names of Fibre Channel: 64 bits, normalized to 16 lower-case hexadecimal digits. */
#pragma once

#include <glib.h>

#define MD_WWN_DIGITS 16

/* Normalizes a text of at least `min_digits` digits, with or without 0x; NULL if invalid. The
 * kernel omits leading zeroes. */
char *md_wwn_normalize(const char *text, guint min_digits);

/* A random name from the range that libvirt uses. */
char *md_wwn_random(void);
