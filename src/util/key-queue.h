/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Serializes multi-step operations per key, FIFO. */
#pragma once

#include <glib.h>

typedef struct _MdKeyQueue MdKeyQueue;

typedef void (*MdKeyQueueFunc)(gpointer data);

MdKeyQueue *md_key_queue_new(void);
/* The functions of operations that are still waiting are not called. */
void md_key_queue_free(MdKeyQueue *self);

/* Acquires `key` as soon as it is free, possibly at once, and calls `func`. The caller
 * must release the key with md_key_queue_release(). */
void md_key_queue_acquire(MdKeyQueue *self, const char *key, MdKeyQueueFunc func, gpointer data);

/* Releases the key and starts the next waiting operation. */
void md_key_queue_release(MdKeyQueue *self, const char *key);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdKeyQueue, md_key_queue_free)
