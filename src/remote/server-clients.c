/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "remote/server-clients.h"

#include "remote/server-private.h"


char *
md_server_describe_guest(const MdGuest *guest)
{
    g_autofree char *peer = md_identity_describe(guest->peer);
    const MdIdentity *identity =
        guest->session != NULL ? md_session_get_identity(guest->session) : guest->peer;
    g_autofree char *who = NULL;

    if (identity == guest->peer)
        return g_steal_pointer(&peer);
    who = md_identity_describe(identity);
    return g_strdup_printf("%s; via %s", who, peer);
}


static int
compare_guests(gconstpointer one, gconstpointer other)
{
    guint64 first = (*(MdGuest *const *)one)->number;
    guint64 second = (*(MdGuest *const *)other)->number;

    return first < second ? -1 : first > second;
}


GPtrArray *
md_server_list_guests(MdServer *self)
{
    GPtrArray *guests = g_ptr_array_new();
    GHashTableIter iter;
    gpointer guest = NULL;

    g_hash_table_iter_init(&iter, self->guests);
    while (g_hash_table_iter_next(&iter, NULL, &guest))
        g_ptr_array_add(guests, guest);
    g_ptr_array_sort(guests, compare_guests);
    return guests;
}


static void
guest_log_state(const MdGuest *guest)
{
    g_autofree char *who = md_server_describe_guest(guest);
    const char *state = "connecting";

    if (guest->session != NULL && md_session_is_open(guest->session))
        state = md_session_is_read_only(guest->session) ? "read-only" : "read-write";
    g_message("Client %" G_GUINT64_FORMAT ": %s, %s, %u calls, %" G_GSIZE_FORMAT " bytes in use",
              guest->number, who, state, md_client_count_calls(guest->client),
              md_connection_get_held(guest->connection));
}


void
md_server_log_state(MdServer *self)
{
    GHashTableIter iter;
    MdGuest *guest = NULL;

    g_message("%u clients, %" G_GUINT64_FORMAT " since start, %" G_GSIZE_FORMAT " bytes in use",
              md_server_count_clients(self), self->n_ever,
              md_connections_get_held(self->connections));
    g_hash_table_iter_init(&iter, self->guests);
    for (guint i = 0;
         i < MD_SERVER_LOGGED_MAX && g_hash_table_iter_next(&iter, NULL, (gpointer *)&guest); i++)
        guest_log_state(guest);
    md_dispatch_log_state(self->dispatch);
    md_access_log_state(self->access);
}


static void
read_guest(const MdGuest *guest, MdServerClient *client)
{
    const MdSession *session = guest->session;

    client->number = guest->number;
    client->since = guest->since;
    client->read_only = guest->read_only;
    client->identity = guest->peer;
    if (session != NULL) {
        client->read_only = md_session_is_read_only(guest->session);
        client->identity = md_session_get_identity(guest->session);
    }
}


void
md_server_for_each_client(MdServer *self, MdServerClientFunc func, gpointer data)
{
    g_autoptr(GPtrArray) guests = md_server_list_guests(self);

    for (guint i = 0; i < guests->len; i++) {
        MdServerClient client = { 0 };

        read_guest(guests->pdata[i], &client);
        func(&client, data);
    }
}


/* NULL: there is none. */
static MdGuest *
find_guest(MdServer *self, guint64 number)
{
    GHashTableIter iter;
    gpointer guest = NULL;

    g_hash_table_iter_init(&iter, self->guests);
    while (g_hash_table_iter_next(&iter, NULL, &guest)) {
        if (((MdGuest *)guest)->number == number)
            return guest;
    }
    return NULL;
}


gboolean
md_server_find_client(MdServer *self, guint64 number, MdServerClient *client)
{
    const MdGuest *guest = find_guest(self, number);

    if (guest == NULL)
        return FALSE;
    read_guest(guest, client);
    return TRUE;
}


void
md_server_disconnect_client(MdServer *self, guint64 number)
{
    const MdGuest *guest = find_guest(self, number);

    if (guest != NULL)
        md_client_close(guest->client);
}


guint
md_server_count_anonymous(MdServer *self)
{
    return md_connections_count_anonymous(self->connections);
}
