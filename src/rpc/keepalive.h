/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Detects dead clients: a ping is sent one interval after the last received byte, then after each
 * further interval of silence; after too many unanswered pings, the client counts as dead.
 */
#pragma once

#include <glib.h>

typedef struct _MdKeepalive MdKeepalive;

typedef struct {
    void (*ping)(gpointer data);
    void (*dead)(gpointer data); /* may free the keepalive */
} MdKeepaliveFuncs;

/* `interval` is in milliseconds; `count` is the number of unanswered pings; `funcs` must outlive
 * the object. */
MdKeepalive *
md_keepalive_new(guint interval, guint count, const MdKeepaliveFuncs *funcs, gpointer data);
void md_keepalive_free(MdKeepalive *self);

/* While paused, silence does not count: the daemon itself is not reading from this client. */
void md_keepalive_set_paused(MdKeepalive *self, gboolean paused);

/* To be called whenever the client has sent something. */
void md_keepalive_touch(MdKeepalive *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdKeepalive, md_keepalive_free)
