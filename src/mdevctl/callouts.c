/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "mdevctl/callouts.h"

#include "conf/cap-mdev.h"
#include "util/error.h"

#define STATE_NONE    "none"
#define STATE_SUCCESS "success"
#define STATE_FAILURE "failure"

/* The exit status of a callout that does not handle the type. */
#define EXIT_NOT_MINE 2

/* The support assumed for a callout that does not support versions. */
static const MdCalloutVersion unversioned = {
    .actions = (1U << MD_CALLOUT_CAPABILITIES) - 1,
    .events = 1U << MD_CALLOUT_PRE | 1U << MD_CALLOUT_POST | 1U << MD_CALLOUT_NOTIFY |
              1U << MD_CALLOUT_GET,
};

struct _MdCallout {
    MdCallouts *callouts;
    MdCalloutAction action;
    MdDefinition *device;
    MdOwner *owner;
    MdOwner *preparing; /* for the search and the queries before the scripts run */
    char *input;        /* the device as JSON */
    const char *state;
    GPtrArray *files[MD_SCRIPT_N_KINDS]; /* of MdScriptFile; NULL: not searched yet */
    const char *script;                  /* the chosen callout, NULL: not chosen yet */
    MdCalloutVersion supports;
};

/* One event of an operation: the scripts for it run one after the other. */
typedef struct {
    MdCallout *callout;
    MdCalloutEvent event;
    GPtrArray *files;
    guint next;
} Turn;

/* A phase of an operation, which ends with the notifiers. */
typedef struct {
    MdCallout *callout;
    GError *error; /* of the callout; returned when the notifiers have run */
} Phase;

static void ask_callout(GTask *owned);
static void run_callout(GTask *owned);
static void run_notifier(GTask *owned);


MdCallout *
md_callout_new(MdCallouts *callouts, MdCalloutAction action, MdDefinition *device, MdOwner *owner)
{
    MdCallout *self = g_rc_box_new0(MdCallout);

    self->callouts = md_callouts_ref(callouts);
    self->action = action;
    self->device = md_definition_ref(device);
    self->owner = md_owner_ref(owner);
    self->preparing = md_owner_new_preparing(owner);
    self->input = md_definition_format(device, FALSE);
    self->state = STATE_NONE;
    return self;
}


MdCallout *
md_callout_ref(MdCallout *self)
{
    return g_rc_box_acquire(self);
}


static void
callout_clear(MdCallout *self)
{
    md_callouts_unref(self->callouts);
    md_definition_unref(self->device);
    md_owner_unref(self->owner);
    md_owner_unref(self->preparing);
    g_free(self->input);
    for (gsize i = 0; i < MD_SCRIPT_N_KINDS; i++)
        g_clear_pointer(&self->files[i], g_ptr_array_unref);
}


void
md_callout_unref(MdCallout *self)
{
    if (self != NULL)
        g_rc_box_release_full(self, (GDestroyNotify)callout_clear);
}


static void
turn_free(Turn *turn)
{
    md_callout_unref(turn->callout);
    g_clear_pointer(&turn->files, g_ptr_array_unref);
    g_free(turn);
}


static GTask *
turn_new(MdCallout *callout,
         MdCalloutEvent event,
         GPtrArray *files,
         GAsyncReadyCallback callback,
         gpointer user_data)
{
    GTask *task = g_task_new(NULL, NULL, callback, user_data);
    Turn *turn = g_new0(Turn, 1);

    turn->callout = md_callout_ref(callout);
    turn->event = event;
    turn->files = files != NULL ? g_ptr_array_ref(files) : g_ptr_array_new();
    g_task_set_task_data(task, turn, (GDestroyNotify)turn_free);
    return task;
}


static const MdScriptFile *
turn_get_file(Turn *turn)
{
    return turn->next < turn->files->len ? g_ptr_array_index(turn->files, turn->next) : NULL;
}


static void
run_script(GTask *task, const char *path, const char *input, GAsyncReadyCallback callback)
{
    Turn *turn = g_task_get_task_data(task);
    MdCallout *self = turn->callout;

    md_callouts_run_async(self->callouts, path, self->device, turn->event, self->action,
                          self->state, input, self->owner, callback, task);
}


/* Whether the script is not the callout for the type, so that the next one is tried. */
static gboolean
is_passed_over(const char *path, const MdScriptResult *result)
{
    g_autoptr(GError) error = NULL;

    if (result->end == MD_SCRIPT_SIGNALED || result->end == MD_SCRIPT_NOT_STARTED) {
        md_callouts_set_error(&error, path, result);
        g_message("Skipping a script: %s", error->message);
        return TRUE;
    }
    return result->end == MD_SCRIPT_EXITED && result->status == EXIT_NOT_MINE;
}


static void
on_callout_ran(GObject *source G_GNUC_UNUSED, GAsyncResult *async, gpointer data)
{
    g_autoptr(GTask) task = data;
    g_autoptr(MdScriptResult) result = md_script_run_finish(async);
    g_autoptr(GError) error = NULL;
    Turn *turn = g_task_get_task_data(task);
    MdCallout *self = turn->callout;

    if (self->script == NULL) {
        const char *path = turn_get_file(turn)->path;

        turn->next++;
        if (is_passed_over(path, result)) {
            run_callout(g_steal_pointer(&task));
            return;
        }
        self->script = path;
        self->supports = unversioned;
    }

    if (result->end == MD_SCRIPT_EXITED && result->status == 0) {
        g_task_return_pointer(task, g_bytes_new(result->out->str, result->out->len),
                              (GDestroyNotify)g_bytes_unref);
        return;
    }
    md_callouts_set_error(&error, self->script, result);
    g_task_return_error(task, g_steal_pointer(&error));
}


/* Fails if the chosen callout does not support the action or the event. */
static gboolean
check_supported(MdCallout *self, MdCalloutEvent event, GError **error)
{
    if ((self->supports.actions & 1U << self->action) == 0) {
        md_error_set(error, VIR_ERR_INTERNAL_ERROR, "script '%s' does not support action '%s'",
                     self->script, md_callout_action_to_string(self->action));
        return FALSE;
    }
    if ((self->supports.events & 1U << event) == 0) {
        md_error_set(error, VIR_ERR_INTERNAL_ERROR, "script '%s' does not support event '%s'",
                     self->script, md_callout_event_to_string(event));
        return FALSE;
    }
    return TRUE;
}


/* Runs the chosen callout, or the next candidate. */
static void
run_callout(GTask *owned)
{
    g_autoptr(GTask) task = owned;
    g_autoptr(GError) error = NULL;
    Turn *turn = g_task_get_task_data(task);
    MdCallout *self = turn->callout;
    const char *path = self->script;
    const char *input = turn->event == MD_CALLOUT_GET ? NULL : self->input;

    if (turn->event == MD_CALLOUT_LIVE &&
        (path == NULL || (self->supports.events & 1U << MD_CALLOUT_LIVE) == 0)) {
        g_task_return_pointer(task, NULL, NULL);
        return;
    }
    if (path != NULL && !check_supported(self, turn->event, &error)) {
        g_task_return_error(task, g_steal_pointer(&error));
        return;
    }
    if (path == NULL && turn_get_file(turn) == NULL) {
        g_task_return_pointer(task, NULL, NULL);
        return;
    }

    if (path == NULL)
        path = turn_get_file(turn)->path;
    run_script(g_steal_pointer(&task), path, input, on_callout_ran);
}


static void
on_asked(GObject *source G_GNUC_UNUSED, GAsyncResult *async, gpointer data)
{
    g_autoptr(GTask) task = data;
    g_autoptr(GError) error = NULL;
    Turn *turn = g_task_get_task_data(task);
    MdCallout *self = turn->callout;

    if (md_callouts_ask_finish(async, &self->supports, &error)) {
        self->script = turn_get_file(turn)->path;
        run_callout(g_steal_pointer(&task));
    } else if (error != NULL) {
        g_task_return_error(task, g_steal_pointer(&error));
    } else {
        turn->next++;
        ask_callout(g_steal_pointer(&task));
    }
}


/* Queries the callouts one by one until one supports versions. Only then is a callout run on the
 * device. */
static void
ask_callout(GTask *owned)
{
    g_autoptr(GTask) task = owned;
    Turn *turn = g_task_get_task_data(task);
    MdCallout *self = turn->callout;

    if (turn_get_file(turn) != NULL) {
        md_callouts_ask_async(self->callouts, turn_get_file(turn), self->device, self->preparing,
                              on_asked, g_steal_pointer(&task));
        return;
    }
    turn->next = 0;
    run_callout(g_steal_pointer(&task));
}


static void
on_searched(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    g_autoptr(GError) error = NULL;
    Turn *turn = g_task_get_task_data(task);
    MdCallout *self = turn->callout;

    if (!md_callout_search_run_finish(result, self->files, &error)) {
        g_task_return_error(task, g_steal_pointer(&error));
        return;
    }
    g_ptr_array_unref(turn->files);
    turn->files = g_ptr_array_ref(self->files[MD_SCRIPT_CALLOUT]);
    ask_callout(g_steal_pointer(&task));
}


/* The result is the callout's stdout; NULL if no callout handles the type. */
static void
call_async(MdCallout *self, MdCalloutEvent event, GAsyncReadyCallback callback, gpointer user_data)
{
    GTask *task = turn_new(self, event, self->files[MD_SCRIPT_CALLOUT], callback, user_data);

    if (self->files[MD_SCRIPT_CALLOUT] != NULL)
        run_callout(task);
    else
        md_callout_search_run_async(md_callouts_get_search(self->callouts), self->preparing,
                                    on_searched, task);
}


static gboolean
call_finish(GAsyncResult *result, GBytes **out, GError **error)
{
    g_autoptr(GError) err = NULL;
    g_autoptr(GBytes) bytes = g_task_propagate_pointer(G_TASK(result), &err);

    if (err != NULL) {
        g_propagate_error(error, g_steal_pointer(&err));
        return FALSE;
    }
    if (out != NULL)
        *out = g_steal_pointer(&bytes);
    return TRUE;
}


static void
on_notifier_ran(GObject *source G_GNUC_UNUSED, GAsyncResult *async, gpointer data)
{
    g_autoptr(GTask) task = data;
    g_autoptr(MdScriptResult) result = md_script_run_finish(async);
    g_autoptr(GError) error = NULL;
    Turn *turn = g_task_get_task_data(task);

    if (result->end != MD_SCRIPT_EXITED || result->status != 0) {
        md_callouts_set_error(&error, turn_get_file(turn)->path, result);
        g_message("Failed to notify: %s", error->message);
    }
    turn->next++;
    run_notifier(g_steal_pointer(&task));
}


static void
run_notifier(GTask *owned)
{
    g_autoptr(GTask) task = owned;
    Turn *turn = g_task_get_task_data(task);

    if (turn_get_file(turn) != NULL)
        run_script(g_steal_pointer(&task), turn_get_file(turn)->path, turn->callout->input,
                   on_notifier_ran);
    else
        g_task_return_boolean(task, TRUE);
}


static void
on_notified(GObject *source G_GNUC_UNUSED, GAsyncResult *result G_GNUC_UNUSED, gpointer data)
{
    g_autoptr(GTask) task = data;
    Phase *phase = g_task_get_task_data(task);

    if (phase->error != NULL)
        g_task_return_error(task, g_steal_pointer(&phase->error));
    else
        g_task_return_boolean(task, TRUE);
}


/* Runs all notifiers, then ends the phase with its error, if any. */
static void
run_notifiers(GTask *task)
{
    Phase *phase = g_task_get_task_data(task);
    MdCallout *self = phase->callout;

    run_notifier(
        turn_new(self, MD_CALLOUT_NOTIFY, self->files[MD_SCRIPT_NOTIFIER], on_notified, task));
}


static void
phase_free(Phase *phase)
{
    md_callout_unref(phase->callout);
    g_clear_error(&phase->error);
    g_free(phase);
}


static GTask *
phase_new(MdCallout *callout, gpointer tag, GAsyncReadyCallback callback, gpointer user_data)
{
    GTask *task = g_task_new(NULL, NULL, callback, user_data);
    Phase *phase = g_new0(Phase, 1);

    phase->callout = md_callout_ref(callout);
    g_task_set_source_tag(task, tag);
    g_task_set_task_data(task, phase, (GDestroyNotify)phase_free);
    return task;
}


static void
on_before(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    Phase *phase = g_task_get_task_data(task);

    if (call_finish(result, NULL, &phase->error))
        g_task_return_boolean(task, TRUE);
    else
        run_notifiers(g_steal_pointer(&task));
}


void
md_callout_before_async(MdCallout *self, GAsyncReadyCallback callback, gpointer user_data)
{
    call_async(self, MD_CALLOUT_PRE, on_before,
               phase_new(self, md_callout_before_async, callback, user_data));
}


gboolean
md_callout_before_finish(GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_async_result_is_tagged(result, md_callout_before_async), FALSE);

    return g_task_propagate_boolean(G_TASK(result), error);
}


static void
on_after(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    g_autoptr(GError) error = NULL;

    if (!call_finish(result, NULL, &error))
        g_message("Ignoring a failure after the operation: %s", error->message);
    run_notifiers(data);
}


void
md_callout_after_async(MdCallout *self,
                       gboolean success,
                       GAsyncReadyCallback callback,
                       gpointer user_data)
{
    self->state = success ? STATE_SUCCESS : STATE_FAILURE;
    call_async(self, MD_CALLOUT_POST, on_after,
               phase_new(self, md_callout_after_async, callback, user_data));
}


void
md_callout_after_finish(GAsyncResult *result)
{
    g_return_if_fail(g_async_result_is_tagged(result, md_callout_after_async));

    g_task_propagate_boolean(G_TASK(result), NULL);
}


static void
on_live(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    Phase *phase = g_task_get_task_data(task);
    g_autoptr(GBytes) out = NULL;

    if (call_finish(result, &out, &phase->error) && out == NULL)
        g_task_return_new_error(task, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                                "no script can modify an active device of type '%s'",
                                phase->callout->device->type_id);
    else
        run_notifiers(g_steal_pointer(&task));
}


void
md_callout_live_async(MdCallout *self, GAsyncReadyCallback callback, gpointer user_data)
{
    call_async(self, MD_CALLOUT_LIVE, on_live,
               phase_new(self, md_callout_live_async, callback, user_data));
}


gboolean
md_callout_live_finish(GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_async_result_is_tagged(result, md_callout_live_async), FALSE);

    return g_task_propagate_boolean(G_TASK(result), error);
}


static void
on_attributes(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) out = NULL;
    MdCallout *self = g_task_get_task_data(task);
    GPtrArray *attrs = NULL;

    if (!call_finish(result, &out, &error)) {
        g_task_return_error(task, g_steal_pointer(&error));
        return;
    }
    if (out == NULL) {
        g_task_return_new_error(task, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                                "no script reports the attributes of a device of type '%s'",
                                self->device->type_id);
        return;
    }

    attrs = md_definition_parse_attrs(g_bytes_get_data(out, NULL), g_bytes_get_size(out), &error);
    if (attrs == NULL) {
        g_prefix_error(&error, "script '%s' reported no valid attributes: ", self->script);
        g_task_return_error(task, g_steal_pointer(&error));
        return;
    }
    g_task_return_pointer(task, attrs, (GDestroyNotify)g_ptr_array_unref);
}


void
md_callouts_get_attributes_async(MdCallouts *callouts,
                                 const char *parent_addr,
                                 const char *uuid,
                                 const char *type_id,
                                 MdOwner *owner,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
    g_autoptr(GPtrArray) none = md_mdev_attrs_new();
    g_autoptr(MdDefinition) device = md_definition_new(parent_addr, uuid, type_id, FALSE, none);
    MdCallout *self = md_callout_new(callouts, MD_CALLOUT_ATTRIBUTES, device, owner);
    GTask *task = g_task_new(NULL, NULL, callback, user_data);

    g_task_set_source_tag(task, md_callouts_get_attributes_async);
    g_task_set_task_data(task, self, (GDestroyNotify)md_callout_unref);
    call_async(self, MD_CALLOUT_GET, on_attributes, task);
}


GPtrArray *
md_callouts_get_attributes_finish(GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_async_result_is_tagged(result, md_callouts_get_attributes_async), NULL);

    return g_task_propagate_pointer(G_TASK(result), error);
}
