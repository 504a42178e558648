/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Starts the devices whose definitions have autostart. They are started once when the daemon
 * starts, if their parent has types, and once whenever the parent gains types later. A failed start
 * is retried whenever the parent changes. Calls of clients do not wait for autostart. */
#pragma once

#include "backend/backend.h"

typedef struct _MdAutostart MdAutostart;

/* Begins with the existing devices. `context` must outlive the object. */
MdAutostart *md_autostart_new(const MdDriverContext *context);
void md_autostart_free(MdAutostart *self);

/* Retries failed starts on the parent with this address. */
void md_autostart_retry(MdAutostart *self, const char *address);

/* Whether a start is running; others may be queued. */
gboolean md_autostart_is_busy(MdAutostart *self);

/* Begins no further starts, and calls back when the running ones have ended, so that no device
 * remains half-created. To be called once only. */
void md_autostart_stop_async(MdAutostart *self, GAsyncReadyCallback callback, gpointer user_data);
void md_autostart_stop_finish(GAsyncResult *result);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdAutostart, md_autostart_free)
