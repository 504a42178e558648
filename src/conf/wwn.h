/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* World-wide names of Fibre Channel: 64 bits, to us always 16 hexadecimal digits in lower case. */
#pragma once

#include <glib.h>

#define MD_WWN_DIGITS 16

/* From a text of at least `min_digits` digits, with 0x or without; NULL if it is none. The kernel
 * leaves out leading zeroes. */
char *md_wwn_normalize(const char *text, guint min_digits);

/* A name as people make them up: of the range that libvirt takes. */
char *md_wwn_random(void);
