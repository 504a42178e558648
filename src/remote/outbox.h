/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What goes out to one client, in order. An event waits here while it is judged whether the client
 * may see the device, and whatever comes after it waits behind it; where nobody is judged nothing
 * waits.
 */
#pragma once

#include "access/access.h"
#include "rpc/client.h"

typedef struct _MdOutbox MdOutbox;

MdOutbox *md_outbox_new(MdClient *client, MdAccess *access);

/* Sends nothing that is still here, and calls nobody any more but the `sent` of frames. */
void md_outbox_end(MdOutbox *self);
void md_outbox_unref(MdOutbox *self);

/* `sent` is called when the frame has left, or has been dropped because the client has gone. */
void md_outbox_send(MdOutbox *self, GBytes *frame, void (*sent)(gpointer data), gpointer data);

/*
 * For events: sends the frame if `who` may see the device. When polkit has not answered in time
 * nothing that waits for it then is sent. A client that lets more than `max_queued_bytes` wait here
 * is cut off.
 */
void md_outbox_send_if_visible(
    MdOutbox *self, MdIdentity *who, MdOwner *owner, const char *device, GBytes *frame);

/* Ends the connection when all has left and has been sent. */
void md_outbox_close_when_sent(MdOutbox *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdOutbox, md_outbox_unref)
