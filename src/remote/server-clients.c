/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "remote/server-clients.h"

#include "remote/server-private.h"


char *
md_server_describe_entry(const MdServerEntry *entry)
{
    g_autofree char *peer = md_identity_describe(entry->peer);
    const MdIdentity *identity =
        entry->session != NULL ? md_session_get_identity(entry->session) : entry->peer;
    g_autofree char *who = NULL;

    if (identity == entry->peer)
        return g_steal_pointer(&peer);
    who = md_identity_describe(identity);
    return g_strdup_printf("%s; via %s", who, peer);
}


static int
compare_entries(gconstpointer one, gconstpointer other)
{
    guint64 first = (*(MdServerEntry *const *)one)->number;
    guint64 second = (*(MdServerEntry *const *)other)->number;

    return first < second ? -1 : first > second;
}


GPtrArray *
md_server_list_entries(MdServer *self)
{
    GPtrArray *entries = g_ptr_array_new();
    GHashTableIter iter;
    gpointer entry = NULL;

    g_hash_table_iter_init(&iter, self->entries);
    while (g_hash_table_iter_next(&iter, NULL, &entry))
        g_ptr_array_add(entries, entry);
    g_ptr_array_sort(entries, compare_entries);
    return entries;
}


static void
entry_log_state(const MdServerEntry *entry)
{
    g_autofree char *who = md_server_describe_entry(entry);
    const char *state = "connecting";

    if (entry->session != NULL && md_session_is_open(entry->session))
        state = md_session_is_read_only(entry->session) ? "read-only" : "read-write";
    g_message("Client %" G_GUINT64_FORMAT ": %s, %s, %u calls, %" G_GSIZE_FORMAT " bytes in use",
              entry->number, who, state, md_client_count_calls(entry->client),
              md_connection_get_held(entry->connection));
}


void
md_server_log_state(MdServer *self)
{
    GHashTableIter iter;
    MdServerEntry *entry = NULL;

    g_message("%u clients, %" G_GUINT64_FORMAT " since start, %" G_GSIZE_FORMAT " bytes in use",
              md_server_count_clients(self), self->n_ever,
              md_connections_get_held(self->connections));
    g_hash_table_iter_init(&iter, self->entries);
    for (guint i = 0;
         i < MD_SERVER_LOGGED_MAX && g_hash_table_iter_next(&iter, NULL, (gpointer *)&entry); i++)
        entry_log_state(entry);
    md_dispatch_log_state(self->dispatch);
    md_access_log_state(self->access);
}


static void
read_entry(const MdServerEntry *entry, MdServerClient *client)
{
    const MdSession *session = entry->session;

    client->number = entry->number;
    client->since = entry->since;
    client->read_only = entry->read_only;
    client->identity = entry->peer;
    if (session != NULL) {
        client->read_only = md_session_is_read_only(entry->session);
        client->identity = md_session_get_identity(entry->session);
    }
}


void
md_server_for_each_client(MdServer *self, MdServerClientFunc func, gpointer data)
{
    g_autoptr(GPtrArray) entries = md_server_list_entries(self);

    for (guint i = 0; i < entries->len; i++) {
        MdServerClient client = { 0 };

        read_entry(entries->pdata[i], &client);
        func(&client, data);
    }
}


/* NULL: there is none. */
static MdServerEntry *
find_entry(MdServer *self, guint64 number)
{
    GHashTableIter iter;
    gpointer entry = NULL;

    g_hash_table_iter_init(&iter, self->entries);
    while (g_hash_table_iter_next(&iter, NULL, &entry)) {
        if (((MdServerEntry *)entry)->number == number)
            return entry;
    }
    return NULL;
}


gboolean
md_server_find_client(MdServer *self, guint64 number, MdServerClient *client)
{
    const MdServerEntry *entry = find_entry(self, number);

    if (entry == NULL)
        return FALSE;
    read_entry(entry, client);
    return TRUE;
}


void
md_server_disconnect_client(MdServer *self, guint64 number)
{
    const MdServerEntry *entry = find_entry(self, number);

    if (entry != NULL)
        md_client_close(entry->client);
}


guint
md_server_count_anonymous(MdServer *self)
{
    return md_connections_count_anonymous(self->connections);
}
