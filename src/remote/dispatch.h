/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Dispatches messages to handlers: one table of all procedures that the daemon serves. Calls not in
 * the table receive an error reply; no call remains unanswered.
 */
#pragma once

#include "remote/session.h"

typedef struct _MdDispatch MdDispatch;

MdDispatch *md_dispatch_new(void);
MdDispatch *md_dispatch_ref(MdDispatch *self);
void md_dispatch_unref(MdDispatch *self);

void md_dispatch_message(MdDispatch *self, MdSession *session, const MdMessage *message);

/* From now on, calls about devices are held, in order; calls about the connection itself are
 * served. */
void md_dispatch_hold(MdDispatch *self);
/* Runs the held calls. */
void md_dispatch_release(MdDispatch *self);
gboolean md_dispatch_is_holding(MdDispatch *self);

/* Number of calls not answered yet, including those of disconnected clients; and of those among
 * them that await an authentication. */
guint md_dispatch_count_calls(MdDispatch *self);
guint md_dispatch_count_logins(MdDispatch *self);

/* For a restart of the service, see md_call_leave(). */
void md_dispatch_leave_calls(MdDispatch *self);

/* Logs one line per running call, up to MD_DISPATCH_LOGGED_MAX, and one with totals. */
#define MD_DISPATCH_LOGGED_MAX 256
void md_dispatch_log_state(MdDispatch *self);

/* Calls `func` whenever a call has been answered and no other calls are left than those that await
 * an authentication; NULL: no function. */
void md_dispatch_set_idle_func(MdDispatch *self, void (*func)(gpointer data), gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdDispatch, md_dispatch_unref)
