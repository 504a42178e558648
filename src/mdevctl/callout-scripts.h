/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs single scripts of mdevctl; knows whether scripts exist, and which actions and events each of
 * them supports. callouts.h decides which script runs when. */
#pragma once

#include "conf/definition.h"
#include "mdevctl/callout-search.h"
#include "mdevctl/callout-version.h"
#include "util/script.h"
#include "util/settings.h"

/* The directories of scripts, and the scripts' cached answers. One per daemon. */
typedef struct _MdCallouts MdCallouts;

MdCallouts *md_callouts_new(const MdSettings *settings);
MdCallouts *md_callouts_ref(MdCallouts *self);
void md_callouts_unref(MdCallouts *self);

/* Begins the first search, so that the absence of scripts is known early. */
void md_callouts_start(MdCallouts *self);

/* Borrowed. */
MdCalloutSearch *md_callouts_get_search(MdCallouts *self);

/* FALSE if it is known that there are no scripts. Does not access the disk. */
gboolean md_callouts_may_exist(MdCallouts *self);

/* The same for callouts, the scripts that answer queries. */
gboolean md_callouts_may_answer(MdCallouts *self);

/* Runs a script on a device; `state` is "none", "success" or "failure". To be finished with
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

/* Queries which actions and events a script supports. The answer is cached per parent and type
 * until the file of the script changes. */
void md_callouts_ask_async(MdCallouts *self,
                           const MdScriptFile *file,
                           MdDefinition *device,
                           MdOwner *owner,
                           GAsyncReadyCallback callback,
                           gpointer user_data);

/* FALSE without an error: the script does not support versions, could not be started, or was killed
 * by a signal. FALSE with an error: the daemon did not start the script, or killed it, see
 * md_callouts_set_error(). */
gboolean md_callouts_ask_finish(GAsyncResult *result, MdCalloutVersion *version, GError **error);

/* Describes the failure of a script and quotes the beginning of its stderr.
 * VIR_ERR_OPERATION_TIMEOUT on timeout, VIR_ERR_RESOURCE_BUSY if the daemon did not start the
 * script, VIR_ERR_OPERATION_ABORTED if the client disconnected, otherwise
 * VIR_ERR_INTERNAL_ERROR. */
void md_callouts_set_error(GError **error, const char *path, const MdScriptResult *result);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdCallouts, md_callouts_unref)
