/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One call of an administration client: one table of all procedures, and each call from its arrival
 * to its reply. The handler replies exactly once, which ends the call.
 */
#pragma once

#include "admin/admin-private.h"
#include "protocol/admin.h"

typedef struct _MdAdminCall MdAdminCall;

/* The arguments remain valid until the call has ended. */
typedef void (*MdAdminHandler)(MdAdminCall *call, gconstpointer args);

/* Handles a message; may end the client. */
void md_admin_call_begin(MdAdminEntry *entry, const MdMessage *message);

MdAdmin *md_admin_call_get_admin(MdAdminCall *self);
const MdAdminEntry *md_admin_call_get_entry(MdAdminCall *self);

gconstpointer md_admin_call_get_args(MdAdminCall *self);

/* Each of these functions ends the call, and takes ownership of `params` (of md_param) and `error`.
 * `ret` has the procedure's result type; NULL: no result. */
void md_admin_call_reply(MdAdminCall *self, gconstpointer ret);
void md_admin_call_reply_params(MdAdminCall *self, GArray *params);
void md_admin_call_fail(MdAdminCall *self, GError *error);

/* For a procedure without a result: replies or, if `error` is set, fails. */
void md_admin_call_finish(MdAdminCall *self, GError *error);

/* Replies without a result, then ends the connection. */
void md_admin_call_reply_and_close(MdAdminCall *self);
