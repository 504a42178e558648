/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "util/owner.h"

#include <string.h>
#include <unistd.h>

#define ROOT 0

/* Above every uid. */
#define DAEMON_SHARE (G_GUINT64_CONSTANT(1) << 32)

/* Set in all shares derived from names. */
#define NAME_BIT (G_GUINT64_CONSTANT(1) << 63)

/* The client behind one or more owners. */
typedef struct {
    gboolean gone;
    GQueue watches; /* of MdOwnerWatch, linked by `link` */
    GSource *leaving;
} Presence;

struct _MdOwner {
    guint64 share;
    gboolean writer;
    gboolean begun;
    Presence *presence; /* NULL: never leaves */
};


static Presence *
presence_new(void)
{
    Presence *presence = g_rc_box_new0(Presence);

    g_queue_init(&presence->watches);
    return presence;
}


static void
presence_unref(Presence *presence)
{
    g_rc_box_release(presence);
}


/* Takes ownership of the presence. */
static MdOwner *
owner_new(guint64 share, Presence *presence)
{
    MdOwner *self = g_rc_box_new0(MdOwner);

    self->share = share;
    self->presence = presence;
    return self;
}


/* From a digest, so that no user can find a name with another user's share and use that up. */
guint64
md_owner_share_from_name(const char *kind, const char *name)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    guint8 digest[32];
    gsize size = sizeof(digest);
    guint64 share = 0;

    g_checksum_update(checksum, (const guchar *)kind, (gssize)strlen(kind) + 1);
    g_checksum_update(checksum, (const guchar *)name, (gssize)strlen(name));
    g_checksum_get_digest(checksum, digest, &size);
    memcpy(&share, digest, sizeof(share));
    return share | NAME_BIT;
}


char *
md_owner_describe_share(guint64 share)
{
    if (share == DAEMON_SHARE)
        return g_strdup("the daemon");
    if ((share & NAME_BIT) != 0)
        return g_strdup_printf("remote user %016" G_GINT64_MODIFIER "x", share);
    if (share == MD_OWNER_UNKNOWN)
        return g_strdup("an unknown user");
    return g_strdup_printf("user %" G_GUINT64_FORMAT, share);
}


MdOwner *
md_owner_new(guint64 share)
{
    return owner_new(share, presence_new());
}


/* Creates an owner with the rights of `owner`; takes ownership of the presence. */
static MdOwner *
owner_derive(const MdOwner *owner, guint64 share, Presence *presence)
{
    MdOwner *self = owner_new(share, presence);

    self->writer = owner->writer;
    return self;
}


static Presence *
owner_ref_presence(const MdOwner *owner)
{
    return owner->presence != NULL ? g_rc_box_acquire(owner->presence) : NULL;
}


MdOwner *
md_owner_new_for(MdOwner *client, guint64 share)
{
    return owner_derive(client, share, owner_ref_presence(client));
}


MdOwner *
md_owner_new_preparing(MdOwner *owner)
{
    return owner_derive(owner, owner->share, owner_ref_presence(owner));
}


MdOwner *
md_owner_new_lasting(MdOwner *owner)
{
    return owner_derive(owner, owner->share, NULL);
}


MdOwner *
md_owner_new_joint(MdOwner *owner)
{
    return owner_derive(owner, owner->share, presence_new());
}


MdOwner *
md_owner_get_daemon(void)
{
    static MdOwner *daemon;

    if (daemon == NULL)
        daemon = owner_new(DAEMON_SHARE, NULL);
    return daemon;
}


MdOwner *
md_owner_ref(MdOwner *self)
{
    return g_rc_box_acquire(self);
}


static void
owner_clear(MdOwner *self)
{
    g_clear_pointer(&self->presence, presence_unref);
}


void
md_owner_unref(MdOwner *self)
{
    if (self != NULL)
        g_rc_box_release_full(self, (GDestroyNotify)owner_clear);
}


guint64
md_owner_get_share(MdOwner *self)
{
    return self->share;
}


gboolean
md_owner_is_privileged(MdOwner *self)
{
    return self->share == DAEMON_SHARE || self->share == ROOT || self->share == geteuid();
}


void
md_owner_set_writer(MdOwner *self)
{
    self->writer = TRUE;
}


gboolean
md_owner_is_writer(MdOwner *self)
{
    return self->writer || md_owner_is_privileged(self);
}


gboolean
md_owner_has_begun(MdOwner *self)
{
    return self->begun;
}


void
md_owner_set_begun(MdOwner *self)
{
    self->begun = TRUE;
}


gboolean
md_owner_is_gone(MdOwner *self)
{
    return self->presence != NULL && self->presence->gone;
}


/* Each callback may remove other watches. */
static gboolean
on_leaving(gpointer data)
{
    Presence *presence = data;
    GList *link = NULL;

    while ((link = g_queue_peek_head_link(&presence->watches)) != NULL) {
        MdOwnerWatch *watch = link->data;

        md_owner_unwatch(watch);
        watch->gone(watch->data);
    }
    presence->leaving = NULL;
    return G_SOURCE_REMOVE;
}


/* One main loop source serves any number of watches. */
static void
schedule_leaving(Presence *presence)
{
    GSource *source = NULL;

    if (presence->leaving != NULL || g_queue_is_empty(&presence->watches))
        return;
    source = g_idle_source_new();
    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    g_source_set_callback(source, on_leaving, g_rc_box_acquire(presence),
                          (GDestroyNotify)presence_unref);
    g_source_attach(source, g_main_context_get_thread_default());
    presence->leaving = source;
    g_source_unref(source);
}


void
md_owner_leave(MdOwner *self)
{
    if (self->presence == NULL || md_owner_is_gone(self))
        return;
    self->presence->gone = TRUE;
    schedule_leaving(self->presence);
}


void
md_owner_watch(MdOwner *self, MdOwnerWatch *watch, void (*gone)(gpointer data), gpointer data)
{
    g_return_if_fail(watch->owner == NULL);

    if (self->presence == NULL)
        return;
    watch->owner = md_owner_ref(self);
    watch->gone = gone;
    watch->data = data;
    watch->link.data = watch;
    g_queue_push_tail_link(&self->presence->watches, &watch->link);
    if (md_owner_is_gone(self))
        schedule_leaving(self->presence);
}


void
md_owner_unwatch(MdOwnerWatch *watch)
{
    g_autoptr(MdOwner) owner = g_steal_pointer(&watch->owner);

    if (owner != NULL)
        g_queue_unlink(&owner->presence->watches, &watch->link);
}
