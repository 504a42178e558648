/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One change of a mediated device or its definition, see mdev-config.c for what there is to change.
 * All changes of one device are made one after the other: each looks at the device when its turn
 * has come, asks mdevctl's scripts where there are any, writes, and tells them.
 */
#pragma once

#include "backend/command.h"
#include "mdev/mdev-write.h"

typedef struct MdMdevChange MdMdevChange;

struct MdMdevChange {
    MdCommand command; /* its name is the device's */
    const char *doing; /* for messages */

    /* What is wanted. */
    gboolean (*plan)(MdMdevChange *change, GError **error);
    MdDefinition *wanted; /* of a definition: all but whether to start it */
    MdMdevWrite *write;   /* finds the type of `wanted`, or sets the attributes of a live device */
    gboolean type_known;  /* `wanted` has the full id of a type */
    gboolean autostart;
    guint what;
    gboolean guarded; /* of a definition: it must not meet more than there was at the beginning */
    gboolean was_there;
    gboolean was_defined;

    /* What has been planned. */
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
