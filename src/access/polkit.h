/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Checks authorization with polkit over the system bus. Connects to the bus when first needed, and
 * again after a disconnect. Results are not cached.
 */
#pragma once

#include <gio/gio.h>

#include "access/identity.h"
#include "util/fair-queue.h"

#define MD_TYPE_POLKIT (md_polkit_get_type())
G_DECLARE_FINAL_TYPE(MdPolkit, md_polkit, MD, POLKIT, GObject)

/* Maximum number of concurrent checks, below the limits of the bus. Further checks are queued
 * fairly between users. */
#define MD_POLKIT_MAX_ASKED 64

/* `limits` must outlive the object, and must not exceed MD_POLKIT_MAX_ASKED. */
MdPolkit *md_polkit_new(const MdFairLimits *limits);

/*
 * `details`: the variables that rules see, of type a{ss}; NULL: none. `interactive`: polkit may
 * prompt for a password. Calls back once: after `deadline` milliseconds at the latest, or when the
 * owner leaves.
 */
void md_polkit_check_async(MdPolkit *self,
                           const MdIdentity *who,
                           const char *action,
                           GVariant *details,
                           gboolean interactive,
                           guint deadline,
                           MdOwner *owner,
                           GAsyncReadyCallback callback,
                           gpointer user_data);

/*
 * TRUE: authorized. If polkit has refused, the error is VIR_ERR_AUTH_FAILED, VIR_ERR_AUTH_CANCELLED
 * or VIR_ERR_AUTH_UNAVAILABLE. If polkit has not answered, the error is the cause:
 * VIR_ERR_OPERATION_TIMEOUT, VIR_ERR_DBUS_SERVICE, VIR_ERR_RESOURCE_BUSY if too many checks are
 * queued, or VIR_ERR_OPERATION_ABORTED if the owner has left.
 */
gboolean md_polkit_check_finish(MdPolkit *self, GAsyncResult *result, GError **error);

/* Whether an error of md_polkit_check_finish() is polkit's answer. */
gboolean md_polkit_is_answer(const GError *error);

/* Logs one line about running and waiting checks. */
void md_polkit_log_state(MdPolkit *self);
