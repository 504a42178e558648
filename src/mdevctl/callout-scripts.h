/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mdevctl's scripts as such: whether there are any, how one is called, what one has answered when
 * it was asked which version it is of. Which script is called when, callouts.h knows.
 */
#pragma once

#include "conf/definition.h"
#include "mdevctl/callout-search.h"
#include "mdevctl/callout-version.h"
#include "util/script.h"
#include "util/settings.h"

/* Directories, and answers of scripts. One per daemon. */
typedef struct _MdCallouts MdCallouts;

MdCallouts *md_callouts_new(const MdSettings *settings);
MdCallouts *md_callouts_ref(MdCallouts *self);
void md_callouts_unref(MdCallouts *self);

/* Looks for scripts, so that it is known if there are none. */
void md_callouts_start(MdCallouts *self);

/* Borrowed. */
MdCalloutSearch *md_callouts_get_search(MdCallouts *self);

/* FALSE if there is certainly no script at all. Does not touch the disk. */
gboolean md_callouts_may_exist(MdCallouts *self);

/* FALSE if there is certainly no callout, which could be asked something. */
gboolean md_callouts_may_answer(MdCallouts *self);

/* Runs a script on a device; `state` is none, success or failure. To be finished with
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

/* Asks a script what it supports. An answer is kept for as long as the file stays the same; one for
 * each parent and type. */
void md_callouts_ask_async(MdCallouts *self,
                           const MdScriptFile *file,
                           MdDefinition *device,
                           MdOwner *owner,
                           GAsyncReadyCallback callback,
                           gpointer user_data);

/* FALSE without an error: it knows nothing of versions, or could not be run. With one: it was
 * killed for what it did. */
gboolean md_callouts_ask_finish(GAsyncResult *result, MdCalloutVersion *version, GError **error);

/* Says of a script what has become of it: VIR_ERR_OPERATION_TIMEOUT if it was too late,
 * VIR_ERR_RESOURCE_BUSY if it had to be refused, VIR_ERR_OPERATION_ABORTED if its client has gone,
 * else VIR_ERR_INTERNAL_ERROR. With the beginning of what it wrote to stderr. */
void md_callouts_set_error(GError **error, const char *path, const MdScriptResult *result);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdCallouts, md_callouts_unref)
