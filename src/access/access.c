/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "access/access.h"

#include <sys/stat.h>

#include "access/polkit.h"
#include "util/error.h"

#define ACTION_MANAGE  "org.libvirt.unix.manage"
#define ACTION_MONITOR "org.libvirt.unix.monitor"
#define ACTION_CONNECT "org.libvirt.api.connect."
#define ACTION_DEVICE  "org.libvirt.api.node-device."

/* The variables that rules see. */
#define DETAIL_DRIVER "connect_driver"
#define DETAIL_DEVICE "node_device_name"
#define DRIVER        "nodedev"

/* Maximum number of concurrent checks of one filter, so that other filters are not delayed. */
#define FILTER_WINDOW 8

typedef struct {
    MdPermission permission;
    const char *action;
} Action;

static const Action actions[] = {
    { MD_MAY_CONNECT_GETATTR, ACTION_CONNECT "getattr" },
    { MD_MAY_CONNECT_READ, ACTION_CONNECT "read" },
    { MD_MAY_CONNECT_WRITE, ACTION_CONNECT "write" },
    { MD_MAY_SEARCH, ACTION_CONNECT "search-node-devices" },
    { MD_MAY_GETATTR, ACTION_DEVICE "getattr" },
    { MD_MAY_READ, ACTION_DEVICE "read" },
    { MD_MAY_WRITE, ACTION_DEVICE "write" },
    { MD_MAY_SAVE, ACTION_DEVICE "save" },
    { MD_MAY_START, ACTION_DEVICE "start" },
    { MD_MAY_STOP, ACTION_DEVICE "stop" },
    { MD_MAY_DELETE, ACTION_DEVICE "delete" },
};

/* Password prompts: many open prompts of one user must not block others. */
static const MdFairLimits guard_limits = {
    .running = MD_POLKIT_MAX_ASKED,
    .running_per_owner = 8,
    .running_readers = 48,
    .running_per_reader = 8,
    .waiting = 1024,
    .waiting_per_owner = 64,
};

/* polkit answers checks one after the other, so other users wait at most for the few checks of one
 * user. */
static const MdFairLimits check_limits = {
    .running = MD_POLKIT_MAX_ASKED,
    .running_per_owner = 4,
    .running_readers = 48,
    .running_per_reader = 4,
    .waiting = 32768,
    .waiting_per_owner = 8192,
};

struct _MdAccess {
    GObject parent;

    const MdSettings *settings;
    /* Separate queues: a pending password prompt must not block other checks. */
    MdPolkit *guard;
    MdPolkit *checks;
    gboolean open_to_all;   /* the mode of the read-write socket */
    gboolean polkit_absent; /* did not answer the last time, which has been logged */
};

/* The remaining checks of one call. */
typedef struct {
    MdIdentity *who;
    MdOwner *owner;
    guint permissions;
    char *device;
} Check;

typedef struct {
    MdIdentity *who;
    MdOwner *owner;
    GPtrArray *names; /* NULL in place of a name that may not be seen */
    guint n_begun;
    guint n_under_way;
    GError *error; /* NULL: none yet */
} Filter;

/* One check of a filter. */
typedef struct {
    GTask *task;
    guint index;
} Question;

G_DEFINE_FINAL_TYPE(MdAccess, md_access, G_TYPE_OBJECT)


static void
md_access_dispose(GObject *object)
{
    MdAccess *self = MD_ACCESS(object);

    g_clear_object(&self->guard);
    g_clear_object(&self->checks);
    G_OBJECT_CLASS(md_access_parent_class)->dispose(object);
}


static void
md_access_class_init(MdAccessClass *klass)
{
    G_OBJECT_CLASS(klass)->dispose = md_access_dispose;
}


static void
md_access_init(MdAccess *self)
{
    self->guard = md_polkit_new(&guard_limits);
    self->checks = md_polkit_new(&check_limits);
}


MdAccess *
md_access_new(const MdSettings *settings)
{
    MdAccess *self = g_object_new(MD_TYPE_ACCESS, NULL);

    self->settings = settings;
    return self;
}


void
md_access_set_open_to_all(MdAccess *self)
{
    self->open_to_all = TRUE;
}


static MdAuth
get_auth(MdAccess *self, gboolean read_only)
{
    const MdSettings *settings = self->settings;

    if (read_only)
        return settings->auth_unix_ro;
    if (settings->auth_unix_rw == MD_AUTH_NONE && self->open_to_all &&
        (settings->socket_rw_mode & S_IWOTH) == 0)
        return MD_AUTH_ROOT;
    return settings->auth_unix_rw;
}


gboolean
md_access_is_guarded(MdAccess *self, gboolean read_only)
{
    return get_auth(self, read_only) != MD_AUTH_NONE;
}


const MdSettings *
md_access_get_settings(MdAccess *self)
{
    return self->settings;
}


/* Logs once that polkit does not answer, and once that it answers again. `error` NULL: authorized.
 */
static void
log_polkit_presence(MdAccess *self, const GError *error)
{
    gboolean absent = error != NULL && !md_polkit_is_answer(error);

    /* The client has left, or there are too many. */
    if (absent && md_error_get_code(error) != VIR_ERR_DBUS_SERVICE &&
        md_error_get_code(error) != VIR_ERR_OPERATION_TIMEOUT)
        return;
    if (absent && !self->polkit_absent)
        g_message("Only root may connect to a socket with authentication until polkit answers: %s",
                  error->message);
    else if (!absent && self->polkit_absent)
        g_message("polkit answers");
    self->polkit_absent = absent;
}


static void
on_authenticated(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    g_autoptr(GError) err = NULL;
    GError *error = NULL;

    if (md_polkit_check_finish(MD_POLKIT(source), result, &err)) {
        log_polkit_presence(g_task_get_source_object(task), NULL);
        g_task_return_boolean(task, TRUE);
        return;
    }

    log_polkit_presence(g_task_get_source_object(task), err);
    if (md_polkit_is_answer(err)) {
        g_task_return_error(task, g_steal_pointer(&err));
    } else {
        md_error_set_from(&error, VIR_FROM_POLKIT, VIR_ERR_AUTH_FAILED, "%s", err->message);
        g_task_return_error(task, error);
    }
}


void
md_access_authenticate_async(MdAccess *self,
                             const MdIdentity *peer,
                             gboolean read_only,
                             MdOwner *owner,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
    GTask *task = g_task_new(self, NULL, callback, user_data);
    GError *error = NULL;

    g_task_set_source_tag(task, md_access_authenticate_async);
    if (get_auth(self, read_only) == MD_AUTH_ROOT) {
        md_error_set_from(&error, VIR_FROM_POLKIT, VIR_ERR_AUTH_FAILED,
                          "only root may connect to this socket");
        g_task_return_error(task, error);
        g_object_unref(task);
        return;
    }
    md_polkit_check_async(self->guard, peer, read_only ? ACTION_MONITOR : ACTION_MANAGE, NULL, TRUE,
                          self->settings->auth_timeout, owner, on_authenticated, task);
}


gboolean
md_access_authenticate_finish(MdAccess *self, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_task_is_valid(result, self), FALSE);

    return g_task_propagate_boolean(G_TASK(result), error);
}


static void
on_polkit_found(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(MdAccess) self = data;
    g_autoptr(GError) error = NULL;

    if (md_polkit_check_finish(MD_POLKIT(source), result, &error))
        return;
    g_warning(
        "Only root may connect to a socket with authentication, because polkit is missing: %s",
        error->message);
    self->polkit_absent = TRUE;
}


static void
find_polkit(MdAccess *self)
{
    g_autoptr(MdIdentity) me = md_identity_new_own(self->settings->roots);

    md_polkit_check_async(self->guard, me, ACTION_MANAGE, NULL, FALSE,
                          self->settings->polkit_timeout, md_owner_get_daemon(), on_polkit_found,
                          g_object_ref(self));
}


void
md_access_announce(MdAccess *self)
{
    MdAuth writers = get_auth(self, FALSE);

    if (writers == MD_AUTH_ROOT && self->settings->auth_unix_rw == MD_AUTH_NONE)
        g_warning("Only root may connect to the read-write socket: every user could, because of "
                  "its mode, and [access] auth_unix_rw is 'none'");
    else if (writers == MD_AUTH_ROOT)
        g_message(
            "Only root may connect to the read-write socket: [access] auth_unix_rw is 'root'");
    if (writers == MD_AUTH_POLKIT || get_auth(self, TRUE) == MD_AUTH_POLKIT)
        find_polkit(self);
}


gboolean
md_access_is_exempt(MdAccess *self, const MdIdentity *who)
{
    return !self->settings->access_drivers || md_identity_is_privileged(who);
}


static void
ask_polkit(MdAccess *self,
           const MdIdentity *who,
           const char *action,
           const char *device,
           MdOwner *owner,
           GAsyncReadyCallback callback,
           gpointer user_data)
{
    GVariantBuilder details;

    g_variant_builder_init(&details, G_VARIANT_TYPE("a{ss}"));
    g_variant_builder_add(&details, "{ss}", DETAIL_DRIVER, DRIVER);
    if (device != NULL)
        g_variant_builder_add(&details, "{ss}", DETAIL_DEVICE, device);
    md_polkit_check_async(self->checks, who, action, g_variant_builder_end(&details), FALSE,
                          self->settings->polkit_timeout, owner, callback, user_data);
}


/* For polkit's refusal, the client receives no details. */
static GError *
make_refusal(const GError *cause)
{
    GError *error = NULL;

    if (md_polkit_is_answer(cause))
        md_error_set_from(&error, VIR_FROM_ACCESS, VIR_ERR_ACCESS_DENIED,
                          "'" DRIVER "' denied access");
    else
        md_error_set_from(&error, VIR_FROM_ACCESS, VIR_ERR_ACCESS_DENIED,
                          "'" DRIVER "' denied access: %s", cause->message);
    return error;
}


static void
check_free(Check *check)
{
    md_identity_unref(check->who);
    md_owner_unref(check->owner);
    g_free(check->device);
    g_free(check);
}


static void ask_next(GTask *task);


static void
on_permission(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    g_autoptr(GError) err = NULL;

    if (!md_polkit_check_finish(MD_POLKIT(source), result, &err))
        g_task_return_error(task, make_refusal(err));
    else
        ask_next(g_steal_pointer(&task));
}


/* Takes ownership of the task. */
static void
ask_next(GTask *task)
{
    Check *check = g_task_get_task_data(task);

    for (gsize i = 0; i < G_N_ELEMENTS(actions); i++) {
        if ((check->permissions & actions[i].permission) != 0) {
            check->permissions &= ~(guint)actions[i].permission;
            ask_polkit(g_task_get_source_object(task), check->who, actions[i].action, check->device,
                       check->owner, on_permission, task);
            return;
        }
    }
    g_task_return_boolean(task, TRUE);
    g_object_unref(task);
}


void
md_access_check_async(MdAccess *self,
                      MdIdentity *who,
                      guint permissions,
                      const char *device,
                      MdOwner *owner,
                      GAsyncReadyCallback callback,
                      gpointer user_data)
{
    GTask *task = g_task_new(self, NULL, callback, user_data);
    Check *check = g_new0(Check, 1);

    check->who = md_identity_ref(who);
    check->owner = md_owner_ref(owner);
    check->permissions = permissions;
    check->device = g_strdup(device);
    g_task_set_source_tag(task, md_access_check_async);
    g_task_set_task_data(task, check, (GDestroyNotify)check_free);
    ask_next(task);
}


gboolean
md_access_check_finish(MdAccess *self, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_task_is_valid(result, self), FALSE);

    return g_task_propagate_boolean(G_TASK(result), error);
}


static void
filter_free(Filter *filter)
{
    md_identity_unref(filter->who);
    md_owner_unref(filter->owner);
    g_ptr_array_unref(filter->names);
    g_clear_error(&filter->error);
    g_free(filter);
}


/* Called when no check is running. */
static void
end_filter(GTask *task)
{
    Filter *filter = g_task_get_task_data(task);
    GPtrArray *visible = NULL;

    if (filter->error != NULL) {
        g_task_return_error(task, g_steal_pointer(&filter->error));
        return;
    }

    visible = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < filter->names->len; i++) {
        if (filter->names->pdata[i] != NULL)
            g_ptr_array_add(visible, g_steal_pointer(&filter->names->pdata[i]));
    }
    g_task_return_pointer(task, visible, (GDestroyNotify)g_ptr_array_unref);
}


static void ask_more(GTask *task);


static void
on_visible(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autofree Question *question = data;
    g_autoptr(GTask) task = question->task;
    Filter *filter = g_task_get_task_data(task);
    g_autoptr(GError) err = NULL;

    filter->n_under_way--;
    if (!md_polkit_check_finish(MD_POLKIT(source), result, &err)) {
        g_clear_pointer(&filter->names->pdata[question->index], g_free);
        /* A list must not omit devices because of an error. */
        if (!md_polkit_is_answer(err) && filter->error == NULL)
            filter->error = make_refusal(err);
    }
    ask_more(task);
}


static void
ask_more(GTask *task)
{
    Filter *filter = g_task_get_task_data(task);

    while (filter->error == NULL && filter->n_under_way < FILTER_WINDOW &&
           filter->n_begun < filter->names->len) {
        Question *question = g_new0(Question, 1);

        question->task = g_object_ref(task);
        question->index = filter->n_begun++;
        filter->n_under_way++;
        ask_polkit(g_task_get_source_object(task), filter->who, ACTION_DEVICE "getattr",
                   filter->names->pdata[question->index], filter->owner, on_visible, question);
    }
    if (filter->n_under_way == 0)
        end_filter(task);
}


void
md_access_filter_async(MdAccess *self,
                       MdIdentity *who,
                       GPtrArray *names,
                       MdOwner *owner,
                       GAsyncReadyCallback callback,
                       gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(self, NULL, callback, user_data);
    Filter *filter = g_new0(Filter, 1);

    filter->who = md_identity_ref(who);
    filter->owner = md_owner_ref(owner);
    filter->names = g_ptr_array_new_full(names->len, g_free);
    for (guint i = 0; i < names->len; i++)
        g_ptr_array_add(filter->names, g_strdup(names->pdata[i]));
    g_task_set_source_tag(task, md_access_filter_async);
    g_task_set_task_data(task, filter, (GDestroyNotify)filter_free);
    ask_more(task);
}


GPtrArray *
md_access_filter_finish(MdAccess *self, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_task_is_valid(result, self), NULL);

    return g_task_propagate_pointer(G_TASK(result), error);
}


void
md_access_log_state(MdAccess *self)
{
    md_polkit_log_state(self->guard);
    md_polkit_log_state(self->checks);
}
