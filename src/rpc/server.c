/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "rpc/server.h"

#include <libvirt/libvirt.h>

#include "rpc/access.h"
#include "rpc/client.h"
#include "rpc/dispatch.h"
#include "rpc/listener.h"
#include "rpc/session.h"
#include "util/source.h"

/* Milliseconds that clients have for reading their last answers. */
#define FLUSH_TIMEOUT 5000

/* One in so many places is not for readers. */
#define READERS_LEAVE 4

struct _MdServer {
    GObject parent;

    MdDriver *driver;
    const MdSettings *settings;
    MdDispatch *dispatch;
    MdAccess *access;
    GPtrArray *listeners; /* of MdListener; NULL: not listening */
    GHashTable *sessions; /* MdClient → MdSession, both owned */
    guint64 n_ever;       /* clients that have come */
    guint n_anonymous;    /* clients that must authenticate still */
    GTask *stop;          /* NULL: not stopping */
    GSource *deadline;

    guint idle_timeout; /* milliseconds; 0: idle for ever */
    MdServerFunc idle_func;
    gpointer idle_data;
    GSource *idle; /* since nobody is there */
};

G_DEFINE_FINAL_TYPE(MdServer, md_server, G_TYPE_OBJECT)

static void on_no_calls(gpointer data);


/* Not in the middle of a walk through the table: closing takes a client out of it. */
static void
close_all(MdServer *self)
{
    g_autoptr(GList) clients = g_hash_table_get_keys(self->sessions);

    for (GList *link = clients; link != NULL; link = link->next)
        g_object_ref(link->data);
    for (GList *link = clients; link != NULL; link = link->next) {
        md_client_close(link->data);
        g_object_unref(link->data);
    }
}


static void
md_server_dispose(GObject *object)
{
    MdServer *self = MD_SERVER(object);

    self->idle_timeout = 0;
    md_source_clear(&self->idle);
    g_clear_pointer(&self->listeners, g_ptr_array_unref);
    if (self->sessions != NULL)
        close_all(self);
    if (self->dispatch != NULL)
        md_dispatch_set_idle_func(self->dispatch, NULL, NULL);
    g_clear_pointer(&self->sessions, g_hash_table_unref);
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
    self->sessions =
        g_hash_table_new_full(NULL, NULL, g_object_unref, (GDestroyNotify)md_session_unref);
}


MdServer *
md_server_new(MdDriver *driver, const MdSettings *settings)
{
    MdServer *self = g_object_new(MD_TYPE_SERVER, NULL);

    self->driver = g_object_ref(driver);
    self->settings = settings;
    self->access = md_access_new(settings);
    md_dispatch_set_idle_func(self->dispatch, on_no_calls, self);
    return self;
}


static void
finish_stop(MdServer *self)
{
    g_autoptr(GTask) stop = g_steal_pointer(&self->stop);

    md_source_clear(&self->deadline);
    g_task_return_boolean(stop, TRUE);
}


/* Too many clients wait outside. Readers, which anybody may be, leave some room for the others. */
static void
update_listeners(MdServer *self)
{
    guint n_clients = md_server_count_clients(self);
    guint most = self->settings->max_clients;

    for (guint i = 0; self->listeners != NULL && i < self->listeners->len; i++) {
        MdListener *listener = g_ptr_array_index(self->listeners, i);
        gboolean read_only = md_listener_is_read_only(listener);
        guint room = read_only ? most - most / READERS_LEAVE : most;
        gboolean full = md_access_is_guarded(self->access, read_only) &&
                        self->n_anonymous >= self->settings->max_anonymous_clients;

        md_listener_set_paused(listener, n_clients >= room || full);
    }
}


static gboolean
on_idle_timeout(gpointer user_data)
{
    MdServer *self = user_data;

    md_source_clear(&self->idle);
    self->idle_func(self->idle_data);
    return G_SOURCE_REMOVE;
}


/* A call may outlive its client. */
static void
update_idle(MdServer *self)
{
    if (self->idle_timeout == 0 || md_server_count_clients(self) > 0 ||
        md_dispatch_count_calls(self->dispatch) > 0)
        md_source_clear(&self->idle);
    else if (self->idle == NULL)
        self->idle =
            md_source_attach(g_timeout_source_new(self->idle_timeout), on_idle_timeout, self);
}


static void
on_message(MdClient *client, const MdMessage *message, gpointer data)
{
    MdServer *self = data;
    g_autoptr(MdSession) session = md_session_ref(g_hash_table_lookup(self->sessions, client));

    md_dispatch_message(self->dispatch, session, message);
}


static void
on_closed(MdClient *client, gpointer data)
{
    MdServer *self = data;

    MdSession *session = g_hash_table_lookup(self->sessions, client);
    guint64 number = md_session_get_number(session);

    if (!md_session_is_authenticated(session))
        self->n_anonymous--;
    md_session_end(session);
    g_hash_table_remove(self->sessions, client);
    g_debug("client %" G_GUINT64_FORMAT " has gone, %u are left", number,
            md_server_count_clients(self));
    update_listeners(self);
    update_idle(self);
    if (self->deadline != NULL && md_server_count_clients(self) == 0)
        finish_stop(self);
}


static void
on_authenticated(gpointer data)
{
    MdServer *self = data;

    self->n_anonymous--;
    update_listeners(self);
}


static void
log_client(MdSession *session, gboolean read_only)
{
    g_autofree char *who = md_identity_describe(md_session_get_peer(session));

    g_debug("client %" G_GUINT64_FORMAT " has come%s: %s", md_session_get_number(session),
            read_only ? " to read" : "", who);
}


static void
on_client(GSocket *socket, gboolean read_only, gpointer data)
{
    static const MdClientFuncs funcs = { on_message, on_closed };
    MdServer *self = data;
    MdClient *client = md_client_new(socket, self->settings);
    g_autoptr(MdIdentity) peer = md_identity_new_from_socket(socket);
    MdSession *session = md_session_new(client, self->driver, self->access, peer, read_only);

    md_session_set_number(session, ++self->n_ever);
    log_client(session, read_only);
    g_hash_table_insert(self->sessions, client, session);
    md_session_set_authenticated_func(session, on_authenticated, self);
    if (!md_session_is_authenticated(session))
        self->n_anonymous++;
    md_client_start(client, &funcs, self);
    update_listeners(self);
    update_idle(self);
}


gboolean
md_server_listen(MdServer *self, GError **error)
{
    self->listeners = md_listener_open_all(self->settings, error);
    if (self->listeners == NULL)
        return FALSE;

    for (guint i = 0; i < self->listeners->len; i++) {
        MdListener *listener = g_ptr_array_index(self->listeners, i);

        g_info("listening on '%s'", md_listener_get_path(listener));
        md_listener_start(listener, on_client, self);
    }
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
md_server_reload(MdServer *self)
{
    GHashTableIter iter;
    gpointer client = NULL;

    g_hash_table_iter_init(&iter, self->sessions);
    while (g_hash_table_iter_next(&iter, &client, NULL))
        md_client_reload(client);
    update_listeners(self);
}


void
md_server_hold(MdServer *self)
{
    md_dispatch_hold(self->dispatch);
}


void
md_server_release(MdServer *self)
{
    md_dispatch_release(self->dispatch);
}


guint
md_server_count_clients(MdServer *self)
{
    return g_hash_table_size(self->sessions);
}


static gboolean
on_deadline(gpointer user_data)
{
    close_all(user_data);
    return G_SOURCE_REMOVE;
}


/* The session may end in here: a client that does not read is cut off. */
static void
dismiss(MdClient *client, MdSession *session, gboolean only_idle)
{
    g_autoptr(MdSession) guard G_GNUC_UNUSED = md_session_ref(session);

    if (!md_session_is_authenticated(session)) {
        md_client_close(client);
    } else if (only_idle && md_client_count_calls(client) > 0) {
        md_client_stop_reading(client);
    } else {
        md_session_notify_closed(session, VIR_CONNECT_CLOSE_REASON_EOF);
        md_session_close_when_sent(session);
    }
}


/* Says good-bye to all clients, or to those that wait for nothing. */
static void
dismiss_clients(MdServer *self, gboolean only_idle)
{
    g_autoptr(GList) clients = g_hash_table_get_keys(self->sessions);

    for (GList *link = clients; link != NULL; link = link->next)
        g_object_ref(link->data);
    for (GList *link = clients; link != NULL; link = link->next) {
        g_autoptr(MdClient) client = link->data;
        MdSession *session = g_hash_table_lookup(self->sessions, client);

        if (session != NULL)
            dismiss(client, session, only_idle);
    }
}


/* All calls are answered: what is left is to say good-bye. */
static void
say_goodbye(MdServer *self)
{
    md_dispatch_set_idle_func(self->dispatch, NULL, NULL);
    if (md_server_count_clients(self) == 0) {
        finish_stop(self);
        return;
    }

    self->deadline = md_source_attach(g_timeout_source_new(FLUSH_TIMEOUT), on_deadline, self);
    dismiss_clients(self, FALSE);
}


static void
on_no_calls(gpointer data)
{
    MdServer *self = data;

    if (self->stop != NULL)
        say_goodbye(self);
    else
        update_idle(self);
}


void
md_server_stop_async(MdServer *self, GAsyncReadyCallback callback, gpointer user_data)
{
    g_return_if_fail(self->stop == NULL);

    self->stop = g_task_new(self, NULL, callback, user_data);
    g_task_set_source_tag(self->stop, md_server_stop_async);
    g_clear_pointer(&self->listeners, g_ptr_array_unref);
    self->idle_timeout = 0;
    md_source_clear(&self->idle);

    /* Those whose calls are under way hold nobody else up. */
    dismiss_clients(self, TRUE);
    if (md_dispatch_count_calls(self->dispatch) == 0)
        say_goodbye(self);
}


void
md_server_stop_finish(MdServer *self, GAsyncResult *result)
{
    g_return_if_fail(g_task_is_valid(result, self));

    g_task_propagate_boolean(G_TASK(result), NULL);
}
