/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The output of one client, in order. An event is queued here until polkit has authorized the
 * client to see the event's device, and later frames are queued behind it. If authorization is
 * disabled, nothing is queued.
 */
#pragma once

#include "access/access.h"
#include "protocol/handover.h"
#include "rpc/client.h"

typedef struct _MdOutbox MdOutbox;

MdOutbox *md_outbox_new(MdClient *client, MdAccess *access);

/* Drops all held frames; afterwards calls nothing but the `sent` functions of frames. */
void md_outbox_end(MdOutbox *self);
void md_outbox_unref(MdOutbox *self);

/* `sent` is called when the frame has been sent, or dropped because the client has disconnected. */
void md_outbox_send(MdOutbox *self, GBytes *frame, void (*sent)(gpointer data), gpointer data);

/*
 * For events: sends the frame if `who` may see the device. If polkit does not answer in time, all
 * events waiting for it are dropped. A client with more than `max_queued_bytes` queued here is
 * disconnected.
 */
void md_outbox_send_if_visible(
    MdOutbox *self, MdIdentity *who, MdOwner *owner, const char *device, GBytes *frame);

/* Ends the connection when all frames have been sent. */
void md_outbox_close_when_sent(MdOutbox *self);
gboolean md_outbox_is_closing(MdOutbox *self);

/* Adds the held frames to the state for the next daemon. */
void md_outbox_save(MdOutbox *self, md_handover_session *state);

/* Queues these frames again, until polkit has authorized `who` again. */
void md_outbox_restore(MdOutbox *self,
                       MdIdentity *who,
                       MdOwner *owner,
                       const md_handover_session *state);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdOutbox, md_outbox_unref)
