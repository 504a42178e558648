/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "remote/session.h"

#include "protocol/text.h"
#include "remote/outbox.h"
#include "remote/subscriptions.h"
#include "util/error.h"
#include "util/settings.h"
#include "util/source.h"

#define URI_SCHEME "nodedev"

struct _MdSession {
    guint64 number;
    MdClient *client;
    MdDriver *driver;
    MdAccess *access;
    MdDeviceList *devices;
    MdOutbox *outbox;
    MdIdentity *peer;
    MdIdentity *identity;
    MdOwner *peer_owner;
    MdOwner *owner;   /* with the share of `identity` */
    gboolean monitor; /* connected to the socket for readers */
    gboolean authenticated;
    void (*on_authenticated)(gpointer data);
    gpointer data;
    GSource *auth_timeout; /* NULL: no authentication is awaited */
    char *uri;
    gboolean read_only;
    gboolean close_callback;
    MdSubscriptions *subscriptions;
    gsize subscriptions_cost; /* as last reported to `client` */
};


static gboolean
on_auth_timeout(gpointer data)
{
    MdSession *self = data;

    md_source_clear(&self->auth_timeout);
    g_info("Disconnecting client: it did not authenticate in time");
    md_client_close(self->client);
    return G_SOURCE_REMOVE;
}


static void
await_authentication(MdSession *self)
{
    guint timeout = md_access_get_settings(self->access)->auth_timeout;

    self->auth_timeout = md_source_attach(g_timeout_source_new(timeout), on_auth_timeout, self);
}


/* The longest frame to be kept: longer ones cannot be valid calls of this client. */
static void
update_frame_limit(MdSession *self)
{
    gsize limit = MD_MESSAGE_LIMIT_WRITER;

    if (!self->authenticated || self->uri == NULL)
        limit = MD_MESSAGE_LIMIT_UNOPENED;
    else if (self->read_only)
        limit = MD_MESSAGE_LIMIT_READER;
    md_client_set_frame_limit(self->client, limit);
}


/* A client that may not see the device does not receive the event. */
static void
on_event(GBytes *frame, const char *device, gpointer data)
{
    MdSession *self = data;

    md_outbox_send_if_visible(self->outbox, self->identity, self->owner, device, frame);
}


MdSession *
md_session_new(MdClient *client,
               const MdSessionShared *shared,
               MdIdentity *peer,
               gboolean read_only)
{
    MdSession *self = g_rc_box_new0(MdSession);

    self->client = g_object_ref(client);
    self->driver = shared->driver;
    self->access = g_object_ref(shared->access);
    self->devices = shared->devices;
    self->outbox = md_outbox_new(client, shared->access);
    self->peer = md_identity_ref(peer);
    self->identity = md_identity_ref(peer);
    self->peer_owner = md_owner_new(md_identity_get_share(peer));
    if (!read_only)
        md_owner_set_writer(self->peer_owner);
    self->owner = md_owner_ref(self->peer_owner);
    self->read_only = read_only;
    self->monitor = read_only;
    self->authenticated =
        !md_access_is_guarded(shared->access, read_only) || md_identity_is_privileged(peer);
    if (!self->authenticated)
        await_authentication(self);
    self->subscriptions = md_subscriptions_new(shared->driver, shared->frames, on_event, self);
    md_client_set_share(client, md_identity_get_share(peer));
    update_frame_limit(self);
    return self;
}


MdSession *
md_session_ref(MdSession *self)
{
    return g_rc_box_acquire(self);
}


static void
session_clear(MdSession *self)
{
    md_subscriptions_free(self->subscriptions);
    md_source_clear(&self->auth_timeout);
    md_outbox_unref(self->outbox);
    md_identity_unref(self->peer);
    md_identity_unref(self->identity);
    md_owner_unref(self->peer_owner);
    md_owner_unref(self->owner);
    g_object_unref(self->access);
    g_free(self->uri);
    g_object_unref(self->client);
}


void
md_session_unref(MdSession *self)
{
    if (self != NULL)
        g_rc_box_release_full(self, (GDestroyNotify)session_clear);
}


void
md_session_set_number(MdSession *self, guint64 number)
{
    self->number = number;
}


guint64
md_session_get_number(MdSession *self)
{
    return self->number;
}


MdClient *
md_session_get_client(MdSession *self)
{
    return self->client;
}


MdDriver *
md_session_get_driver(MdSession *self)
{
    return self->driver;
}


MdAccess *
md_session_get_access(MdSession *self)
{
    return self->access;
}


MdDeviceList *
md_session_get_devices(MdSession *self)
{
    return self->devices;
}


MdOwner *
md_session_get_owner(MdSession *self)
{
    return self->owner;
}


const MdIdentity *
md_session_get_peer(MdSession *self)
{
    return self->peer;
}


MdIdentity *
md_session_get_identity(MdSession *self)
{
    return self->identity;
}


gboolean
md_session_set_identity(MdSession *self, MdIdentity *identity, GError **error)
{
    guint64 share = md_identity_get_share(identity);

    if (!md_client_act_for(self->client, share, md_identity_is_privileged(identity), error))
        return FALSE;

    md_identity_ref(identity);
    md_identity_unref(self->identity);
    self->identity = identity;
    md_owner_unref(self->owner);
    self->owner = md_owner_new_for(self->peer_owner, share);
    return TRUE;
}


void
md_session_set_authenticated_func(MdSession *self, void (*func)(gpointer data), gpointer data)
{
    self->on_authenticated = func;
    self->data = data;
}


gboolean
md_session_is_authenticated(MdSession *self)
{
    return self->authenticated;
}


void
md_session_authenticate_async(MdSession *self, GAsyncReadyCallback callback, gpointer user_data)
{
    /* From now on polkit's own timeout applies. */
    md_source_clear(&self->auth_timeout);
    md_access_authenticate_async(self->access, self->peer, self->monitor, self->peer_owner,
                                 callback, user_data);
}


gboolean
md_session_authenticate_finish(MdSession *self, GAsyncResult *result, GError **error)
{
    if (!md_access_authenticate_finish(self->access, result, error)) {
        if (!md_owner_is_gone(self->owner))
            await_authentication(self);
        return FALSE;
    }

    self->authenticated = TRUE;
    update_frame_limit(self);
    if (self->on_authenticated != NULL)
        self->on_authenticated(self->data);
    return TRUE;
}


void
md_session_send(MdSession *self, GBytes *frame, void (*sent)(gpointer data), gpointer data)
{
    md_subscriptions_catch_up(self->subscriptions);
    md_outbox_send(self->outbox, frame, sent, data);
}


void
md_session_close_when_sent(MdSession *self)
{
    md_outbox_close_when_sent(self->outbox);
}


/* The path of this daemon's URI. */
static const char *
get_own_path(MdSession *self)
{
    return md_access_get_settings(self->access)->roots->is_session ? "/session" : "/system";
}


static gboolean
check_uri(MdSession *self, GUri *uri, const char *name, GError **error)
{
    const char *host = g_uri_get_host(uri);

    if (!g_str_equal(g_uri_get_scheme(uri), URI_SCHEME) || (host != NULL && *host != '\0')) {
        md_error_set_from(error, VIR_FROM_NONE, VIR_ERR_NO_CONNECT, "%s", name);
        return FALSE;
    }
    if (!g_str_equal(g_uri_get_path(uri), get_own_path(self))) {
        md_error_set_from(error, VIR_FROM_NONE, VIR_ERR_INTERNAL_ERROR,
                          "unexpected nodedev URI path '%s', try " URI_SCHEME "://%s",
                          g_uri_get_path(uri), get_own_path(self));
        return FALSE;
    }
    return TRUE;
}


gboolean
md_session_open(MdSession *self, const char *name, gboolean read_only, GError **error)
{
    g_autofree char *any = g_strconcat(URI_SCHEME "://", get_own_path(self), NULL);
    const char *wanted = name != NULL && *name != '\0' ? name : any;
    g_autoptr(GUri) uri = NULL;
    const char *query = NULL;

    if (self->uri != NULL) {
        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_INTERNAL_ERROR, "connection already open");
        return FALSE;
    }

    uri = g_uri_parse(wanted, G_URI_FLAGS_ENCODED, NULL);
    if (uri == NULL) {
        md_error_set_from(error, VIR_FROM_NONE, VIR_ERR_NO_CONNECT,
                          "URI '%s' does not include a driver name", wanted);
        return FALSE;
    }
    if (!check_uri(self, uri, wanted, error))
        return FALSE;

    query = g_uri_get_query(uri);
    self->uri = g_strconcat(any, query != NULL ? "?" : NULL, query, NULL);
    self->read_only = self->read_only || read_only;
    update_frame_limit(self);
    return TRUE;
}


gboolean
md_session_is_open(MdSession *self)
{
    return self->uri != NULL;
}


gboolean
md_session_is_read_only(MdSession *self)
{
    return self->read_only;
}


const char *
md_session_get_uri(MdSession *self)
{
    return self->uri;
}


/* May disconnect the client. */
static void
count_subscriptions(MdSession *self)
{
    gsize before = self->subscriptions_cost;

    self->subscriptions_cost = md_subscriptions_get_cost(self->subscriptions);
    if (self->subscriptions_cost > before)
        md_client_hold(self->client, self->subscriptions_cost - before);
    else
        md_client_release(self->client, before - self->subscriptions_cost);
}


static guint
get_callbacks_max(MdSession *self)
{
    return self->read_only ? MD_SUBSCRIPTIONS_READER_MAX : MD_SUBSCRIPTIONS_WRITER_MAX;
}


int
md_session_subscribe(MdSession *self, int event, const char *device, GError **error)
{
    int id = md_subscriptions_add(self->subscriptions, self->owner, event, device,
                                  get_callbacks_max(self), error);

    count_subscriptions(self);
    return id;
}


gboolean
md_session_unsubscribe(MdSession *self, int callback, GError **error)
{
    gboolean ok = md_subscriptions_remove(self->subscriptions, callback, error);

    count_subscriptions(self);
    return ok;
}


void
md_session_set_close_callback(MdSession *self, gboolean wanted)
{
    self->close_callback = wanted;
}


void
md_session_notify_closed(MdSession *self, int reason)
{
    const md_header header = { .prog = MD_PROGRAM_REMOTE,
                               .vers = MD_PROGRAM_VERSION,
                               .proc = MD_PROC_EVENT_CLOSED,
                               .type = MD_MESSAGE_EVENT };
    const md_closed_event closed = { reason };
    g_autoptr(GBytes) frame = NULL;

    if (!self->close_callback)
        return;
    self->close_callback = FALSE;
    frame = md_message_encode(&header, MD_XDR(md_closed_event), &closed, NULL);
    md_session_send(self, frame, NULL, NULL);
}


void
md_session_catch_up(MdSession *self)
{
    md_subscriptions_catch_up(self->subscriptions);
}


void
md_session_save(MdSession *self, md_handover_session *state)
{
    state->authenticated = self->authenticated;
    state->uri = md_maybe_text_new(self->uri);
    state->read_only = self->read_only;
    state->close_callback = self->close_callback;
    state->closing = md_outbox_is_closing(self->outbox) || md_client_is_closing(self->client);
    if (self->identity != self->peer) {
        state->identity = g_new0(md_handover_identity, 1);
        md_identity_save(self->identity, state->identity);
    }
    md_subscriptions_save(self->subscriptions, state);
    md_outbox_save(self->outbox, state);
}


/* Only root acts for others. */
static gboolean
restore_identity(MdSession *self, const md_handover_identity *state, GError **error)
{
    g_autoptr(MdIdentity) identity = md_identity_new_saved(state, error);

    if (identity == NULL)
        return FALSE;
    if (md_identity_is_privileged(self->peer))
        return md_session_set_identity(self, identity, error);
    md_error_set_from(error, VIR_FROM_NONE, VIR_ERR_OPERATION_DENIED,
                      "user %" G_GINT64_FORMAT " cannot act for another user", self->peer->uid);
    return FALSE;
}


gboolean
md_session_restore(MdSession *self, const md_handover_session *state, GError **error)
{
    self->authenticated = TRUE;
    md_source_clear(&self->auth_timeout);
    if (state->identity != NULL && !restore_identity(self, state->identity, error))
        return FALSE;
    if (state->uri != NULL && !md_session_open(self, *state->uri, state->read_only, error))
        return FALSE;
    update_frame_limit(self);
    self->close_callback = state->close_callback;
    md_outbox_restore(self->outbox, self->identity, self->owner, state);
    return TRUE;
}


gboolean
md_session_restore_callbacks(MdSession *self, const md_handover_session *state, GError **error)
{
    gboolean ok = md_subscriptions_restore(self->subscriptions, self->owner, state,
                                           get_callbacks_max(self), error);

    count_subscriptions(self);
    return ok;
}


void
md_session_end(MdSession *self)
{
    md_subscriptions_clear(self->subscriptions);
    count_subscriptions(self);
    md_source_clear(&self->auth_timeout);
    self->on_authenticated = NULL;
    md_owner_leave(self->owner);
    md_outbox_end(self->outbox);
}
