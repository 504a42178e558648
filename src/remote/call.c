/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "remote/call.h"

#include "remote/call-log.h"
#include "remote/wire-error.h"
#include "util/error.h"

struct _MdCall {
    guint refs; /* one until the reply has been sent, one until the call has been logged */
    MdSession *session;
    MdIdentity *who;
    MdOwner *owner;
    MdFairQueue *slow;
    MdFairEntry entry;
    void (*begin)(MdCall *call); /* called when the limits allow */
    const MdProcedure *procedure;
    md_header header;
    gpointer args;    /* NULL: there are none */
    gsize cost;       /* of the message, from md_client_begin_call() */
    char *authorized; /* the device in the last request to polkit */
    gint64 since;     /* monotonic time of the call's arrival */
    char *parent;     /* of the device that the call changes, for the log; NULL: unknown */
    gboolean begun;   /* the driver has been asked for a change */
    char *changed;    /* the device being changed; NULL: a new one without a name */
    guint64 number;
    gboolean answered; /* the reply is queued or sent */
    gboolean left;     /* to the next daemon: no reply of the handler is sent */
    MdCallEndedFunc ended;
    gpointer data;

    GQueue *held; /* of MdCall, linked by `link`; NULL: not held */
    GList link;
    MdOwnerWatch watch; /* while the call is held */
};


static gboolean
is_change(MdCall *self)
{
    return (self->procedure->flags & MD_PROCEDURE_CHANGE) != 0;
}


/* The name of the device that the call changes: the result `ret` of a call that creates a device,
 * else an argument. NULL: the call changes no device, or has not created the device. */
static const char *
get_device_name(MdCall *self, gconstpointer ret)
{
    gboolean is_new = (self->procedure->flags & MD_PROCEDURE_NEW) != 0;
    gconstpointer named = is_new ? ret : self->args;

    return is_change(self) && named != NULL ? *(char *const *)named : NULL;
}


static char *
dup_parent(MdCall *self, const char *name)
{
    const char *parent = NULL;

    if (name != NULL)
        md_driver_get_parent(md_session_get_driver(self->session), name, &parent, NULL);
    return g_strdup(parent);
}


static void
log_end(MdCall *self, const char *device, const GError *error)
{
    if (is_change(self))
        md_call_log_change(self->session, self->who, self->procedure->function, device,
                           self->parent, self->since, error);
    else if (error != NULL)
        g_debug("%s: %s", self->procedure->function, error->message);
}


MdCall *
md_call_new(MdSession *session,
            const MdProcedure *procedure,
            const md_header *header,
            gpointer args,
            MdFairQueue *slow,
            MdCallEndedFunc ended,
            gpointer data)
{
    MdCall *self = g_new0(MdCall, 1);

    self->refs = 1;
    self->session = md_session_ref(session);
    self->who = md_identity_ref(md_session_get_identity(session));
    self->owner = md_owner_ref(md_session_get_owner(session));
    self->procedure = procedure;
    self->header = *header;
    self->args = args;
    self->slow = slow;
    self->ended = ended;
    self->data = data;
    self->since = g_get_monotonic_time();
    self->parent = dup_parent(self, get_device_name(self, NULL));
    self->cost = md_client_begin_call(md_session_get_client(session));
    if ((procedure->flags & MD_PROCEDURE_ALONE) != 0)
        md_client_set_alone(md_session_get_client(session), TRUE);
    return self;
}


void
md_call_log_state(MdCall *self)
{
    const char *device = get_device_name(self, NULL);

    g_message("Client %" G_GUINT64_FORMAT ": %s of '%s' running for %.1f s",
              md_session_get_number(self->session), self->procedure->function,
              device != NULL ? device : "", (double)(g_get_monotonic_time() - self->since) / 1e6);
}


MdSession *
md_call_get_session(MdCall *self)
{
    return self->session;
}


MdDriver *
md_call_get_driver(MdCall *self)
{
    return md_session_get_driver(self->session);
}


MdIdentity *
md_call_get_identity(MdCall *self)
{
    return self->who;
}


MdOwner *
md_call_get_owner(MdCall *self)
{
    return self->owner;
}


gconstpointer
md_call_get_args(MdCall *self)
{
    return self->args;
}


static void
call_unref(MdCall *self)
{
    if (--self->refs > 0)
        return;

    md_session_unref(self->session);
    md_identity_unref(self->who);
    md_owner_unref(self->owner);
    if (self->args != NULL)
        md_message_clear(self->procedure->args, self->args);
    g_free(self->args);
    g_free(self->authorized);
    g_free(self->parent);
    g_free(self->changed);
    g_free(self);
}


static void
on_sent(gpointer data)
{
    MdCall *self = data;

    md_client_end_call(md_session_get_client(self->session), self->cost);
    md_fair_entry_leave(&self->entry);
    self->ended(self, self->data);
    call_unref(self);
}


/* Queues the reply before logging, so that the client does not wait for the log. Logs at once,
 * because a client that does not read can delay its reply. */
static void
call_end(MdCall *self, GBytes *frame, gconstpointer ret, const GError *error)
{
    const char *device = get_device_name(self, ret);

    self->answered = TRUE;
    if (self->left) {
        on_sent(self);
        return;
    }
    if (self->parent == NULL)
        self->parent = dup_parent(self, device);
    if ((self->procedure->flags & MD_PROCEDURE_ALONE) != 0)
        md_client_set_alone(md_session_get_client(self->session), FALSE);

    self->refs++;
    md_session_send(self->session, frame, on_sent, self);
    log_end(self, device, error);
    call_unref(self);
}


static GBytes *
encode_reply(MdCall *self, xdrproc_t type, gconstpointer ret, GError **error)
{
    md_header header = self->header;

    header.type = MD_MESSAGE_REPLY;
    header.status = MD_STATUS_OK;
    return md_message_encode(&header, type, ret, error);
}


void
md_call_reply(MdCall *self, gconstpointer ret)
{
    GError *error = NULL;
    g_autoptr(GBytes) frame = encode_reply(self, self->procedure->ret, ret, &error);

    if (frame == NULL)
        md_call_fail(self, error);
    else
        call_end(self, frame, ret, NULL);
}


void
md_call_reply_as(MdCall *self, xdrproc_t type, gconstpointer ret)
{
    GError *error = NULL;
    g_autoptr(GBytes) frame = encode_reply(self, type, ret, &error);

    if (frame == NULL)
        md_call_fail(self, error);
    else
        call_end(self, frame, NULL, NULL);
}


void
md_call_fail(MdCall *self, GError *error)
{
    g_autoptr(GBytes) frame = md_wire_error_encode(&self->header, error);

    call_end(self, frame, NULL, error);
    g_error_free(error);
}


guint
md_call_get_permissions(MdCall *self)
{
    const MdProcedure *procedure = self->procedure;
    guint more = 0;

    if (procedure->get_more_permissions != NULL)
        more = procedure->get_more_permissions(self->args);
    return procedure->permissions | more;
}


static gboolean
is_about_device(guint permissions)
{
    return permissions >= MD_MAY_GETATTR;
}


/*
 * Sets the device on which the permissions are checked; NULL: on the connection. FALSE: the device
 * does not exist, and the call will fail for that reason.
 */
static gboolean
find_device(MdCall *self, guint permissions, const char **device)
{
    MdDriver *driver = md_call_get_driver(self);

    *device = NULL;
    if (!is_about_device(permissions))
        return TRUE;
    if ((self->procedure->flags & MD_PROCEDURE_NEW) != 0) {
        *device = MD_ACCESS_NEW_DEVICE;
        return TRUE;
    }
    if (self->procedure->find_device != NULL) {
        *device = self->procedure->find_device(driver, self->args);
        return *device != NULL;
    }
    *device = *(char *const *)self->args;
    return md_driver_look_up(driver, *device, NULL) != NULL;
}


/* Whether the arguments still identify the authorized device: arguments other than a name may
 * identify another one by now. */
static gboolean
is_still_authorized(MdCall *self)
{
    const MdProcedure *procedure = self->procedure;
    const char *device = NULL;

    if (procedure->find_device == NULL)
        return TRUE;
    device = procedure->find_device(md_call_get_driver(self), self->args);
    return g_strcmp0(device, self->authorized) == 0;
}


static void authorize_call(MdCall *self);


static void
call_abandon(MdCall *self)
{
    GError *error = NULL;

    md_error_set_from(&error, VIR_FROM_RPC, VIR_ERR_OPERATION_ABORTED, "the client disconnected");
    md_call_fail(self, error);
}


/* Runs the handler, unless the client has disconnected, or the next daemon runs it. */
static void
call_handle(MdCall *self)
{
    if (self->left || md_owner_is_gone(self->owner))
        call_abandon(self);
    else
        self->procedure->handler(self, self->args);
}


static void
on_authorized(GObject *source, GAsyncResult *result, gpointer data)
{
    MdCall *self = data;
    GError *error = NULL;

    if (!md_access_check_finish(MD_ACCESS(source), result, &error))
        md_call_fail(self, error);
    else if (!is_still_authorized(self))
        authorize_call(self);
    else
        call_handle(self);
}


static void
authorize_call(MdCall *self)
{
    MdAccess *access = md_session_get_access(self->session);
    guint permissions = md_call_get_permissions(self);
    const char *device = NULL;

    if (permissions == 0 || md_access_is_exempt(access, self->who) ||
        !find_device(self, permissions, &device)) {
        call_handle(self);
        return;
    }
    g_free(self->authorized);
    self->authorized = g_strdup(device);
    md_access_check_async(access, self->who, permissions, device, self->owner, on_authorized, self);
}


static void
on_turn(gpointer data)
{
    MdCall *self = data;

    self->begin(self);
}


static void
on_refused(gpointer data, GError *error)
{
    md_call_fail(data, error);
}


void
md_call_wait_for_turn(MdCall *self, void (*begin)(MdCall *call))
{
    static const MdFairFuncs funcs = { on_turn, on_refused };
    GError *error = NULL;

    self->begin = begin;
    if (!md_fair_queue_join(self->slow, &self->entry, self->owner, &funcs, self, &error))
        md_call_fail(self, error);
}


void
md_call_run(MdCall *self)
{
    if (is_change(self))
        md_call_wait_for_turn(self, authorize_call);
    else
        authorize_call(self);
}


static void
on_owner_gone(gpointer data)
{
    MdCall *self = data;

    g_queue_unlink(self->held, &self->link);
    self->held = NULL;
    call_abandon(self);
}


void
md_call_hold(MdCall *self, GQueue *held)
{
    self->held = held;
    self->link.data = self;
    g_queue_push_tail_link(held, &self->link);
    md_owner_watch(self->owner, &self->watch, on_owner_gone, self);
}


void
md_call_release(MdCall *self)
{
    g_queue_unlink(self->held, &self->link);
    self->held = NULL;
    md_owner_unwatch(&self->watch);
    md_call_run(self);
}


gboolean
md_call_is_exempt(MdCall *self)
{
    return md_access_is_exempt(md_session_get_access(self->session), self->who);
}


gboolean
md_call_begin_change(MdCall *self, const char *device, const char *parent)
{
    if (self->left) {
        call_abandon(self);
        return FALSE;
    }
    self->begun = TRUE;
    self->changed = g_strdup(device);
    if (self->parent == NULL)
        self->parent = g_strdup(parent);
    return TRUE;
}


gboolean
md_call_is_login(MdCall *self)
{
    return (self->procedure->flags & MD_PROCEDURE_LOGIN) != 0;
}


void
md_call_set_number(MdCall *self, guint64 number)
{
    self->number = number;
}


guint64
md_call_get_number(MdCall *self)
{
    return self->number;
}


gboolean
md_call_is_answered(MdCall *self)
{
    return self->answered;
}


/* The message of the call, as the client has sent it. */
static void
call_put_back(MdCall *self)
{
    g_autoptr(GBytes) frame =
        md_message_encode(&self->header, self->procedure->args, self->args, NULL);

    if (frame != NULL)
        md_client_put_back(md_session_get_client(self->session), &self->header, frame);
}


static void
call_answer_unknown(MdCall *self)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) frame = NULL;

    md_error_set(&error, VIR_ERR_OPERATION_ABORTED,
                 "%s %s '%s': the daemon was stopped or restarted during the call, and the result "
                 "is unknown",
                 self->procedure->function, self->changed != NULL ? "of" : "on",
                 self->changed != NULL ? self->changed : self->parent);
    frame = md_wire_error_encode(&self->header, error);
    md_session_send(self->session, frame, NULL, NULL);
    log_end(self, self->changed, error);
}


void
md_call_leave(MdCall *self)
{
    self->left = TRUE;
    if (self->begun)
        call_answer_unknown(self);
    else
        call_put_back(self);
}
