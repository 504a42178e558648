/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tells a silent client from a dead one: a ping is due one interval after its last byte, then one
 * after each further interval of silence, and after too many in a row the client is given up.
 */
#pragma once

#include <glib.h>

typedef struct _MdKeepalive MdKeepalive;

typedef struct {
    void (*ping)(gpointer data);
    void (*dead)(gpointer data); /* may free the keepalive */
} MdKeepaliveFuncs;

/* `interval` in milliseconds, `count` pings; `funcs` must outlive it. */
MdKeepalive *
md_keepalive_new(guint interval, guint count, const MdKeepaliveFuncs *funcs, gpointer data);
void md_keepalive_free(MdKeepalive *self);

/* While nobody listens to the client its silence does not count. */
void md_keepalive_set_paused(MdKeepalive *self, gboolean paused);

/* The client has sent something. */
void md_keepalive_touch(MdKeepalive *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdKeepalive, md_keepalive_free)
