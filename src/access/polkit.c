/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "access/polkit.h"

#include "util/deadline.h"
#include "util/error.h"

#define BUS_NAME  "org.freedesktop.PolicyKit1"
#define PATH      "/org/freedesktop/PolicyKit1/Authority"
#define INTERFACE "org.freedesktop.PolicyKit1.Authority"

/* CheckAuthorization's flag AllowUserInteraction. */
#define ALLOW_INTERACTION 1

/* A check, with one reference for each pending callback. */
typedef struct {
    MdPolkit *polkit;
    GTask *task; /* NULL: answered */
    char *action;
    GVariant *parameters;
    char *id;             /* with which to cancel a password prompt; empty if there can be none */
    GCancellable *asking; /* NULL: not asked yet */
    MdDeadline deadline;
    MdFairEntry entry;
    MdOwnerWatch watch; /* set when the check has left the queue */
} Check;

struct _MdPolkit {
    GObject parent;

    GDBusConnection *bus;     /* NULL: not connected */
    GCancellable *connecting; /* NULL: not connecting */
    gboolean failing;         /* the bus is unreachable, checks in `due` are being failed */
    MdFairQueue *queue;       /* of Check; queued ones are referenced */
    GQueue due;               /* of Check, referenced: waiting for a connection to the bus */
    guint64 n_interactive;    /* checks so far; numbers their ids */
};

G_DEFINE_FINAL_TYPE(MdPolkit, md_polkit, G_TYPE_OBJECT)

static void send_due_checks(MdPolkit *self);


static void
forget_bus(MdPolkit *self)
{
    if (self->bus != NULL)
        g_signal_handlers_disconnect_by_data(self->bus, self);
    g_clear_object(&self->bus);
}


static void
md_polkit_dispose(GObject *object)
{
    forget_bus(MD_POLKIT(object));
    G_OBJECT_CLASS(md_polkit_parent_class)->dispose(object);
}


/* The queue is empty, because each check references this object. */
static void
md_polkit_finalize(GObject *object)
{
    md_fair_queue_free(MD_POLKIT(object)->queue);
    G_OBJECT_CLASS(md_polkit_parent_class)->finalize(object);
}


static void
md_polkit_class_init(MdPolkitClass *klass)
{
    G_OBJECT_CLASS(klass)->dispose = md_polkit_dispose;
    G_OBJECT_CLASS(klass)->finalize = md_polkit_finalize;
}


static void
md_polkit_init(MdPolkit *self)
{
    g_queue_init(&self->due);
}


MdPolkit *
md_polkit_new(const MdFairLimits *limits)
{
    MdPolkit *self = g_object_new(MD_TYPE_POLKIT, NULL);

    self->queue = md_fair_queue_new("polkit checks", limits);
    return self;
}


static Check *
check_ref(Check *check)
{
    return g_rc_box_acquire(check);
}


static void
check_clear(Check *check)
{
    g_object_unref(check->polkit);
    g_free(check->action);
    g_variant_unref(check->parameters);
    g_free(check->id);
    g_clear_object(&check->asking);
}


static void
check_unref(Check *check)
{
    g_rc_box_release_full(check, (GDestroyNotify)check_clear);
}


G_DEFINE_AUTOPTR_CLEANUP_FUNC(Check, check_unref)


/* Completes the task. `error` NULL: authorized; else takes ownership of the error. */
static void
check_end(Check *check, GError *error)
{
    g_autoptr(GTask) task = g_steal_pointer(&check->task);

    md_deadline_clear(&check->deadline);
    md_owner_unwatch(&check->watch);
    if (error != NULL)
        g_task_return_error(task, error);
    else
        g_task_return_boolean(task, TRUE);
}


/* Completes the task early. A check sent to polkit occupies its slot until polkit has dropped
 * it. */
static void
check_give_up(Check *check, GError *error)
{
    MdPolkit *self = check->polkit;
    g_autoptr(Check) guard G_GNUC_UNUSED = check_ref(check);

    if (!md_fair_entry_is_running(&check->entry) || g_queue_remove(&self->due, check)) {
        md_fair_entry_leave(&check->entry);
        check_unref(check);
    }
    if (g_queue_is_empty(&self->due) && self->connecting != NULL)
        g_cancellable_cancel(self->connecting);

    /* Closes the password prompt, which would otherwise remain. */
    if (check->asking != NULL && *check->id != '\0' && self->bus != NULL)
        g_dbus_connection_call(self->bus, BUS_NAME, PATH, INTERFACE, "CancelCheckAuthorization",
                               g_variant_new("(s)", check->id), NULL, G_DBUS_CALL_FLAGS_NONE, -1,
                               NULL, NULL, NULL);
    if (check->asking != NULL)
        g_cancellable_cancel(check->asking);
    check_end(check, error);
}


static void
on_deadline(gpointer user_data)
{
    Check *check = user_data;
    GError *error = NULL;

    md_error_set_from(&error, VIR_FROM_POLKIT, VIR_ERR_OPERATION_TIMEOUT,
                      "polkit did not answer in time when asked to authorize '%s'", check->action);
    check_give_up(check, error);
}


static void
on_gone(gpointer user_data)
{
    GError *error = NULL;

    md_error_set_from(&error, VIR_FROM_POLKIT, VIR_ERR_OPERATION_ABORTED,
                      "authorization request cancelled");
    check_give_up(user_data, error);
}


/* Converts polkit's result; NULL if authorized. */
static GError *
read_answer(const Check *check, GVariant *reply)
{
    g_autoptr(GVariant) details = NULL;
    const char *dismissed = NULL;
    gboolean is_authorized = FALSE;
    gboolean is_challenge = FALSE;
    GError *error = NULL;

    g_variant_get(reply, "((bb@a{ss}))", &is_authorized, &is_challenge, &details);
    if (is_authorized)
        return NULL;

    if (g_variant_lookup(details, "polkit.dismissed", "&s", &dismissed) &&
        g_str_equal(dismissed, "true"))
        md_error_set_from(&error, VIR_FROM_POLKIT, VIR_ERR_AUTH_CANCELLED,
                          "user cancelled authentication process");
    else if (is_challenge)
        md_error_set_from(&error, VIR_FROM_POLKIT, VIR_ERR_AUTH_UNAVAILABLE,
                          "no polkit agent available to authenticate action '%s'", check->action);
    else
        md_error_set_from(&error, VIR_FROM_POLKIT, VIR_ERR_AUTH_FAILED, "access denied by policy");
    return error;
}


static void
on_answer(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(Check) check = user_data;
    g_autoptr(MdPolkit) guard G_GNUC_UNUSED = g_object_ref(check->polkit);
    g_autoptr(GError) err = NULL;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &err);
    GError *error = NULL;

    md_fair_entry_leave(&check->entry);
    if (check->task != NULL) {
        if (reply != NULL) {
            error = read_answer(check, reply);
        } else {
            g_dbus_error_strip_remote_error(err);
            md_error_set_from(&error, VIR_FROM_POLKIT, VIR_ERR_DBUS_SERVICE,
                              "polkit failed to check '%s': %s", check->action, err->message);
        }
        check_end(check, error);
    }
}


static void
send_check(MdPolkit *self, Check *check)
{
    check->asking = g_cancellable_new();
    g_dbus_connection_call(self->bus, BUS_NAME, PATH, INTERFACE, "CheckAuthorization",
                           check->parameters, G_VARIANT_TYPE("((bba{ss}))"), G_DBUS_CALL_FLAGS_NONE,
                           G_MAXINT, check->asking, on_answer, check_ref(check));
}


/* Fails all checks that wait for the bus, including those that leave the queue meanwhile. */
static void
fail_due(MdPolkit *self, const GError *cause)
{
    Check *check = NULL;

    self->failing = TRUE;
    while ((check = g_queue_pop_head(&self->due)) != NULL) {
        GError *error = NULL;

        md_error_set_from(&error, VIR_FROM_POLKIT, VIR_ERR_DBUS_SERVICE,
                          "Unable to reach polkit on the system bus: %s", cause->message);
        md_fair_entry_leave(&check->entry);
        check_end(check, error);
        check_unref(check);
    }
    self->failing = FALSE;
}


static void
on_bus_closed(GDBusConnection *bus G_GNUC_UNUSED,
              gboolean vanished G_GNUC_UNUSED,
              GError *error G_GNUC_UNUSED,
              gpointer user_data)
{
    g_debug("the system bus closed the connection");
    forget_bus(user_data);
}


static void
on_connected(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(MdPolkit) self = user_data;
    g_autoptr(GError) error = NULL;
    GDBusConnection *bus = g_dbus_connection_new_for_address_finish(result, &error);
    gboolean was_cancelled = g_cancellable_is_cancelled(self->connecting);

    g_clear_object(&self->connecting);
    if (bus != NULL) {
        self->bus = bus;
        g_signal_connect(bus, "closed", G_CALLBACK(on_bus_closed), self);
    } else if (!was_cancelled) {
        fail_due(self, error);
    }
    /* For checks that arrived after the connection attempt was cancelled: connects again. */
    send_due_checks(self);
}


static void
connect_bus(MdPolkit *self)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *address = g_dbus_address_get_for_bus_sync(G_BUS_TYPE_SYSTEM, NULL, &error);

    if (address == NULL) {
        fail_due(self, error);
        return;
    }
    self->connecting = g_cancellable_new();
    g_dbus_connection_new_for_address(address,
                                      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                          G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                      NULL, self->connecting, on_connected, g_object_ref(self));
}


/* Sends the waiting checks, or begins to connect to the bus. */
static void
send_due_checks(MdPolkit *self)
{
    if (self->bus != NULL && g_dbus_connection_is_closed(self->bus))
        forget_bus(self);
    if (self->connecting != NULL || self->failing || g_queue_is_empty(&self->due))
        return;
    if (self->bus == NULL) {
        connect_bus(self);
        return;
    }

    while (!g_queue_is_empty(&self->due)) {
        g_autoptr(Check) check = g_queue_pop_head(&self->due);

        send_check(self, check);
    }
}


static void
on_turn(gpointer user_data)
{
    Check *check = user_data;

    md_owner_watch(check->entry.owner, &check->watch, on_gone, check);
    g_queue_push_tail(&check->polkit->due, check);
    send_due_checks(check->polkit);
}


/* Releases the queue's reference. */
static void
on_refused(gpointer user_data, GError *cause)
{
    g_autoptr(Check) check = user_data;
    GError *error = NULL;

    md_error_set_from(&error, VIR_FROM_POLKIT, md_error_get_code(cause), "%s", cause->message);
    g_error_free(cause);
    check_end(check, error);
}


static GVariant *
make_parameters(const MdIdentity *who,
                const char *action,
                GVariant *details,
                gboolean interactive,
                const char *id)
{
    GVariantBuilder subject;

    g_variant_builder_init(&subject, G_VARIANT_TYPE_VARDICT);
    g_variant_builder_add(&subject, "{sv}", "pid", g_variant_new_uint32((guint32)who->pid));
    g_variant_builder_add(&subject, "{sv}", "start-time", g_variant_new_uint64(who->start_time));
    g_variant_builder_add(&subject, "{sv}", "uid", g_variant_new_int32((gint32)who->uid));
    if (details == NULL)
        details = g_variant_new_array(G_VARIANT_TYPE("{ss}"), NULL, 0);
    return g_variant_ref_sink(g_variant_new("((sa{sv})s@a{ss}us)", "unix-process", &subject, action,
                                            details, interactive ? ALLOW_INTERACTION : 0, id));
}


/*
 * Whether process, start time and user are known. Otherwise polkit would look up the user itself,
 * from the process that has the PID by then. polkit would also read a uid that is out of range as a
 * negative number.
 */
static gboolean
check_known(const MdIdentity *who, const char *action, GError **error)
{
    if (who->pid > 0 && who->start_time > 0 && who->uid >= 0 && who->uid <= G_MAXINT32)
        return TRUE;

    md_error_set_from(error, VIR_FROM_POLKIT, VIR_ERR_DBUS_SERVICE,
                      "Unable to check '%s' with polkit: process, start time or user of the client "
                      "is unknown or out of range",
                      action);
    return FALSE;
}


void
md_polkit_check_async(MdPolkit *self,
                      const MdIdentity *who,
                      const char *action,
                      GVariant *details,
                      gboolean interactive,
                      guint deadline,
                      MdOwner *owner,
                      GAsyncReadyCallback callback,
                      gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(self, NULL, callback, user_data);
    g_autoptr(GVariant) owned G_GNUC_UNUSED = details != NULL ? g_variant_ref_sink(details) : NULL;
    static const MdFairFuncs funcs = { on_turn, on_refused };
    GError *error = NULL;
    Check *check = NULL;

    g_task_set_source_tag(task, md_polkit_check_async);
    if (!check_known(who, action, &error)) {
        g_task_return_error(task, error);
        return;
    }

    check = g_rc_box_new0(Check);
    check->polkit = g_object_ref(self);
    check->task = g_steal_pointer(&task);
    check->action = g_strdup(action);
    check->id =
        interactive ? g_strdup_printf("%" G_GUINT64_FORMAT, ++self->n_interactive) : g_strdup("");
    check->parameters = make_parameters(who, action, details, interactive, check->id);
    md_deadline_set(&check->deadline, deadline, on_deadline, check);
    if (!md_fair_queue_join(self->queue, &check->entry, owner, &funcs, check, &error))
        on_refused(check, error);
}


gboolean
md_polkit_check_finish(MdPolkit *self, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_task_is_valid(result, self), FALSE);

    return g_task_propagate_boolean(G_TASK(result), error);
}


gboolean
md_polkit_is_answer(const GError *error)
{
    int code = md_error_get_code(error);

    return code == VIR_ERR_AUTH_FAILED || code == VIR_ERR_AUTH_CANCELLED ||
           code == VIR_ERR_AUTH_UNAVAILABLE;
}


void
md_polkit_log_state(MdPolkit *self)
{
    md_fair_queue_log(self->queue);
}
