/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "node_device/driver-private.h"
#include "vgpu/vgpus.h"


gboolean
md_driver_needs_look(MdDriver *self, const char *name)
{
    const MdNodeDevice *device = NULL;

    if (name == NULL || !md_vgpus_exist(self->context.vgpus))
        return md_vgpus_exist(self->context.vgpus);
    device = md_registry_find(self->context.registry, name);
    return device != NULL && md_vgpus_are_shown_by(self->context.vgpus, device);
}


static void
on_looked(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;

    md_vgpus_look_finish(result);
    g_task_return_boolean(task, TRUE);
}


void
md_driver_look_async(MdDriver *self,
                     const char *name,
                     MdOwner *owner,
                     GAsyncReadyCallback callback,
                     gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(self, NULL, callback, user_data);
    const MdNodeDevice *device =
        name != NULL ? md_registry_find(self->context.registry, name) : NULL;

    g_task_set_source_tag(task, md_driver_look_async);
    if (name != NULL && device == NULL)
        g_task_return_boolean(task, TRUE);
    else
        md_vgpus_look_async(self->context.vgpus, device, owner, on_looked, g_steal_pointer(&task));
}


void
md_driver_look_finish(MdDriver *self, GAsyncResult *result)
{
    g_return_if_fail(g_task_is_valid(result, self));

    g_task_propagate_boolean(G_TASK(result), NULL);
}
