/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The scripts of mdevctl around what is done to a mediated device: one callout that answers for the
 * device's type may refuse it before and is told after, and all notifiers hear of it at last. Files
 * are looked for afresh for each command, when it begins; where there are none, nothing is run.
 *
 * Which callout: the first that says it supports versions; else the first that does not exit with 2
 * ("not my type"), is not killed by a signal and can be started at all. It stays the one for the
 * whole command. Whatever is wrong with a script is an error of that script, named in the message:
 * VIR_ERR_OPERATION_TIMEOUT if it was too late, else VIR_ERR_INTERNAL_ERROR. If it cannot be known
 * whether there are scripts, as the disk does not answer, the command fails.
 */
#pragma once

#include "mdevctl/callout-scripts.h"

/* One command on one device. Its phases follow each other: one ends before the next one begins. */
typedef struct _MdCallout MdCallout;

/* `action`: MD_CALLOUT_START to MD_CALLOUT_MODIFY. `device` as it is to be, or as it was. */
MdCallout *
md_callout_new(MdCallouts *callouts, MdCalloutAction action, MdDefinition *device, MdOwner *owner);
MdCallout *md_callout_ref(MdCallout *self);
void md_callout_unref(MdCallout *self);

/* Before the operation. Finish is FALSE if it must not be: the notifiers have been told then, and
 * md_callout_after_async() is not for it any more. */
void md_callout_before_async(MdCallout *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean md_callout_before_finish(GAsyncResult *result, GError **error);

/* After the operation, whether it worked or not: tells the callout and the notifiers. What they say
 * to that is only logged. */
void md_callout_after_async(MdCallout *self,
                            gboolean success,
                            GAsyncReadyCallback callback,
                            gpointer user_data);
void md_callout_after_finish(GAsyncResult *result);

/* Has a callout change an active device (MD_CALLOUT_MODIFY), and tells the notifiers. Finish is
 * FALSE with G_IO_ERROR_NOT_SUPPORTED if no callout for the type says that it can. */
void md_callout_live_async(MdCallout *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean md_callout_live_finish(GAsyncResult *result, GError **error);

/* Asks the callout of an active device's type for its attributes. */
void md_callouts_get_attributes_async(MdCallouts *callouts,
                                      const char *parent_addr,
                                      const char *uuid,
                                      const char *type_id,
                                      MdOwner *owner,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data);

/* Attributes (MdMdevAttr), maybe none at all; NULL with G_IO_ERROR_NOT_SUPPORTED if there is no
 * callout for the type, or another error. */
GPtrArray *md_callouts_get_attributes_finish(GAsyncResult *result, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdCallout, md_callout_unref)
