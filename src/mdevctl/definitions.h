/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The persistent definitions on disk, shared with mdevctl. A change of a file by any program is
 * noticed as soon as the file is closed or moved. Signals are emitted after a change:
 *
 *   "changed" (const char *parent_addr, const char *uuid)
 *
 * for a definition that was added, changed, or removed; md_definitions_find() returns NULL for a
 * removed one. A handler must neither change nor rescan the definitions.
 *
 *   "loaded" ()  once, after the first complete read
 *
 * The disk is read on a worker. If it does not respond within `driver_timeout`, the known
 * definitions remain and changes fail with VIR_ERR_OPERATION_TIMEOUT until it responds again.
 *
 * An entry that is not a valid definition (invalid JSON, a link, a directory, a name that is not a
 * UUID, an unreadable file) is skipped with one message, and does not affect other entries.
 */
#pragma once

#include <gio/gio.h>

#include "conf/definition.h"
#include "util/owner.h"
#include "util/settings.h"

/* Maximum number of definitions of one parent. Further files are skipped, with a message each. */
#define MD_DEFINITIONS_MAX 4096

#define MD_TYPE_DEFINITIONS (md_definitions_get_type())
G_DECLARE_FINAL_TYPE(MdDefinitions, md_definitions, MD, DEFINITIONS, GObject)

/* Uses definitions_dir and the current driver_timeout; `settings` must outlive the object. */
MdDefinitions *md_definitions_new(const MdSettings *settings);

/* Calls `func` once, possibly before it returns, when all events so far have been delivered to the
 * subscribers of the owner's user. */
typedef void (*MdDefinitionsWhenNotified)(MdOwner *owner,
                                          void (*func)(gpointer data),
                                          gpointer func_data,
                                          gpointer data);

/* Optional: without it, changes do not wait for subscribers. */
void md_definitions_set_when_notified(MdDefinitions *self,
                                      MdDefinitionsWhenNotified when_notified,
                                      gpointer data);

/* Reads all definitions, and watches them from then on. Creates the directory if it is missing; if
 * that fails, there are no definitions until the directory appears. Calls back when everything has
 * been read, or when the disk has not responded in time, which is not an error. */
void
md_definitions_start_async(MdDefinitions *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean md_definitions_start_finish(MdDefinitions *self, GAsyncResult *result, GError **error);

/* Reads all definitions again. */
void md_definitions_rescan(MdDefinitions *self);

/* Whether a read is running. */
gboolean md_definitions_is_reading(MdDefinitions *self);

/* Borrowed, or NULL. */
MdDefinition *md_definitions_find(MdDefinitions *self, const char *parent_addr, const char *uuid);

/* All definitions, borrowed, sorted by parent and UUID; free the array only. */
GPtrArray *md_definitions_list(MdDefinitions *self);

/* VIR_ERR_OPERATION_FAILED if the definition is new and its parent already has MD_DEFINITIONS_MAX
 * definitions. */
gboolean
md_definitions_may_write(MdDefinitions *self, const MdDefinition *definition, GError **error);

/*
 * Writes a new or changed definition, within the limit of md_definitions_may_write(); emits
 * "changed" before it calls back. Operations on one definition run in the order of the calls.
 * Changes of one user run one after the other, each after the user's subscribers have received the
 * events of the previous one; different users do not wait for each other. VIR_ERR_INVALID_ARG if
 * the parent or the UUID is not a valid file name, VIR_ERR_CONFIG_UNSUPPORTED if the file would be
 * too large or could not be parsed, VIR_ERR_SYSTEM_ERROR with path and cause,
 * VIR_ERR_OPERATION_TIMEOUT, VIR_ERR_RESOURCE_BUSY.
 */
void md_definitions_write_async(MdDefinitions *self,
                                MdDefinition *definition,
                                MdOwner *owner,
                                GAsyncReadyCallback callback,
                                gpointer user_data);
gboolean md_definitions_write_finish(MdDefinitions *self, GAsyncResult *result, GError **error);

/* Removes a definition, under the same rules; the errno is ENOENT if the file does not exist. */
void md_definitions_remove_async(MdDefinitions *self,
                                 const char *parent_addr,
                                 const char *uuid,
                                 MdOwner *owner,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);
gboolean md_definitions_remove_finish(MdDefinitions *self, GAsyncResult *result, GError **error);

/* Logs the running and the waiting changes in one line. */
void md_definitions_log_state(MdDefinitions *self);
