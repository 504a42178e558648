/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Looks for mdevctl's scripts: on a worker, as the disk may hang, and afresh for each command.
 * Where there are none, which is the rule, that is known without looking, until something is put
 * there.
 */
#pragma once

#include <gio/gio.h>
#include <sys/stat.h>

#include "util/owner.h"
#include "util/settings.h"

typedef enum {
    MD_SCRIPT_CALLOUT,
    MD_SCRIPT_NOTIFIER,
    MD_SCRIPT_N_KINDS,
} MdScriptKind;

typedef struct {
    char *path;
    struct stat st; /* of the file itself */
} MdScriptFile;

/* One per daemon. Main loop only. */
typedef struct _MdCalloutSearch MdCalloutSearch;

/* `settings` must outlive it. */
MdCalloutSearch *md_callout_search_new(const MdSettings *settings);

/* A search that is under way ends by itself. */
void md_callout_search_unref(MdCalloutSearch *self);

/* Whether there is certainly no script of a kind, and none at all. Neither touches the disk. */
gboolean md_callout_search_knows_none(MdCalloutSearch *self, MdScriptKind kind);
gboolean md_callout_search_knows_no_script(MdCalloutSearch *self);

/* Looks for all there are. VIR_ERR_OPERATION_TIMEOUT after `driver_timeout`; VIR_ERR_RESOURCE_BUSY
 * if too many wait; VIR_ERR_SYSTEM_ERROR if something that may be a script cannot be looked at, for
 * want of descriptors or because its disk fails. */
void md_callout_search_run_async(MdCalloutSearch *self,
                                 MdOwner *owner,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);

/* Executable files (MdScriptFile) of all roots, sorted in each; hidden ones count as any. What
 * others than root and we may change is left out, with a message. An array for each kind, for the
 * caller to unref; NULL with an error. */
gboolean md_callout_search_run_finish(GAsyncResult *result,
                                      GPtrArray *files[MD_SCRIPT_N_KINDS],
                                      GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdCalloutSearch, md_callout_search_unref)
