/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a change of a mediated device or of its definition does on a worker, with the functions of
 * the backend. A job works in the open directory of the device that was looked up, and does not
 * access the main loop's state; once it has ended, the main loop may read the result.
 */
#pragma once

#include "backend/backend.h"

typedef struct _MdDefinitionJob MdDefinitionJob;

/* A job that resolves a type of `parent`, given by id or by name. */
MdDefinitionJob *md_definition_job_new_resolve(const MdDefinitionOps *ops,
                                               MdNodeDevice *parent,
                                               const char *type_id,
                                               const char *type_name);
/* A job that sets `attrs` (of MdMdevAttr, copied) of an active device. */
MdDefinitionJob *
md_definition_job_new_write(const MdDefinitionOps *ops, MdNodeDevice *device, GPtrArray *attrs);
/* Thread-safe reference count. */
MdDefinitionJob *md_definition_job_ref(MdDefinitionJob *self);
void md_definition_job_unref(MdDefinitionJob *self);

/* The full id of the type, once the job has resolved it. */
const char *md_definition_job_get_type(MdDefinitionJob *self);

/* Number of attributes written. */
guint md_definition_job_count_written(MdDefinitionJob *self);

/* MdWorkerFunc: the two kinds of jobs. */
gboolean md_definition_job_resolve(gpointer job, GError **error);
gboolean md_definition_job_write(gpointer job, GError **error);
