/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Schedules reads of the definitions: one job runs at a time, and the next job serves all requests
 * made meanwhile. If a job exceeds `driver_timeout`, the callers that wait for it fail, and further
 * callers fail at once until it has ended; its result is still used. If a job could not run at all,
 * its callers fail; the next job, which begins after `driver_timeout` at the latest, reads
 * everything. Main loop only.
 */
#pragma once

#include <gio/gio.h>

#include "mdevctl/definition-read.h"
#include "util/settings.h"

typedef struct _MdDefinitionReader MdDefinitionReader;

/* Called before a job, to add the known definitions, and after it, to apply the facts. */
typedef void (*MdDefinitionReaderFunc)(MdDefinitionRead *read, gpointer data);

/* `settings` must outlive the object. */
MdDefinitionReader *md_definition_reader_new(const char *directory,
                                             const MdSettings *settings,
                                             MdWatch *watch,
                                             MdDefinitionReaderFunc add_known,
                                             MdDefinitionReaderFunc apply,
                                             gpointer data);

/* Neither function is called afterwards; a running job ends by itself. */
void md_definition_reader_free(MdDefinitionReader *self);

/* Requests a read of everything, of a parent (`name` NULL), or of one file, see
 * md_definition_read_add(). Invalid names are ignored. */
void md_definition_reader_want_all(MdDefinitionReader *self);
void md_definition_reader_want(MdDefinitionReader *self,
                               const char *addr,
                               const char *name,
                               gboolean is_written);

/* Waits until everything requested so far has been read and applied. VIR_ERR_OPERATION_TIMEOUT. */
void md_definition_reader_wait_async(MdDefinitionReader *self,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);
gboolean md_definition_reader_wait_finish(GAsyncResult *result, GError **error);

/* Whether a job is running. */
gboolean md_definition_reader_is_busy(MdDefinitionReader *self);

/* FALSE with VIR_ERR_OPERATION_TIMEOUT while a job is overdue. */
gboolean md_definition_reader_check(MdDefinitionReader *self, GError **error);
