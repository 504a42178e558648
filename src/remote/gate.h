/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What goes out to one client, in order. An event waits here while it is judged whether the client
 * may see the device, and whatever comes after it waits behind it; where nobody is judged nothing
 * waits.
 */
#pragma once

#include "access/access.h"
#include "rpc/client.h"

typedef struct _MdGate MdGate;

MdGate *md_gate_new(MdClient *client, MdAccess *access);

/* Sends nothing that is still here, and calls nobody any more but the `sent` of frames. */
void md_gate_end(MdGate *self);
void md_gate_unref(MdGate *self);

/* `sent` is called when the frame has left, or has been dropped because the client has gone. */
void md_gate_send(MdGate *self, GBytes *frame, void (*sent)(gpointer data), gpointer data);

/*
 * For events: sends the frame if `who` may see the device. When polkit has not answered in time
 * nothing that waits for it then is sent. A client that lets more than `max_queued_bytes` wait here
 * is cut off.
 */
void md_gate_send_if_visible(
    MdGate *self, MdIdentity *who, MdOwner *owner, const char *device, GBytes *frame);

/* Ends the connection when all has left and has been sent. */
void md_gate_close_when_sent(MdGate *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdGate, md_gate_unref)
