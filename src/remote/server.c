/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "remote/server-private.h"

#include "rpc/listener.h"
#include "util/polled.h"
#include "util/source.h"

G_DEFINE_FINAL_TYPE(MdServer, md_server, G_TYPE_OBJECT)

static void on_no_calls(gpointer data);
static void on_start(gpointer data);
static MdConnectionState on_get_state(gpointer data);
static void on_evict(gpointer data, const char *cause);


static void
entry_free(MdServerEntry *entry)
{
    g_clear_pointer(&entry->session, md_session_unref);
    md_identity_unref(entry->peer);
    md_connection_unref(entry->connection);
    g_clear_object(&entry->client);
    g_free(entry);
}


void
md_server_for_each_entry(MdServer *self,
                         void (*func)(MdServerEntry *entry, gpointer data),
                         gpointer data)
{
    g_autoptr(GList) clients = g_hash_table_get_keys(self->entries);

    for (GList *link = clients; link != NULL; link = link->next)
        g_object_ref(link->data);
    for (GList *link = clients; link != NULL; link = link->next) {
        g_autoptr(MdClient) client = link->data;
        MdServerEntry *entry = g_hash_table_lookup(self->entries, client);

        if (entry != NULL)
            func(entry, data);
    }
}


static void
entry_close(MdServerEntry *entry, gpointer data G_GNUC_UNUSED)
{
    md_client_close(entry->client);
}


void
md_server_close_clients(MdServer *self)
{
    md_server_for_each_entry(self, entry_close, NULL);
}


static void
md_server_dispose(GObject *object)
{
    MdServer *self = MD_SERVER(object);

    self->idle_timeout = 0;
    md_source_clear(&self->idle);
    md_source_clear(&self->handing_over);
    md_source_clear(&self->calls_timer);
    g_clear_pointer(&self->listeners, g_ptr_array_unref);
    if (self->entries != NULL)
        md_server_close_clients(self);
    md_handover_clear(&self->inherited);
    if (self->stop != NULL)
        md_server_finish_stop(self);
    if (self->dispatch != NULL)
        md_dispatch_set_idle_func(self->dispatch, NULL, NULL);
    g_clear_pointer(&self->entries, g_hash_table_unref);
    g_clear_pointer(&self->connections, md_connections_unref);
    g_clear_pointer(&self->frames, md_event_frames_free);
    g_clear_pointer(&self->devices, md_device_list_free);
    g_clear_pointer(&self->dispatch, md_dispatch_unref);
    g_clear_object(&self->access);
    g_clear_object(&self->driver);
    G_OBJECT_CLASS(md_server_parent_class)->dispose(object);
}


static void
md_server_class_init(MdServerClass *klass)
{
    G_OBJECT_CLASS(klass)->dispose = md_server_dispose;
}


static void
md_server_init(MdServer *self)
{
    self->dispatch = md_dispatch_new();
    self->frames = md_event_frames_new();
    self->entries = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)entry_free);
}


MdServer *
md_server_new(MdDriver *driver, const MdSettings *settings)
{
    static const MdConnectionFuncs funcs = { on_start, on_get_state, on_evict };
    MdServer *self = g_object_new(MD_TYPE_SERVER, NULL);

    self->driver = g_object_ref(driver);
    self->devices = md_device_list_new(driver);
    self->settings = settings;
    self->access = md_access_new(settings);
    self->connections = md_connections_new(settings, &funcs);
    md_dispatch_set_idle_func(self->dispatch, on_no_calls, self);
    return self;
}


static gboolean
on_idle_timeout(gpointer user_data)
{
    MdServer *self = user_data;

    md_source_clear(&self->idle);
    self->idle_func(self->idle_data);
    return G_SOURCE_REMOVE;
}


/* Calls count as well, because they may outlive their clients. */
static void
update_idle(MdServer *self)
{
    if (self->idle_timeout == 0 || self->idle_inhibited || md_server_count_clients(self) > 0 ||
        md_dispatch_count_calls(self->dispatch) > 0)
        md_source_clear(&self->idle);
    else if (self->idle == NULL)
        self->idle =
            md_source_attach(g_timeout_source_new(self->idle_timeout), on_idle_timeout, self);
}


static void
on_message(MdClient *client G_GNUC_UNUSED, const MdMessage *message, gpointer data)
{
    MdServerEntry *entry = data;
    g_autoptr(MdSession) session = md_session_ref(entry->session);

    md_dispatch_message(entry->server->dispatch, session, message);
}


static void
on_closed(MdClient *client, gpointer data)
{
    MdServer *self = ((MdServerEntry *)data)->server;
    guint64 number = ((MdServerEntry *)data)->number;
    g_autoptr(MdSession) session = g_steal_pointer(&((MdServerEntry *)data)->session);

    g_hash_table_remove(self->entries, client);
    if (session != NULL)
        md_session_end(session);
    g_debug("Client %" G_GUINT64_FORMAT " disconnected, %u left", number,
            md_server_count_clients(self));
    update_idle(self);
    if (self->deadline != NULL && md_server_count_clients(self) == 0)
        md_server_finish_stop(self);
}


static void
on_authenticated(gpointer data)
{
    MdServerEntry *entry = data;

    md_connection_set_authenticated(entry->connection);
}


/* Begins to serve the client, after restoring the session left by the previous daemon. May end the
 * client. */
static void
entry_start(const MdServerEntry *entry)
{
    g_autoptr(MdClient) client = g_object_ref(entry->client);
    g_autoptr(MdSession) session = md_session_ref(entry->session);
    gboolean stopping = entry->server->hands_over;
    gboolean closing = entry->inherited != NULL && entry->inherited->closing;
    g_autoptr(GError) error = NULL;

    if (entry->inherited != NULL && !md_session_restore(session, entry->inherited, &error)) {
        md_client_cut_off(client, error->message);
        return;
    }
    md_client_start(client);
    if (closing)
        md_session_close_when_sent(session);
    else if (stopping)
        md_client_stop_reading(client);
}


static void
on_start(gpointer data)
{
    MdServerEntry *entry = data;
    MdServer *self = entry->server;
    const MdSessionShared shared = { self->driver, self->access, self->frames, self->devices };

    entry->session = md_session_new(entry->client, &shared, entry->peer, entry->read_only);
    md_session_set_number(entry->session, entry->number);
    md_session_set_authenticated_func(entry->session, on_authenticated, entry);
    entry_start(entry);
}


static MdConnectionState
on_get_state(gpointer data)
{
    MdServerEntry *entry = data;

    if (md_client_count_calls(entry->client) > 0)
        return MD_CONNECTION_BUSY;
    return entry->session != NULL && md_session_is_open(entry->session) ? MD_CONNECTION_IDLE
                                                                        : MD_CONNECTION_SILENT;
}


static void
on_evict(gpointer data, const char *cause)
{
    MdServerEntry *entry = data;
    g_autofree char *who = md_server_describe_entry(entry);
    g_autofree char *why =
        g_strdup_printf("%s (client %" G_GUINT64_FORMAT ", %s)", cause, entry->number, who);

    md_client_cut_off(entry->client, why);
}


/* NULL: no room for this client. */
static MdConnection *
admit(MdServer *self, MdServerEntry *entry, uid_t uid, gboolean scarce)
{
    gboolean privileged = md_identity_is_privileged_uid(uid);
    const MdConnectionPeer peer = {
        .share = uid,
        .privileged = privileged,
        .read_only = entry->read_only,
        .anonymous = !privileged && entry->inherited == NULL &&
                     md_access_is_guarded(self->access, entry->read_only),
    };

    return md_connections_admit(self->connections, &peer, scarce, entry);
}


static void
log_client(const MdServerEntry *entry)
{
    g_autofree char *who = md_identity_describe(entry->peer);

    g_debug("Client %" G_GUINT64_FORMAT " %s%s: %s", entry->number,
            entry->inherited != NULL ? "taken over" : "connected",
            entry->read_only ? " read-only" : "", who);
}


/* Of an unauthenticated client, only input and output are restored. The input includes an
 * unanswered request to authenticate. Whether the client has shut down its writing side is not
 * saved: the next read from the socket shows it. */
static gboolean
entry_restore_client(MdServerEntry *entry, const md_handover_session *inherited)
{
    g_autoptr(GError) error = NULL;

    if (inherited == NULL || md_client_restore(entry->client, &inherited->client, &error))
        return TRUE;
    md_client_cut_off(entry->client, error->message);
    return FALSE;
}


void
md_server_admit(MdServer *self,
                GSocket *socket,
                MdIdentity *peer,
                gboolean read_only,
                gboolean scarce,
                const md_handover_session *inherited)
{
    static const MdClientFuncs funcs = { on_message, on_closed };
    MdServerEntry *entry = g_new0(MdServerEntry, 1);
    uid_t uid = md_identity_get_peer_uid(socket);

    entry->server = self;
    entry->read_only = read_only;
    entry->peer = peer;
    entry->inherited = inherited != NULL && inherited->authenticated ? inherited : NULL;
    entry->connection = admit(self, entry, uid, scarce);
    if (entry->connection == NULL) {
        g_info("Refusing client: too many connections, user %u", uid);
        entry_free(entry);
        return;
    }

    entry->number = ++self->n_ever;
    entry->since = inherited != NULL ? inherited->since : g_get_real_time() / G_USEC_PER_SEC;
    if (entry->peer == NULL)
        entry->peer = md_identity_new_from_socket(self->settings->roots, socket);
    entry->client = md_client_new(socket, self->settings, entry->connection, &funcs, entry);
    log_client(entry);
    g_hash_table_insert(self->entries, entry->client, entry);
    if (entry_restore_client(entry, inherited))
        md_connection_start(entry->connection);
    update_idle(self);
}


static void
on_client(GSocket *socket, gboolean read_only, gboolean scarce, gpointer data)
{
    md_server_admit(data, socket, NULL, read_only, scarce, NULL);
}


gboolean
md_server_listen(MdServer *self, MdPassedFds *passed, GError **error)
{
    if (!md_polled_prepare(error))
        return FALSE;
    self->listeners = md_listener_open_all(self->settings, passed->listening, error);
    if (self->listeners == NULL)
        return FALSE;
    /* Clients of the previous daemon precede those that wait to be accepted. */
    md_server_take_over(self, passed);
    for (guint i = 0; i < self->listeners->len; i++) {
        MdListener *listener = g_ptr_array_index(self->listeners, i);

        if (!md_listener_is_read_only(listener) && md_listener_is_open_to_all(listener))
            md_access_set_open_to_all(self->access);
        g_info("Listening on '%s'", md_listener_get_path(listener));
        md_listener_start(listener, on_client, self);
    }
    if (passed->listening->len > 0)
        md_access_announce(self->access);
    return TRUE;
}


void
md_server_set_idle_func(MdServer *self, guint timeout, MdServerFunc func, gpointer data)
{
    self->idle_timeout = timeout;
    self->idle_func = func;
    self->idle_data = data;
    update_idle(self);
}


void
md_server_inhibit_idle(MdServer *self, gboolean inhibited)
{
    self->idle_inhibited = inhibited;
    update_idle(self);
}


void
md_server_reload(MdServer *self)
{
    GHashTableIter iter;
    gpointer client = NULL;

    g_hash_table_iter_init(&iter, self->entries);
    while (g_hash_table_iter_next(&iter, &client, NULL))
        md_client_reload(client);
    md_connections_reload(self->connections);
}


void
md_server_hold(MdServer *self)
{
    md_dispatch_hold(self->dispatch);
}


guint
md_server_count_clients(MdServer *self)
{
    return g_hash_table_size(self->entries);
}


static void
on_no_calls(gpointer data)
{
    MdServer *self = data;

    if (self->stop != NULL)
        md_server_end_stop_if_idle(self);
    else
        update_idle(self);
}


void
md_server_release(MdServer *self)
{
    md_server_end_take_over(self);
    md_dispatch_release(self->dispatch);
    md_server_end_stop_if_idle(self);
}
