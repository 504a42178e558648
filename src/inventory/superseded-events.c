/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "inventory/superseded-events.h"

struct _MdSupersededEvents {
    GQueue entries;      /* of Entry, oldest first */
    GHashTable *by_path; /* path -> GList link of `entries` */
};

typedef struct {
    char *path;
    gboolean has_seqnum;
    guint64 seqnum;           /* of the last superseded event, if `has_seqnum` */
    gboolean expects_removal; /* the next remove event is superseded */
} Entry;


static void
entry_free(Entry *entry)
{
    g_free(entry->path);
    g_free(entry);
}


MdSupersededEvents *
md_superseded_events_new(void)
{
    MdSupersededEvents *self = g_new0(MdSupersededEvents, 1);

    g_queue_init(&self->entries);
    self->by_path = g_hash_table_new(g_str_hash, g_str_equal);
    return self;
}


void
md_superseded_events_free(MdSupersededEvents *self)
{
    if (self == NULL)
        return;

    g_hash_table_unref(self->by_path);
    g_queue_clear_full(&self->entries, (GDestroyNotify)entry_free);
    g_free(self);
}


static void
forget_path(MdSupersededEvents *self, GList *link)
{
    Entry *entry = link->data;

    g_hash_table_remove(self->by_path, entry->path);
    g_queue_delete_link(&self->entries, link);
    entry_free(entry);
}


static Entry *
find_entry(MdSupersededEvents *self, const char *path)
{
    GList *known = g_hash_table_lookup(self->by_path, path);

    return known != NULL ? known->data : NULL;
}


/* Replaces the path's entry, if any, with a new one, which is the youngest. */
static Entry *
renew_entry(MdSupersededEvents *self, const char *path)
{
    GList *known = g_hash_table_lookup(self->by_path, path);
    Entry *entry = g_new0(Entry, 1);

    if (known != NULL)
        forget_path(self, known);
    else if (self->entries.length == MD_SUPERSEDED_EVENTS_MAX)
        forget_path(self, self->entries.head);

    entry->path = g_strdup(path);
    g_queue_push_tail(&self->entries, entry);
    g_hash_table_insert(self->by_path, entry->path, self->entries.tail);
    return entry;
}


void
md_superseded_events_add(MdSupersededEvents *self, const char *path, guint64 seqnum)
{
    Entry *entry = find_entry(self, path);

    if (entry != NULL && entry->has_seqnum && seqnum <= entry->seqnum)
        return;

    entry = renew_entry(self, path);
    entry->has_seqnum = TRUE;
    entry->seqnum = seqnum;
}


gboolean
md_superseded_events_contain(MdSupersededEvents *self, const char *path, guint64 seqnum)
{
    const Entry *entry = find_entry(self, path);

    return entry != NULL && entry->has_seqnum && seqnum <= entry->seqnum;
}


void
md_superseded_events_expect_removal(MdSupersededEvents *self, const char *path)
{
    Entry *entry = find_entry(self, path);

    if (entry == NULL)
        entry = renew_entry(self, path);
    entry->expects_removal = TRUE;
}


gboolean
md_superseded_events_expects_removal(MdSupersededEvents *self, const char *path)
{
    const Entry *entry = find_entry(self, path);

    return entry != NULL && entry->expects_removal;
}


gboolean
md_superseded_events_handle_removal(MdSupersededEvents *self, const char *path)
{
    Entry *entry = find_entry(self, path);
    gboolean expected = entry != NULL && entry->expects_removal;

    if (expected)
        entry->expects_removal = FALSE;
    return expected;
}
