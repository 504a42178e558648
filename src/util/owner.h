/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who a piece of work is done for: the user whose share it uses up, and the client that waits for
 * its result. Work of a client that has gone need not begin, see util/fair-queue.h; whoever must
 * finish what has begun goes on with md_owner_new_lasting(). Reference-counted; main loop only.
 */
#pragma once

#include <gio/gio.h>

typedef struct _MdOwner MdOwner;

/* Place of a caller in the list of those to be called when a client goes; zero it first. */
typedef struct {
    GList link;
    MdOwner *owner; /* NULL: not in a list */
    void (*gone)(gpointer data);
    gpointer data;
} MdOwnerWatch;

/* What tells shares apart: a uid, or a number beyond all uids. Whoever is not known shares this
 * one.
 */
#define MD_OWNER_UNKNOWN ((uid_t)-1)

/* The share of those who have no uid but this name of this kind, both of which must be the same. */
guint64 md_owner_share_from_name(const char *kind, const char *name);

/* "the user 1000", for messages. */
char *md_owner_describe_share(guint64 share);

/* A client with that share. A reader at first. */
MdOwner *md_owner_new(guint64 share);

/* The same client acting for another user; it goes when the client goes. */
MdOwner *md_owner_new_for(MdOwner *client, guint64 share);

/* The same share and client, for work that prepares what is done for `owner`: by that alone,
 * nothing has begun for `owner` itself. */
MdOwner *md_owner_new_preparing(MdOwner *owner);

/* The same share, for work that must be finished: never gone. */
MdOwner *md_owner_new_lasting(MdOwner *owner);

/* The same share and rights, but on its own: for work that several clients of one user wait for,
 * which goes when its maker calls md_owner_leave(). */
MdOwner *md_owner_new_joint(MdOwner *owner);

/* The daemon's own work, with a share beside root's; borrowed, never gone. */
MdOwner *md_owner_get_daemon(void);

MdOwner *md_owner_ref(MdOwner *self);
void md_owner_unref(MdOwner *self);

guint64 md_owner_get_share(MdOwner *self);

/* Root, the user that the daemon runs as, or the daemon itself: never refused because of others. */
gboolean md_owner_is_privileged(MdOwner *self);

/* Readers share a part of each queue, so that something is left for writers. Whoever is privileged
 * counts as a writer. */
void md_owner_set_writer(MdOwner *self);
gboolean md_owner_is_writer(MdOwner *self);

/* Whether any piece of work has begun for this owner. */
gboolean md_owner_has_begun(MdOwner *self);
void md_owner_set_begun(MdOwner *self);

/* The client has gone. Watches are called from the main loop, later. */
void md_owner_leave(MdOwner *self);
gboolean md_owner_is_gone(MdOwner *self);

/* Calls `gone` once when the client goes, unless the watch is taken away before. */
void md_owner_watch(MdOwner *self, MdOwnerWatch *watch, void (*gone)(gpointer data), gpointer data);
void md_owner_unwatch(MdOwnerWatch *watch);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdOwner, md_owner_unref)
