/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "inventory/pending-devices.h"

/* First and longest interval between two checks of a device, in milliseconds. The first one is
 * short, because the kernel usually adds the last attributes right after the others. */
#define RECHECK_FIRST 1
#define RECHECK_MAX   100

struct _MdPendingDevices {
    const MdSettings *settings;
    MdPendingDevicesTry try_register;
    gpointer data;
    GHashTable *devices; /* path -> Device */
};

typedef struct {
    MdPendingDevices *owner;
    char *path;
    gboolean bound;
    guint delay;
    guint waited;
    guint timer; /* 0: no longer checked */
} Device;


static void
device_free(Device *device)
{
    g_clear_handle_id(&device->timer, g_source_remove);
    g_free(device->path);
    g_free(device);
}


MdPendingDevices *
md_pending_devices_new(const MdSettings *settings, MdPendingDevicesTry try_register, gpointer data)
{
    MdPendingDevices *self = g_new0(MdPendingDevices, 1);

    self->settings = settings;
    self->try_register = try_register;
    self->data = data;
    self->devices =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)device_free);
    return self;
}


void
md_pending_devices_free(MdPendingDevices *self)
{
    if (self == NULL)
        return;

    g_hash_table_unref(self->devices);
    g_free(self);
}


static gboolean
on_recheck(gpointer data)
{
    Device *device = data;
    MdPendingDevices *self = device->owner;
    gboolean last = FALSE;

    device->timer = 0;
    device->waited += device->delay;
    last = device->waited >= self->settings->event_timeout;

    /* Removed before the call, which may make another device with this path pending. */
    g_hash_table_steal(self->devices, device->path);
    if (self->try_register(device->path, last, self->data) || (last && !device->bound)) {
        device_free(device);
        return G_SOURCE_REMOVE;
    }

    g_hash_table_replace(self->devices, device->path, device);
    if (!last) {
        device->delay = MIN(device->delay * 2, RECHECK_MAX);
        device->timer = g_timeout_add(device->delay, on_recheck, device);
    }
    return G_SOURCE_REMOVE;
}


static Device *
get_device(MdPendingDevices *self, const char *path)
{
    Device *device = g_hash_table_lookup(self->devices, path);

    if (device == NULL) {
        device = g_new0(Device, 1);
        device->owner = self;
        device->path = g_strdup(path);
        g_hash_table_insert(self->devices, device->path, device);
    }
    return device;
}


void
md_pending_devices_add(MdPendingDevices *self, const char *path)
{
    Device *device = get_device(self, path);

    if (device->timer != 0)
        return;

    device->waited = 0;
    device->delay = RECHECK_FIRST;
    device->timer = g_timeout_add(device->delay, on_recheck, device);
}


void
md_pending_devices_remove(MdPendingDevices *self, const char *path)
{
    g_hash_table_remove(self->devices, path);
}


gboolean
md_pending_devices_set_bound(MdPendingDevices *self, const char *path)
{
    Device *device = g_hash_table_lookup(self->devices, path);

    if (device != NULL)
        device->bound = TRUE;
    return device != NULL;
}


void
md_pending_devices_add_gone(MdPendingDevices *self, const char *path)
{
    get_device(self, path)->bound = TRUE;
}


gboolean
md_pending_devices_is_bound(MdPendingDevices *self, const char *path)
{
    Device *device = g_hash_table_lookup(self->devices, path);

    return device != NULL && device->bound;
}


GPtrArray *
md_pending_devices_list(MdPendingDevices *self)
{
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter iter;
    gpointer path = NULL;

    g_hash_table_iter_init(&iter, self->devices);
    while (g_hash_table_iter_next(&iter, &path, NULL))
        g_ptr_array_add(paths, g_strdup(path));
    return paths;
}
