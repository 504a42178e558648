/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Removes mediated devices whose creation a previous daemon did not finish (see unfinished.h):
 * their creation was not reported to a client, and they lack attributes. A device that is in use,
 * or has another type, belongs to another program by now and is kept.
 */
#pragma once

#include "backend/backend.h"

/* The removal of a device on the parent with this address has ended. */
typedef void (*MdRecoveryFunc)(const char *address, gpointer data);

/* Begins with the registered devices; devices whose sysfs directory is incomplete follow later.
 * `context` must outlive the object. `func` is called later, for each device. */
MdRecovery *md_recovery_new(const MdDriverContext *context, MdRecoveryFunc func, gpointer data);
void md_recovery_free(MdRecovery *self);

/* Whether the device with this UUID is going to be removed. FALSE if `self` is NULL. */
gboolean md_recovery_will_remove(MdRecovery *self, const char *uuid);

/* Whether any device is going to be removed. */
gboolean md_recovery_is_busy(MdRecovery *self);
