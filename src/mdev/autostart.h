/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starts the devices that are defined to start by themselves: once each time that their parent has
 * got its types, be that before the daemon starts or later. One that fails is tried again whenever
 * something changes about its parent. Nobody waits for any of it.
 */
#pragma once

#include "backend/backend.h"

typedef struct _MdAutostart MdAutostart;

/* Begins with what there is. `context` must outlive it. */
MdAutostart *md_autostart_new(const MdDriverContext *context);
void md_autostart_free(MdAutostart *self);

/* Tries again what waits for the parent with this address. */
void md_autostart_retry(MdAutostart *self, const char *address);

/* Whether a start is under way; others may wait behind it. */
gboolean md_autostart_is_busy(MdAutostart *self);

/* Begins no more, and calls back when what is under way has ended: a device is not left half made.
 * Once only. */
void md_autostart_stop_async(MdAutostart *self, GAsyncReadyCallback callback, gpointer user_data);
void md_autostart_stop_finish(GAsyncResult *result);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdAutostart, md_autostart_free)
