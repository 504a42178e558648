/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a message to what is done for it: one table of all procedures that we serve. Whatever is not
 * in it gets an error reply; no call goes unanswered.
 */
#pragma once

#include "remote/session.h"

typedef struct _MdDispatch MdDispatch;

MdDispatch *md_dispatch_new(void);
MdDispatch *md_dispatch_ref(MdDispatch *self);
void md_dispatch_unref(MdDispatch *self);

void md_dispatch_message(MdDispatch *self, MdSession *session, const MdMessage *message);

/* From here on calls about devices wait, in their order; the connection itself is served. */
void md_dispatch_hold(MdDispatch *self);
/* They are done now. */
void md_dispatch_release(MdDispatch *self);

/* Calls not answered yet, those of clients that have gone included. */
guint md_dispatch_count_calls(MdDispatch *self);

/* One line in the log for each of them, up to MD_DISPATCH_LOGGED_MAX, and one of totals. */
#define MD_DISPATCH_LOGGED_MAX 256
void md_dispatch_log_state(MdDispatch *self);

/* `func` is called whenever the last call under way has been answered; NULL: nothing is. */
void md_dispatch_set_idle_func(MdDispatch *self, void (*func)(gpointer data), gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdDispatch, md_dispatch_unref)
