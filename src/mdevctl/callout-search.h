/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Searches for mdevctl's scripts anew for each operation, on a worker, because the disk may hang.
 * Hosts usually have no scripts; then no further search is needed until a file is added. */
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

/* Whether it is known that there are no scripts of this kind, or no scripts at all. Neither
 * function accesses the disk. */
gboolean md_callout_search_knows_none(MdCalloutSearch *self, MdScriptKind kind);
gboolean md_callout_search_knows_no_script(MdCalloutSearch *self);

/* Searches for all scripts. VIR_ERR_OPERATION_TIMEOUT after `driver_timeout`; VIR_ERR_RESOURCE_BUSY
 * if too many searches are queued; VIR_ERR_SYSTEM_ERROR if a lack of descriptors or a disk error
 * prevents the check of a possible script. */
void md_callout_search_run_async(MdCalloutSearch *self,
                                 MdOwner *owner,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);

/* Returns, for each kind, the executable files of both directories as an array of MdScriptFile, to
 * be unreffed by the caller. The files of each directory are sorted by name and include hidden
 * ones. A file that users other than root and the daemon's own user may modify is skipped with a
 * message. On failure, the arrays are not set. */
gboolean md_callout_search_run_finish(GAsyncResult *result,
                                      GPtrArray *files[MD_SCRIPT_N_KINDS],
                                      GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdCalloutSearch, md_callout_search_unref)
