/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "admin/admin.h"

#include "admin/admin-private.h"
#include "admin/call.h"

/* Memory of all connections to the socket. */
#define MEMORY_MAX (8 << 20)

static void on_start(gpointer data);
static MdConnectionState on_get_state(gpointer data);
static void on_evict(gpointer data, const char *cause);


static void
entry_clear(MdAdminEntry *entry)
{
    md_identity_unref(entry->peer);
    md_connection_unref(entry->connection);
    g_clear_object(&entry->client);
}


void
md_admin_entry_unref(MdAdminEntry *entry)
{
    g_rc_box_release_full(entry, (GDestroyNotify)entry_clear);
}


MdAdmin *
md_admin_new(MdServer *server, const MdSettings *settings, const MdAdminFuncs *funcs, gpointer data)
{
    static const MdConnectionFuncs connection_funcs = { on_start, on_get_state, on_evict };
    MdAdmin *self = g_new0(MdAdmin, 1);

    self->server = server;
    self->settings = settings;
    self->funcs = funcs;
    self->data = data;
    self->limits = *settings;
    self->limits.max_clients = MD_ADMIN_CONNECTIONS_MAX;
    self->limits.max_clients_per_user = MD_ADMIN_CONNECTIONS_MAX;
    self->limits.max_memory = MEMORY_MAX;
    self->connections = md_connections_new(&self->limits, &connection_funcs);
    return self;
}


static void
on_message(MdClient *client G_GNUC_UNUSED, const MdMessage *message, gpointer data)
{
    md_admin_call_begin(data, message);
}


static void
on_closed(MdClient *client G_GNUC_UNUSED, gpointer data)
{
    MdAdminEntry *entry = data;
    MdAdmin *self = entry->admin;

    g_debug("Administration client %" G_GUINT64_FORMAT " disconnected", entry->number);
    g_queue_unlink(&self->entries, &entry->link);
    md_admin_entry_unref(entry);
    if (g_queue_is_empty(&self->entries))
        md_server_inhibit_idle(self->server, FALSE);
}


static void
on_start(gpointer data)
{
    MdAdminEntry *entry = data;

    md_client_start(entry->client);
}


static MdConnectionState
on_get_state(gpointer data)
{
    MdAdminEntry *entry = data;

    return md_client_count_calls(entry->client) > 0 ? MD_CONNECTION_BUSY : MD_CONNECTION_IDLE;
}


static void
on_evict(gpointer data, const char *cause)
{
    MdAdminEntry *entry = data;

    md_client_cut_off(entry->client, cause);
}


/* Never evicts a connection, because all connections belong to the same user. */
static MdConnection *
entry_admit(MdAdminEntry *entry, uid_t uid, gboolean scarce)
{
    const MdConnectionPeer peer = { .share = uid };

    return md_connections_admit(entry->admin->connections, &peer, scarce, entry);
}


static void
admit_client(MdAdmin *self, GSocket *socket, uid_t uid, gboolean scarce)
{
    static const MdClientFuncs funcs = { on_message, on_closed };
    MdAdminEntry *entry = g_rc_box_new0(MdAdminEntry);

    entry->admin = self;
    entry->connection = entry_admit(entry, uid, scarce);
    if (entry->connection == NULL) {
        g_info("Refusing administration client: too many connections");
        md_admin_entry_unref(entry);
        return;
    }

    entry->number = ++self->n_ever;
    entry->since = g_get_real_time() / G_USEC_PER_SEC;
    entry->peer = md_identity_new_from_socket(self->settings->roots, socket);
    entry->client = md_client_new(socket, &self->limits, entry->connection, &funcs, entry);
    md_client_set_share(entry->client, uid);
    md_client_set_frame_limit(entry->client, MD_ADMIN_FRAME_MAX);
    entry->link.data = entry;
    g_queue_push_tail_link(&self->entries, &entry->link);
    g_debug("Administration client %" G_GUINT64_FORMAT " connected", entry->number);
    md_server_inhibit_idle(self->server, TRUE);
    md_connection_start(entry->connection);
}


/* Does not rely on the mode of the socket, because systemd may pass a socket of any mode. */
static void
on_client(GSocket *socket, gboolean read_only G_GNUC_UNUSED, gboolean scarce, gpointer data)
{
    uid_t uid = md_identity_get_peer_uid(socket);

    if (md_identity_is_privileged_uid(uid))
        admit_client(data, socket, uid, scarce);
    else
        g_info("Refusing administration client of user %u", uid);
}


gboolean
md_admin_listen(MdAdmin *self, MdPassedFds *passed, GError **error)
{
    g_autoptr(GError) err = NULL;

    self->listener = md_listener_open_admin(self->settings, passed->listening, &err);
    if (err != NULL) {
        g_propagate_error(error, g_steal_pointer(&err));
        return FALSE;
    }
    if (self->listener != NULL) {
        g_info("Listening on '%s'", md_listener_get_path(self->listener));
        md_listener_start(self->listener, on_client, self);
    }
    return TRUE;
}


void
md_admin_stop(MdAdmin *self)
{
    MdAdminEntry *entry = NULL;

    g_clear_pointer(&self->listener, md_listener_free);
    while ((entry = g_queue_peek_head(&self->entries)) != NULL)
        md_client_close(entry->client);
}


void
md_admin_free(MdAdmin *self)
{
    if (self == NULL)
        return;

    md_admin_stop(self);
    md_connections_unref(self->connections);
    g_free(self);
}
