/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs mdevctl's scripts around an operation on a mediated device. The callout for the device's
 * type is run before the operation, and may refuse it. The callout is run again after the
 * operation, followed by all notifiers. Each operation searches for the scripts anew.
 *
 * The callout for a type is the first one that supports versions (callout-version.h). If there is
 * none, the callout is the first one that can be started, is not killed by a signal, and does not
 * exit with status 2 ("not my type"). It remains the callout for the whole operation.
 *
 * An error names the script that failed, with the codes of md_callouts_set_error(). The operation
 * also fails if the search fails, for example because the disk does not respond.
 */
#pragma once

#include "mdevctl/callout-scripts.h"

/* One operation on one device. Its phases run one after the other. */
typedef struct _MdCallout MdCallout;

/* Creates the object for an operation. `action`: MD_CALLOUT_START to MD_CALLOUT_MODIFY. `device`:
 * the device as it is after the operation or, if the operation stops or undefines it, before the
 * operation. */
MdCallout *
md_callout_new(MdCallouts *callouts, MdCalloutAction action, MdDefinition *device, MdOwner *owner);
MdCallout *md_callout_ref(MdCallout *self);
void md_callout_unref(MdCallout *self);

/* To be called before the operation. If finish returns FALSE, the operation is refused: the
 * notifiers have been run, and md_callout_after_async() must not be called. */
void md_callout_before_async(MdCallout *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean md_callout_before_finish(GAsyncResult *result, GError **error);

/* To be called after the operation, whether it succeeded or failed: runs the callout and the
 * notifiers. A failure of these scripts is only logged. */
void md_callout_after_async(MdCallout *self,
                            gboolean success,
                            GAsyncReadyCallback callback,
                            gpointer user_data);
void md_callout_after_finish(GAsyncResult *result);

/* Runs the callout that modifies an active device (MD_CALLOUT_MODIFY), then the notifiers.
 * Finish returns FALSE with G_IO_ERROR_NOT_SUPPORTED if no callout for the type can modify
 * active devices. */
void md_callout_live_async(MdCallout *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean md_callout_live_finish(GAsyncResult *result, GError **error);

/* Queries the attributes of an active device from the callout for the device's type. */
void md_callouts_get_attributes_async(MdCallouts *callouts,
                                      const char *parent_addr,
                                      const char *uuid,
                                      const char *type_id,
                                      MdOwner *owner,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data);

/* The attributes (MdMdevAttr), possibly none. NULL with G_IO_ERROR_NOT_SUPPORTED if the type has no
 * callout, or with the error of the callout. */
GPtrArray *md_callouts_get_attributes_finish(GAsyncResult *result, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdCallout, md_callout_unref)
