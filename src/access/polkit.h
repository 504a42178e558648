/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Asks polkit whether somebody may do something, over the system bus. The bus is connected to when
 * first needed, and again after it has gone. Nothing is remembered: every question is asked.
 */
#pragma once

#include <gio/gio.h>

#include "access/identity.h"
#include "util/fair-queue.h"

#define MD_TYPE_POLKIT (md_polkit_get_type())
G_DECLARE_FINAL_TYPE(MdPolkit, md_polkit, MD, POLKIT, GObject)

/* Questions asked at once, below what a bus allows for. More wait for their turn, which users take
 * in turn. */
#define MD_POLKIT_MAX_ASKED 64

/* `limits` must outlive it, and not exceed the above. */
MdPolkit *md_polkit_new(const MdFairLimits *limits);

/*
 * `details`: what the rules may look at, of type a{ss}; NULL: nothing. `interactive`: polkit may
 * ask the user for a password. Calls back once, after `deadline` milliseconds at the latest, and at
 * once when the owner goes.
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
 * TRUE: it may. Else polkit's answer, VIR_ERR_AUTH_FAILED, VIR_ERR_AUTH_CANCELLED or
 * VIR_ERR_AUTH_UNAVAILABLE; or there was none: VIR_ERR_OPERATION_TIMEOUT, VIR_ERR_DBUS_SERVICE,
 * VIR_ERR_RESOURCE_BUSY if too many wait, VIR_ERR_OPERATION_ABORTED if the owner has gone.
 */
gboolean md_polkit_check_finish(MdPolkit *self, GAsyncResult *result, GError **error);

/* Whether an error of the above is an answer. */
gboolean md_polkit_is_answer(const GError *error);

/* One line in the log on the questions that are asked and wait. */
void md_polkit_log_state(MdPolkit *self);
