/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * On whose behalf work is done: the user whose share the work uses, and the client that waits for
 * the result. The owner leaves when this client disconnects. Work whose owner has left need not
 * begin, see util/fair-queue.h; work that must be completed uses md_owner_new_lasting().
 * Reference-counted; main loop only.
 */
#pragma once

#include <gio/gio.h>

typedef struct _MdOwner MdOwner;

/* Registration of a callback for the client's disconnect; initialize with zeros. */
typedef struct {
    GList link;
    MdOwner *owner; /* NULL: not in a list */
    void (*gone)(gpointer data);
    gpointer data;
} MdOwnerWatch;

/* A share is a number that identifies a user: the uid or, for a user without one, a number greater
 * than all uids. MD_OWNER_UNKNOWN is the share of all unknown users. */
#define MD_OWNER_UNKNOWN ((uid_t)-1)

/* The share of a user without a uid, derived from the user's `name` and its `kind`, such as a SASL
 * user name. */
guint64 md_owner_share_from_name(const char *kind, const char *name);

/* "user 1000", for messages. */
char *md_owner_describe_share(guint64 share);

/* A client with this share; initially a reader. */
MdOwner *md_owner_new(guint64 share);

/* The same client acting for another user; it leaves with the client. */
MdOwner *md_owner_new_for(MdOwner *client, guint64 share);

/* The same share and client, for preparatory work: does not mark `owner` as begun. */
MdOwner *md_owner_new_preparing(MdOwner *owner);

/* The same share, for work that must be completed: never leaves. */
MdOwner *md_owner_new_lasting(MdOwner *owner);

/* The same share and rights, for work that several clients of one user wait for. Leaves only when
 * its creator calls md_owner_leave(). */
MdOwner *md_owner_new_joint(MdOwner *owner);

/* The daemon's own work, with a share separate from root's; borrowed, never leaves. */
MdOwner *md_owner_get_daemon(void);

MdOwner *md_owner_ref(MdOwner *self);
void md_owner_unref(MdOwner *self);

guint64 md_owner_get_share(MdOwner *self);

/* Whether the owner is root, the user that the daemon runs as, or the daemon itself. Such owners
 * are never refused because of others. */
gboolean md_owner_is_privileged(MdOwner *self);

/* Writers use queue slots that readers must leave free. Privileged owners always count as
 * writers. */
void md_owner_set_writer(MdOwner *self);
gboolean md_owner_is_writer(MdOwner *self);

/* Whether any work has begun for this owner. */
gboolean md_owner_has_begun(MdOwner *self);
void md_owner_set_begun(MdOwner *self);

/* The client has disconnected. Watches are called later, from the main loop. */
void md_owner_leave(MdOwner *self);
gboolean md_owner_is_gone(MdOwner *self);

/* Calls `gone` once when the client disconnects, unless the watch is removed before. */
void md_owner_watch(MdOwner *self, MdOwnerWatch *watch, void (*gone)(gpointer data), gpointer data);
void md_owner_unwatch(MdOwnerWatch *watch);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdOwner, md_owner_unref)
