/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "registry/change-log.h"

#include "util/log.h"

#define MESSAGE_ID "6d0a2f0c1e7b4c6f9a35c1f2b0d84e71"

struct _MdChangeLog {
    MdRegistry *registry;
    GHashTable *own; /* name or alias -> number of running changes by the daemon */
};


static gboolean
is_own(MdChangeLog *self, const MdNodeDevice *device)
{
    const char *alias = md_node_device_def_get_alias(device->def);

    return g_hash_table_contains(self->own, device->def->name) ||
           (alias != NULL && g_hash_table_contains(self->own, alias));
}


static void
log_change(MdChangeLog *self, const MdNodeDevice *device, const char *what)
{
    const MdLogContext context = { .message_id = MESSAGE_ID,
                                   .device = device->def->name,
                                   .parent = device->def->parent };

    if (!is_own(self, device))
        md_log(G_LOG_LEVEL_MESSAGE, &context, "Device '%s' %s", device->def->name, what);
}


static void
on_created(MdRegistry *registry G_GNUC_UNUSED, MdNodeDevice *device, MdChangeLog *self)
{
    log_change(self, device, "appeared");
}


static void
on_deleted(MdRegistry *registry G_GNUC_UNUSED, MdNodeDevice *device, MdChangeLog *self)
{
    log_change(self, device, "disappeared");
}


static void
on_defined(MdRegistry *registry G_GNUC_UNUSED, MdNodeDevice *device, MdChangeLog *self)
{
    log_change(self, device, "was defined on disk");
}


static void
on_undefined(MdRegistry *registry G_GNUC_UNUSED, MdNodeDevice *device, MdChangeLog *self)
{
    log_change(self, device, "was undefined on disk");
}


MdChangeLog *
md_change_log_new(MdRegistry *registry)
{
    MdChangeLog *self = g_new0(MdChangeLog, 1);

    self->registry = g_object_ref(registry);
    self->own = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return self;
}


void
md_change_log_free(MdChangeLog *self)
{
    if (self == NULL)
        return;

    g_signal_handlers_disconnect_by_data(self->registry, self);
    g_object_unref(self->registry);
    g_hash_table_unref(self->own);
    g_free(self);
}


void
md_change_log_start(MdChangeLog *self)
{
    g_signal_connect(self->registry, "created", G_CALLBACK(on_created), self);
    g_signal_connect(self->registry, "deleted", G_CALLBACK(on_deleted), self);
    g_signal_connect(self->registry, "defined", G_CALLBACK(on_defined), self);
    g_signal_connect(self->registry, "undefined", G_CALLBACK(on_undefined), self);
}


static guint
count_own(MdChangeLog *self, const char *name)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(self->own, name));
}


void
md_change_log_begin(MdChangeLog *self, const char *name)
{
    g_hash_table_replace(self->own, g_strdup(name), GUINT_TO_POINTER(count_own(self, name) + 1));
}


void
md_change_log_end(MdChangeLog *self, const char *name)
{
    guint n = count_own(self, name);

    if (n > 1)
        g_hash_table_replace(self->own, g_strdup(name), GUINT_TO_POINTER(n - 1));
    else
        g_hash_table_remove(self->own, name);
}
