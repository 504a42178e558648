/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One change of a mediated device or its definition; mdev-config.c has the kinds of changes.
 * Changes of one device are serialized: when its turn has come, a change reads the device, asks
 * mdevctl's scripts, if any, writes, and notifies the scripts.
 */
#pragma once

#include "backend/command.h"
#include "mdev/mdev-write.h"

typedef struct MdMdevChange MdMdevChange;

struct MdMdevChange {
    MdCommand command; /* `name` is that of the device */
    const char *doing; /* the operation, for messages: "define" ... */

    /* The request. */
    gboolean (*plan)(MdMdevChange *change, GError **error);
    MdDefinition *wanted; /* the definition, except `autostart` */
    MdMdevWrite *write; /* resolves the type of `wanted`, or sets attributes of the active device */
    gboolean type_known; /* the type of `wanted` has been resolved */
    gboolean autostart;
    guint what;
    gboolean guarded; /* fails if a device or definition has appeared since the call */
    gboolean was_there;
    gboolean was_defined;

    /* The plan. */
    MdCalloutAction action;
    MdDefinition *definition; /* to write or remove; NULL: the file stays unchanged */
};

/* A change of the device with this name; `doing` is a static string. plan() is called when the
 * change has its turn. */
MdMdevChange *md_mdev_change_new(const MdDriverContext *context,
                                 const char *name,
                                 const char *doing,
                                 gboolean (*plan)(MdMdevChange *change, GError **error),
                                 MdOwner *owner,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);

/* Runs a job of `write` on the object with this inode. */
void md_mdev_change_run(
    MdMdevChange *change, MdWorkerKind kind, guint64 inode, MdWorkerFunc func, MdCommandFunc next);

/* Waits for its turn, and makes the change. */
void md_mdev_change_begin(MdMdevChange *change);
