/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Searches for mdevctl's scripts: on a worker, as the disk may hang, and anew for each operation.
 * Normally there are no scripts, and no further search is needed until a file is added.
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

/* `settings` must outlive the object. */
MdCalloutSearch *md_callout_search_new(const MdSettings *settings);

/* A running search ends by itself. */
void md_callout_search_unref(MdCalloutSearch *self);

/* Whether there are certainly no scripts of this kind, or no scripts at all. Neither function
 * accesses the disk. */
gboolean md_callout_search_knows_none(MdCalloutSearch *self, MdScriptKind kind);
gboolean md_callout_search_knows_no_script(MdCalloutSearch *self);

/* Searches for all scripts. VIR_ERR_OPERATION_TIMEOUT after `driver_timeout`; VIR_ERR_RESOURCE_BUSY
 * if too many searches are queued; VIR_ERR_SYSTEM_ERROR if a possible script cannot be checked, for
 * lack of descriptors or because of a disk error. */
void md_callout_search_run_async(MdCalloutSearch *self,
                                 MdOwner *owner,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);

/* Executable files (MdScriptFile) of both directories of scripts, sorted by name within each,
 * including hidden files. Files that users other than root and the daemon's own may modify are
 * skipped with a message. One array per kind, to be unreffed by the caller; NULL with an error. */
gboolean md_callout_search_run_finish(GAsyncResult *result,
                                      GPtrArray *files[MD_SCRIPT_N_KINDS],
                                      GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdCalloutSearch, md_callout_search_unref)
