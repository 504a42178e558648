/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A queue of an s390 cryptographic adapter: one domain of the adapter. */
#pragma once

#include "conf/capability.h"

typedef struct {
    MdCap cap;
    guint adapter; /* 0 to 0xff */
    guint domain;  /* 0 to 0xff */
} MdCapApQueue;

/* Parses the kernel's form, 04.0023. */
gboolean md_ap_queue_parse(const char *text, guint *adapter, guint *domain);
