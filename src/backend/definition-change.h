/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One change of a mediated device or of its definition; definition-config.c implements the kinds of
 * changes. Changes of one device are serialized. When its turn has come, a change plans what to
 * write, asks mdevctl's scripts, if any, writes, and notifies the scripts. */
#pragma once

#include "backend/command.h"
#include "backend/definition-job.h"

typedef struct MdDefinitionChange MdDefinitionChange;

struct MdDefinitionChange {
    MdCommand command; /* with the name of the device */
    const char *doing; /* the operation in messages: "define" ... */

    /* The request. */
    gboolean (*plan)(MdDefinitionChange *change, GError **error);
    MdDefinition *wanted;       /* the requested definition; `autostart` is not used */
    const MdDefinitionOps *ops; /* not used by undefine */
    MdDefinitionJob *job;       /* resolves the type of `wanted`, or sets its attributes */
    gboolean type_known;        /* the type of `wanted` has been resolved */
    gboolean autostart;
    guint what;       /* MdBackendUpdate flags; 0: plan() decides */
    gboolean guarded; /* fails if the device or its definition has appeared since the call */
    gboolean was_there;
    gboolean was_defined;

    /* The plan. */
    MdCalloutAction action;
    MdDefinition *definition; /* to write or remove; NULL: the file stays unchanged */
};

/* Creates a change of the device with this name; `doing` is a static string. plan() is called when
 * the change has its turn: it checks the request and fills the plan. */
MdDefinitionChange *
md_definition_change_new(const MdDriverContext *context,
                         const char *name,
                         const char *doing,
                         gboolean (*plan)(MdDefinitionChange *change, GError **error),
                         MdOwner *owner,
                         GAsyncReadyCallback callback,
                         gpointer user_data);

/* Runs the job, on the sysfs directory with this inode. */
void md_definition_change_run(MdDefinitionChange *change,
                              MdWorkerKind kind,
                              guint64 inode,
                              MdWorkerFunc func,
                              MdCommandFunc next);

/* Makes the change when its turn has come. */
void md_definition_change_begin(MdDefinitionChange *change);
