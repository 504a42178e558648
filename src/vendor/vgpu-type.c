/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "vendor/vgpu-type.h"

#include <string.h>

#include "conf/mdev-type.h"


/* NULL if nothing remains, or too much. */
static char *
make_name(const char *text)
{
    g_autofree char *name = text != NULL ? md_xml_writer_filter(text) : NULL;

    if (name == NULL)
        return NULL;
    g_strdelimit(name, "\t\r\n", ' ');
    g_strstrip(name);
    return *name != '\0' && strlen(name) <= MD_VGPU_NAME_MAX ? g_steal_pointer(&name) : NULL;
}


MdVgpuType *
md_vgpu_type_new(guint32 number, const char *name)
{
    MdVgpuType *self = g_new0(MdVgpuType, 1);

    self->number = number;
    self->name = make_name(name);
    self->properties = md_mdev_properties_new();
    return self;
}


MdVgpuType *
md_vgpu_type_copy(const MdVgpuType *self)
{
    MdVgpuType *copy = g_memdup2(self, sizeof(*self));

    copy->name = g_strdup(self->name);
    copy->properties = g_ptr_array_ref(self->properties);
    return copy;
}


void
md_vgpu_type_free(MdVgpuType *self)
{
    if (self == NULL)
        return;

    g_free(self->name);
    g_ptr_array_unref(self->properties);
    g_free(self);
}


gboolean
md_vgpu_number_parse(const char *text, guint32 *number)
{
    guint64 value = 0;

    /* GLib accepts vertical tabs before the number. */
    if (!g_ascii_isdigit(*text) || *text == '0' ||
        !g_ascii_string_to_unsigned(text, 10, 1, MD_VGPU_NUMBER_MAX, &value, NULL))
        return FALSE;
    *number = (guint32)value;
    return TRUE;
}


GPtrArray *
md_vgpu_types_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)md_vgpu_type_free);
}


GPtrArray *
md_vgpu_types_copy(GPtrArray *types)
{
    GPtrArray *copy = md_vgpu_types_new();

    for (guint i = 0; i < types->len; i++)
        g_ptr_array_add(copy, md_vgpu_type_copy(g_ptr_array_index(types, i)));
    return copy;
}


MdVgpuType *
md_vgpu_types_find(GPtrArray *types, guint32 number)
{
    for (guint i = 0; i < types->len; i++) {
        MdVgpuType *type = g_ptr_array_index(types, i);

        if (type->number == number)
            return type;
    }
    return NULL;
}
