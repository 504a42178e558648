/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/node-device.h"

#include <stdarg.h>


MdNodeDeviceDef *
md_node_device_def_new(void)
{
    MdNodeDeviceDef *self = g_atomic_rc_box_new0(MdNodeDeviceDef);

    self->caps = g_ptr_array_new_with_free_func((GDestroyNotify)md_cap_free);
    return self;
}


MdNodeDeviceDef *
md_node_device_def_ref(MdNodeDeviceDef *self)
{
    return g_atomic_rc_box_acquire(self);
}


static void
def_clear(MdNodeDeviceDef *self)
{
    g_free(self->name);
    g_free(self->path);
    g_free(self->devnode);
    g_strfreev(self->devlinks);
    g_free(self->parent);
    g_free(self->parent_wwnn);
    g_free(self->parent_wwpn);
    g_free(self->parent_fabric_wwn);
    g_free(self->driver);
    g_ptr_array_unref(self->caps);
    g_clear_pointer(&self->mdev_types, g_ptr_array_unref);
}


void
md_node_device_def_unref(MdNodeDeviceDef *self)
{
    if (self != NULL)
        g_atomic_rc_box_release_full(self, (GDestroyNotify)def_clear);
}


MdNodeDeviceDef *
md_node_device_def_copy(const MdNodeDeviceDef *self)
{
    MdNodeDeviceDef *copy = md_node_device_def_new();

    copy->name = g_strdup(self->name);
    copy->path = g_strdup(self->path);
    copy->shares_path = self->shares_path;
    copy->devnode = g_strdup(self->devnode);
    copy->devlinks = g_strdupv(self->devlinks);
    copy->parent = g_strdup(self->parent);
    copy->parent_wwnn = g_strdup(self->parent_wwnn);
    copy->parent_wwpn = g_strdup(self->parent_wwpn);
    copy->parent_fabric_wwn = g_strdup(self->parent_fabric_wwn);
    copy->driver = g_strdup(self->driver);
    for (guint i = 0; i < self->caps->len; i++)
        g_ptr_array_add(copy->caps, md_cap_copy(g_ptr_array_index(self->caps, i)));
    copy->mdev_types = md_mdev_types_copy(self->mdev_types);
    copy->is_assignable = self->is_assignable;
    return copy;
}


gpointer
md_node_device_def_add_cap(MdNodeDeviceDef *self, const MdCapKind *kind)
{
    MdCap *cap = md_cap_new(kind);

    g_ptr_array_add(self->caps, cap);
    return cap;
}


gpointer
md_node_device_def_get_cap(const MdNodeDeviceDef *self, const MdCapKind *kind)
{
    for (guint i = 0; i < self->caps->len; i++) {
        MdCap *cap = g_ptr_array_index(self->caps, i);

        if (cap->kind == kind)
            return cap;
    }
    return NULL;
}


GPtrArray *
md_node_device_def_list_caps(const MdNodeDeviceDef *self)
{
    GPtrArray *kinds = g_ptr_array_new();

    for (guint i = 0; i < self->caps->len; i++) {
        const MdCap *cap = g_ptr_array_index(self->caps, i);

        g_ptr_array_add(kinds, (gpointer)cap->kind);
        if (i == 0 && self->mdev_types != NULL && cap->kind != &md_cap_kind_mdev_types)
            g_ptr_array_add(kinds, (gpointer)&md_cap_kind_mdev_types);
        if (cap->kind->list_nested != NULL)
            cap->kind->list_nested(cap, kinds);
    }
    return kinds;
}


static MdCap *
get_first_cap(const MdNodeDeviceDef *self)
{
    return g_ptr_array_index(self->caps, 0);
}


const MdCapKind *
md_node_device_def_get_kind(const MdNodeDeviceDef *self)
{
    return get_first_cap(self)->kind;
}


const char *
md_node_device_def_get_alias(const MdNodeDeviceDef *self)
{
    const MdCap *cap = get_first_cap(self);

    return cap->kind->get_alias != NULL ? cap->kind->get_alias(cap) : NULL;
}


GPtrArray *
md_node_device_def_get_attrs(const MdNodeDeviceDef *self)
{
    const MdCap *cap = get_first_cap(self);

    return cap->kind->get_attrs != NULL ? cap->kind->get_attrs(cap) : NULL;
}


void
md_node_device_def_set_attrs(MdNodeDeviceDef *self, GPtrArray *attrs)
{
    MdCap *cap = get_first_cap(self);

    if (cap->kind->set_attrs != NULL)
        cap->kind->set_attrs(cap, attrs);
}


guint32
md_node_device_def_get_flags(const MdNodeDeviceDef *self)
{
    g_autoptr(GPtrArray) kinds = md_node_device_def_list_caps(self);
    guint32 flags = 0;

    for (guint i = 0; i < kinds->len; i++)
        flags |= ((const MdCapKind *)g_ptr_array_index(kinds, i))->flag;
    return flags;
}


char *
md_node_device_make_name(const char *prefix, ...)
{
    GString *name = g_string_new(prefix);
    const char *part = NULL;
    va_list args;

    va_start(args, prefix);
    while ((part = va_arg(args, const char *)) != NULL) {
        g_string_append_c(name, '_');
        g_string_append(name, part);
    }
    va_end(args);

    for (gsize i = 0; i < name->len; i++) {
        if (!g_ascii_isalnum(name->str[i]))
            name->str[i] = '_';
    }
    return g_string_free(name, FALSE);
}
