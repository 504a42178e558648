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

/* Number of calls not answered yet, including those of disconnected clients. */
guint md_dispatch_count_calls(MdDispatch *self);

/* Logs one line per running call, up to MD_DISPATCH_LOGGED_MAX, and one with totals. */
#define MD_DISPATCH_LOGGED_MAX 256
void md_dispatch_log_state(MdDispatch *self);

/* Calls `func` whenever the last running call has been answered; NULL: no function. */
void md_dispatch_set_idle_func(MdDispatch *self, void (*func)(gpointer data), gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdDispatch, md_dispatch_unref)
