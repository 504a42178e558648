/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A queue of a cryptographic adapter of s390: one of its domains. */
#pragma once

#include "conf/capability.h"

typedef struct {
    MdCap cap;
    guint adapter; /* 0 to 0xff */
    guint domain;  /* 0 to 0xff */
} MdCapApQueue;

/* 04.0023, as the kernel writes it. */
gboolean md_ap_queue_parse(const char *text, guint *adapter, guint *domain);
