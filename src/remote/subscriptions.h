/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The event callbacks of one client. */
#pragma once

#include "node_device/driver.h"
#include "remote/event-frames.h"

/* Callbacks of a client that may only read, and of any other. */
#define MD_SUBSCRIPTIONS_READER_MAX 64
#define MD_SUBSCRIPTIONS_WRITER_MAX 1024

typedef struct _MdSubscriptions MdSubscriptions;

/* Called for each event; the subscriptions may be cleared within. */
typedef void (*MdSubscriptionsSend)(GBytes *frame, const char *device, gpointer data);

/* `driver` and `frames` must outlive it. */
MdSubscriptions *md_subscriptions_new(MdDriver *driver,
                                      MdEventFrames *frames,
                                      MdSubscriptionsSend send,
                                      gpointer data);
void md_subscriptions_free(MdSubscriptions *self);

/*
 * For `owner`, in whose user's turns the client is told. `device` NULL: all. Returns the id of the
 * callback, which is not negative, or -1: there is no such event or device, there is such a
 * callback already, or there are `max` callbacks.
 */
int md_subscriptions_add(MdSubscriptions *self,
                         MdOwner *owner,
                         int event,
                         const char *device,
                         guint max,
                         GError **error);
gboolean md_subscriptions_remove(MdSubscriptions *self, int id, GError **error);
void md_subscriptions_clear(MdSubscriptions *self);

/* Sends at once what others may be sent later. */
void md_subscriptions_catch_up(MdSubscriptions *self);

/* Bytes of memory that they take. */
gsize md_subscriptions_get_cost(MdSubscriptions *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdSubscriptions, md_subscriptions_free)
