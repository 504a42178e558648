/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A cryptographic adapter of s390. */
#pragma once

#include "conf/capability.h"

typedef struct {
    MdCap cap;
    guint adapter; /* 0 to 0xff */
} MdCapApCard;

/* Parses the kernel's form, card04. */
gboolean md_ap_card_parse(const char *text, guint *adapter);
