/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The event callbacks of one client. */
#pragma once

#include "node_device/driver.h"
#include "protocol/handover.h"
#include "remote/event-frames.h"

/* Maximum number of callbacks, of readers and of other clients. */
#define MD_SUBSCRIPTIONS_READER_MAX 64
#define MD_SUBSCRIPTIONS_WRITER_MAX 1024

typedef struct _MdSubscriptions MdSubscriptions;

/* Called for each event; may clear the subscriptions. */
typedef void (*MdSubscriptionsSend)(GBytes *frame, const char *device, gpointer data);

/* `driver` and `frames` must outlive the object. */
MdSubscriptions *md_subscriptions_new(MdDriver *driver,
                                      MdEventFrames *frames,
                                      MdSubscriptionsSend send,
                                      gpointer data);
void md_subscriptions_free(MdSubscriptions *self);

/*
 * Subscribes for `owner`; events are sent in the turns of the owner's user. `device` NULL: all
 * devices. Returns the non-negative id of the callback, or -1: unknown event or device, duplicate
 * callback, or more than `max` callbacks.
 */
int md_subscriptions_add(MdSubscriptions *self,
                         MdOwner *owner,
                         int event,
                         const char *device,
                         guint max,
                         GError **error);
gboolean md_subscriptions_remove(MdSubscriptions *self, int id, GError **error);
void md_subscriptions_clear(MdSubscriptions *self);

/* Adds the callbacks to the state for the next daemon. */
void md_subscriptions_save(MdSubscriptions *self, md_handover_session *state);

/*
 * Restores the callbacks for `owner`, with the same ids, even those for devices that no longer
 * exist. Fails if the state is invalid; some callbacks may have been restored before the failure.
 */
gboolean md_subscriptions_restore(MdSubscriptions *self,
                                  MdOwner *owner,
                                  const md_handover_session *state,
                                  guint max,
                                  GError **error);

/* Sends all pending events of this client now, without waiting for a turn; to be called before a
 * reply is sent. */
void md_subscriptions_catch_up(MdSubscriptions *self);

/* Memory of all callbacks, in bytes. */
gsize md_subscriptions_get_cost(MdSubscriptions *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdSubscriptions, md_subscriptions_free)
