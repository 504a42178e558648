/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "driver-context.h"

#include "settle.h"


static void
on_started(GObject *source, GAsyncResult *result, gpointer data)
{
    gboolean *started = data;

    *started = md_inventory_start_finish(MD_INVENTORY(source), result, NULL);
}


static gboolean
is_started(gpointer data)
{
    return *(gboolean *)data;
}


void
driver_context_set_up(DriverContext *self, FakeHost *host)
{
    MdDriverContext *context = &self->context;

    self->host = host;
    context->settings = host->settings;
    context->registry = md_registry_new();
    context->inventory = md_inventory_new(context->registry, context->settings);
    context->callouts = md_callouts_new(context->settings);
    context->changes = md_change_log_new(context->registry);
    context->key_queue = md_key_queue_new();
    md_callouts_start(context->callouts);
    md_inventory_start_async(context->inventory, on_started, &self->started);
    fake_host_wait(is_started, &self->started);
}


void
driver_context_tear_down(DriverContext *self)
{
    settle();
    g_clear_object(&self->context.inventory);
    g_clear_pointer(&self->context.callouts, md_callouts_unref);
    g_clear_pointer(&self->context.key_queue, md_key_queue_free);
    g_clear_pointer(&self->context.changes, md_change_log_free);
    g_clear_object(&self->context.registry);
    g_clear_pointer(&self->host, fake_host_free);
}


void
backend_answer_receive(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    BackendAnswer *self = data;

    g_assert_false(self->done);
    self->name = md_backend_finish(result, &self->error);
    self->done = TRUE;
}


static gboolean
is_done(gpointer data)
{
    return ((BackendAnswer *)data)->done;
}


void
backend_answer_wait(BackendAnswer *self)
{
    fake_host_wait(is_done, self);
}


void
backend_answer_clear(BackendAnswer *self)
{
    g_clear_pointer(&self->name, g_free);
    g_clear_error(&self->error);
}
