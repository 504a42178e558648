/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "backend/command.h"

#include "conf/cap-mdev.h"


static void
command_free(MdCommand *self)
{
    self->clear(self);
    md_change_log_end(self->context->changes, self->name);
    md_owner_unref(self->owner);
    g_free(self->name);
    g_free(self->made);
    g_free(self->path);
    g_free(self->key);
    g_clear_error(&self->error);
    g_clear_pointer(&self->callout, md_callout_unref);
    g_free(self);
}


gpointer
md_command_new(gsize size,
               void (*clear)(MdCommand *self),
               const MdDriverContext *context,
               const char *name,
               MdOwner *owner,
               GAsyncReadyCallback callback,
               gpointer user_data)
{
    MdCommand *self = g_malloc0(size);

    self->context = context;
    self->owner = md_owner_ref(owner);
    self->name = g_strdup(name);
    self->clear = clear;
    self->task = g_task_new(NULL, NULL, callback, user_data);
    g_task_set_source_tag(self->task, md_backend_finish);
    g_task_set_task_data(self->task, self, (GDestroyNotify)command_free);
    md_change_log_begin(context->changes, name);
    return self;
}


static MdUeventWait *
command_get_uevent_wait(MdCommand *self)
{
    return md_inventory_get_uevent_wait(self->context->inventory);
}


static void
on_turn(gpointer data)
{
    MdCommand *self = data;

    self->has_turn = TRUE;
    self->next(self);
}


void
md_command_wait_for_turn_of(MdCommand *self, const char *key, MdCommandFunc next)
{
    self->next = next;
    self->key = g_strdup(key);
    md_key_queue_acquire(self->context->key_queue, self->key, on_turn, self);
}


void
md_command_wait_for_turn(MdCommand *self, MdCommandFunc next)
{
    md_command_wait_for_turn_of(self, self->name, next);
}


gboolean
md_command_commit(MdCommand *self)
{
    g_autoptr(MdOwner) owner = self->owner;

    self->owner = md_owner_new_lasting(owner);
    return !md_owner_is_gone(owner);
}


static void
on_run(gpointer data G_GNUC_UNUSED, GError *error, gpointer user_data)
{
    MdCommand *self = user_data;

    self->error = error;
    self->next(self);
}


void
md_command_run(MdCommand *self,
               MdWorkerKind kind,
               guint64 inode,
               MdWorkerFunc func,
               gpointer data,
               GDestroyNotify data_free,
               MdCommandFunc next)
{
    self->next = next;
    md_worker_run(func, data, data_free, kind, inode, self->context->settings->driver_timeout,
                  self->owner, on_run, self);
}


static void
on_scripts_asked(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    MdCommand *self = data;

    if (!md_callout_before_finish(result, &self->error))
        g_clear_pointer(&self->callout, md_callout_unref);
    self->next(self);
}


void
md_command_ask_scripts(MdCommand *self,
                       MdCalloutAction action,
                       MdDefinition *device,
                       MdCommandFunc next)
{
    self->next = next;
    self->callout = md_callout_new(self->context->callouts, action, device, self->owner);
    md_callout_before_async(self->callout, on_scripts_asked, self);
}


void
md_command_ask_scripts_about(MdCommand *self,
                             MdCalloutAction action,
                             const char *parent_addr,
                             const char *uuid,
                             const char *type_id,
                             GPtrArray *attrs,
                             MdCommandFunc next)
{
    g_autofree char *name = md_cap_mdev_make_name(uuid, parent_addr);
    MdNodeDevice *known = md_registry_find(self->context->registry, name);
    g_autoptr(MdDefinition) device =
        md_definition_new(parent_addr, uuid, type_id,
                          known != NULL && md_node_device_is_autostart(known), attrs);

    md_command_commit(self);
    md_command_ask_scripts(self, action, device, next);
}


gboolean
md_command_expect(MdCommand *self, const char *path, MdWaitFor event)
{
    if (!md_uevent_wait_begin(command_get_uevent_wait(self), path, event))
        return FALSE;
    self->path = g_strdup(path);
    return TRUE;
}


static void
on_event(const char *path, gboolean seen, gpointer data)
{
    MdCommand *self = data;

    if (!seen)
        md_inventory_forget_older_events(self->context->inventory, path);
    self->next(self);
}


void
md_command_wait(MdCommand *self, MdCommandFunc next)
{
    self->next = next;
    md_uevent_wait_written(command_get_uevent_wait(self), self->path, on_event, self);
}


void
md_command_give_up(MdCommand *self)
{
    md_uevent_wait_cancel(command_get_uevent_wait(self), self->path);
    md_inventory_reconcile(self->context->inventory, self->path);
}


static void
command_answer(MdCommand *self)
{
    g_autoptr(GTask) task = self->task;

    if (self->error != NULL)
        g_task_return_error(task, g_steal_pointer(&self->error));
    else
        g_task_return_pointer(task, g_strdup(self->made != NULL ? self->made : self->name), g_free);
    if (self->has_turn)
        md_key_queue_release(self->context->key_queue, self->key);
}


static void
on_scripts_notified(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    md_callout_after_finish(result);
    command_answer(data);
}


void
md_command_end(MdCommand *self)
{
    if (self->callout != NULL)
        md_callout_after_async(self->callout, self->error == NULL, on_scripts_notified, self);
    else
        command_answer(self);
}
