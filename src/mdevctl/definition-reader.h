/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Decides when the disk is looked at: one job at a time, and what is wanted meanwhile is looked at
 * by the next one. If a job has not ended by `driver_timeout`, those that wait are told so, nobody
 * waits any more until it has ended, and what it has found counts all the same. If a job cannot be
 * done at all, those that wait for it are told so, and everything is looked at by the next one,
 * which begins after `driver_timeout` if nothing else is wanted before. Main loop only.
 */
#pragma once

#include <gio/gio.h>

#include "mdevctl/definition-read.h"
#include "util/settings.h"

typedef struct _MdDefinitionReader MdDefinitionReader;

/* Before a job: says what is known; after it: makes use of the facts. */
typedef void (*MdDefinitionReaderFunc)(MdDefinitionRead *read, gpointer data);

/* `settings` must outlive it. */
MdDefinitionReader *md_definition_reader_new(const char *directory,
                                             const MdSettings *settings,
                                             MdWatch *watch,
                                             MdDefinitionReaderFunc add_known,
                                             MdDefinitionReaderFunc apply,
                                             gpointer data);

/* Nothing is called any more; a job that is under way ends by itself. */
void md_definition_reader_free(MdDefinitionReader *self);

/* Everything; a parent (`name` NULL) or one of its files, see md_definition_read_add(). Names that
 * cannot be meant are passed over. */
void md_definition_reader_want_all(MdDefinitionReader *self);
void md_definition_reader_want(MdDefinitionReader *self,
                               const char *addr,
                               const char *name,
                               gboolean is_written);

/* Until all that is wanted now has been looked at and made use of. VIR_ERR_OPERATION_TIMEOUT. */
void md_definition_reader_wait_async(MdDefinitionReader *self,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);
gboolean md_definition_reader_wait_finish(GAsyncResult *result, GError **error);

/* Whether a job is under way. */
gboolean md_definition_reader_is_busy(MdDefinitionReader *self);

/* FALSE with VIR_ERR_OPERATION_TIMEOUT while a job has not ended in time. */
gboolean md_definition_reader_check(MdDefinitionReader *self, GError **error);
