/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One change of a mediated device or its definition; mdev-config.c has the kinds of changes.
 * Changes of one device are serialized: each reads the device when its turn has come, asks
 * mdevctl's scripts, if any, writes, and notifies the scripts.
 */
#pragma once

#include "backend/command.h"
#include "mdev/mdev-write.h"

typedef struct MdMdevChange MdMdevChange;

struct MdMdevChange {
    MdCommand command; /* its name is the device's */
    const char *doing; /* for messages */

    /* The request. */
    gboolean (*plan)(MdMdevChange *change, GError **error);
    MdDefinition *wanted; /* of a definition: all but whether to start it */
    MdMdevWrite *write; /* finds the type of `wanted`, or sets the attributes of an active device */
    gboolean type_known; /* `wanted` has the full id of a type */
    gboolean autostart;
    guint what;
    gboolean guarded; /* of a definition: must not affect more than existed when the call began */
    gboolean was_there;
    gboolean was_defined;

    /* The plan. */
    MdCalloutAction action;
    MdDefinition *definition; /* to be written, or removed; NULL: the disk stays as it is */
};

/* A change of the device called `name`; `doing` and `plan` are static. plan() runs when its turn
 * has come. */
MdMdevChange *md_mdev_change_new(const MdDriverContext *context,
                                 const char *name,
                                 const char *doing,
                                 gboolean (*plan)(MdMdevChange *change, GError **error),
                                 MdOwner *owner,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);

/* Runs a job of `write` on an object, for this change. */
void md_mdev_change_run(
    MdMdevChange *change, MdWorkerKind kind, guint64 inode, MdWorkerFunc func, MdCommandFunc next);

/* Waits for its turn, and makes the change. */
void md_mdev_change_begin(MdMdevChange *change);
