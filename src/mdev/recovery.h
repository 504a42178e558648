/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Removes the mediated devices that a daemon before this one has begun and not finished (see
 * unfinished.h): nobody has been told of them, and they lack attributes that they were to have. A
 * device that is in use, or of another type, is somebody else's by now and stays.
 */
#pragma once

#include "backend/backend.h"

/* The removal of a device below the parent with this address has come to its end. */
typedef void (*MdRecoveryFunc)(const char *address, gpointer data);

/* Begins at once, with the devices that are registered; those whose directory is still incomplete
 * follow when they are. `context` must outlive it. `func` is called for each of them, later. */
MdRecovery *md_recovery_new(const MdDriverContext *context, MdRecoveryFunc func, gpointer data);
void md_recovery_free(MdRecovery *self);

/* Whether the device with this UUID is to go, or going. FALSE without a recovery (NULL). */
gboolean md_recovery_holds(MdRecovery *self, const char *uuid);

/* The same for any device. */
gboolean md_recovery_is_busy(MdRecovery *self);
