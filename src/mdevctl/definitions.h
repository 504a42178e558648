/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The persistent definitions, shared with mdevctl: those that are on disk, kept true to it. Whoever
 * changes a file, it is seen as soon as it is closed or moved; a change is signalled after it has
 * been made:
 *
 *   "changed" (const char *parent_addr, const char *uuid)
 *
 * for one that has come, has another text, or has gone: md_definitions_find() tells which. A
 * handler must not change or rescan the store itself.
 *
 *   "loaded" ()  once, when all that is on disk has been read for the first time
 *
 * The disk is read on a worker. If it does not answer within `driver_timeout`, definitions stay as
 * they are known, changes are refused with VIR_ERR_OPERATION_TIMEOUT, and all goes on when it
 * answers again.
 *
 * What is no definition is passed over, with a message once, and hides no other: broken JSON, a
 * link, a directory where a file is meant, a name that is no UUID, what cannot be read.
 */
#pragma once

#include <gio/gio.h>

#include "conf/definition.h"
#include "util/owner.h"
#include "util/settings.h"

/* Definitions of one parent. Further files are passed over, with a message for each. */
#define MD_DEFINITIONS_MAX 4096

#define MD_TYPE_DEFINITIONS (md_definitions_get_type())
G_DECLARE_FINAL_TYPE(MdDefinitions, md_definitions, MD, DEFINITIONS, GObject)

/* Uses definitions_dir, and driver_timeout as it is when needed; `settings` must outlive the
 * store. */
MdDefinitions *md_definitions_new(const MdSettings *settings);

/* Is to call `func` once when the subscribers of the user have been told all that has happened so
 * far, maybe at once. */
typedef void (*MdDefinitionsWhenNotified)(MdOwner *owner,
                                          void (*func)(gpointer data),
                                          gpointer func_data,
                                          gpointer data);

/* Without it, nobody waits for anybody to be told. */
void md_definitions_set_when_notified(MdDefinitions *self,
                                      MdDefinitionsWhenNotified when_notified,
                                      gpointer data);

/*
 * Reads what there is and watches it from then on. The directory is made if it is missing; if that
 * is not possible it is waited for, and there are no definitions meanwhile. Calls back when all has
 * been read, or the disk has not answered in time, which is no error.
 */
void
md_definitions_start_async(MdDefinitions *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean md_definitions_start_finish(MdDefinitions *self, GAsyncResult *result, GError **error);

/* Has everything looked at again. */
void md_definitions_rescan(MdDefinitions *self);

/* Whether the disk is being looked at. */
gboolean md_definitions_is_reading(MdDefinitions *self);

/* Borrowed, or NULL. */
MdDefinition *md_definitions_find(MdDefinitions *self, const char *parent_addr, const char *uuid);

/* All, borrowed, sorted by parent and UUID; the array is the caller's. */
GPtrArray *md_definitions_list(MdDefinitions *self);

/* VIR_ERR_OPERATION_FAILED if it is new and its parent has MD_DEFINITIONS_MAX already. */
gboolean
md_definitions_may_write(MdDefinitions *self, const MdDefinition *definition, GError **error);

/*
 * Writes a new definition or another text of one, if md_definitions_may_write(); "changed" comes
 * first, then the callback. What is asked for one definition happens in the order of the calls. One
 * user's changes begin one after the other, each when the subscribers of that user have been told
 * of the one before; different users do not wait for each other.
 * VIR_ERR_INVALID_ARG if its parent or UUID cannot be the name of a file,
 * VIR_ERR_CONFIG_UNSUPPORTED if the file could not be read again, VIR_ERR_SYSTEM_ERROR with path
 * and cause, VIR_ERR_OPERATION_TIMEOUT, VIR_ERR_RESOURCE_BUSY.
 */
void md_definitions_write_async(MdDefinitions *self,
                                MdDefinition *definition,
                                MdOwner *owner,
                                GAsyncReadyCallback callback,
                                gpointer user_data);
gboolean md_definitions_write_finish(MdDefinitions *self, GAsyncResult *result, GError **error);

/* The same for removing; errno ENOENT if there is no such file. */
void md_definitions_remove_async(MdDefinitions *self,
                                 const char *parent_addr,
                                 const char *uuid,
                                 MdOwner *owner,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);
gboolean md_definitions_remove_finish(MdDefinitions *self, GAsyncResult *result, GError **error);

/* One line in the log for the changes that are made and wait. */
void md_definitions_log_state(MdDefinitions *self);
