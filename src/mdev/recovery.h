/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Removes mediated devices whose creation a previous daemon did not finish (see unfinished.h): no
 * client was told of their creation, and they lack attributes. If such a device is in use or has
 * another type, it belongs to another program by now, and is kept. */
#pragma once

#include "backend/backend.h"

/* The removal of a device has ended; its parent has this address. */
typedef void (*MdRecoveryFunc)(const char *address, gpointer data);

/* Begins with the devices that are registered; a device whose sysfs directory is incomplete follows
 * when it is registered. `context` must outlive the object. `func` is called later, for each
 * device. */
MdRecovery *md_recovery_new(const MdDriverContext *context, MdRecoveryFunc func, gpointer data);
void md_recovery_free(MdRecovery *self);

/* Whether the device with this UUID is to be removed, or is being removed. FALSE if `self` is
 * NULL. */
gboolean md_recovery_will_remove(MdRecovery *self, const char *uuid);

/* Whether any device is to be removed, or is being removed. */
gboolean md_recovery_is_busy(MdRecovery *self);
