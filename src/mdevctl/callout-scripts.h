/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs mdevctl's scripts: whether there are any, how to call them, and which actions and events
 * they support. callouts.h decides which script runs when.
 */
#pragma once

#include "conf/definition.h"
#include "mdevctl/callout-search.h"
#include "mdevctl/callout-version.h"
#include "util/script.h"
#include "util/settings.h"

/* Directories, and cached answers of scripts. One per daemon. */
typedef struct _MdCallouts MdCallouts;

MdCallouts *md_callouts_new(const MdSettings *settings);
MdCallouts *md_callouts_ref(MdCallouts *self);
void md_callouts_unref(MdCallouts *self);

/* Begins the first search, so that an absence of scripts is known early. */
void md_callouts_start(MdCallouts *self);

/* Borrowed. */
MdCalloutSearch *md_callouts_get_search(MdCallouts *self);

/* FALSE if there are certainly no scripts. Does not access the disk. */
gboolean md_callouts_may_exist(MdCallouts *self);

/* FALSE if there are certainly no callouts, the scripts that answer queries. */
gboolean md_callouts_may_answer(MdCallouts *self);

/* Runs a script on a device; `state` is none, success or failure. Finish with
 * md_script_run_finish(). */
void md_callouts_run_async(MdCallouts *self,
                           const char *path,
                           MdDefinition *device,
                           MdCalloutEvent event,
                           MdCalloutAction action,
                           const char *state,
                           const char *input,
                           MdOwner *owner,
                           GAsyncReadyCallback callback,
                           gpointer user_data);

/* Queries what a script supports. The answer is cached per parent and type until the script file
 * changes. */
void md_callouts_ask_async(MdCallouts *self,
                           const MdScriptFile *file,
                           MdDefinition *device,
                           MdOwner *owner,
                           GAsyncReadyCallback callback,
                           gpointer user_data);

/* FALSE without an error: the script does not support versions, or cannot be run. With an error: it
 * was refused, or killed, see md_callouts_set_error(). */
gboolean md_callouts_ask_finish(GAsyncResult *result, MdCalloutVersion *version, GError **error);

/* Describes a script's failure: VIR_ERR_OPERATION_TIMEOUT on timeout, VIR_ERR_RESOURCE_BUSY if it
 * was refused, VIR_ERR_OPERATION_ABORTED if its client disconnected, else VIR_ERR_INTERNAL_ERROR.
 * Quotes the beginning of its stderr. */
void md_callouts_set_error(GError **error, const char *path, const MdScriptResult *result);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdCallouts, md_callouts_unref)
