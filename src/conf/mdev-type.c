/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/mdev-type.h"

#include <string.h>

typedef struct {
    const char *suffix;
    guint shift; /* power of two, relative to KiB */
} SizeUnit;

/* Drivers use all of these suffixes for powers of two. */
static const SizeUnit size_units[] = {
    { "K", 0 },  { "KB", 0 },  { "KiB", 0 },  { "M", 10 }, { "MB", 10 }, { "MiB", 10 },
    { "G", 20 }, { "GB", 20 }, { "GiB", 20 }, { "T", 30 }, { "TB", 30 }, { "TiB", 30 },
};


static void
free_property(MdMdevProperty *property)
{
    g_free(property->name);
    g_free(property->value);
    g_free(property);
}


GPtrArray *
md_mdev_properties_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)free_property);
}


MdMdevType *
md_mdev_type_new(const char *id)
{
    MdMdevType *self = g_new0(MdMdevType, 1);

    self->id = g_strdup(id);
    self->properties = md_mdev_properties_new();
    return self;
}


void
md_mdev_properties_add(GPtrArray *properties, const char *name, const char *value, const char *unit)
{
    MdMdevProperty *property = g_new0(MdMdevProperty, 1);

    property->name = g_strdup(name);
    property->value = g_strdup(value);
    property->unit = unit;
    g_ptr_array_add(properties, property);
}


MdMdevType *
md_mdev_type_copy(const MdMdevType *self)
{
    MdMdevType *copy = md_mdev_type_new(self->id);

    copy->name = g_strdup(self->name);
    copy->device_api = g_strdup(self->device_api);
    copy->available = self->available;
    copy->description = g_strdup(self->description);
    g_ptr_array_unref(copy->properties);
    copy->properties = g_ptr_array_ref(self->properties);
    return copy;
}


void
md_mdev_type_add_property(MdMdevType *self, const char *name, const char *value, const char *unit)
{
    md_mdev_properties_add(self->properties, name, value, unit);
}


void
md_mdev_type_free(MdMdevType *self)
{
    if (self == NULL)
        return;

    g_free(self->id);
    g_free(self->name);
    g_free(self->device_api);
    g_free(self->description);
    g_ptr_array_unref(self->properties);
    g_free(self);
}


/* Parses `512M`, `128MB` or `2048 MiB`. */
static gboolean
parse_size(const char *value, guint64 *kib)
{
    gsize digits = strspn(value, "0123456789");
    g_autofree char *number = g_strndup(value, digits);
    const char *suffix = value + digits;
    guint64 size = 0;

    if (!g_ascii_string_to_unsigned(number, 10, 0, G_MAXUINT64, &size, NULL))
        return FALSE;

    suffix += strspn(suffix, " ");
    for (guint i = 0; i < G_N_ELEMENTS(size_units); i++) {
        if (!g_str_equal(suffix, size_units[i].suffix))
            continue;
        if (size > G_MAXUINT64 >> size_units[i].shift)
            return FALSE;
        *kib = size << size_units[i].shift;
        return TRUE;
    }
    return FALSE;
}


/* Parses `2560x1600`. `width` and `height` remain strings, because they are only printed. */
static gboolean
parse_resolution(const char *value, char **width, char **height)
{
    gsize columns = strspn(value, "0123456789");
    const char *rest = value + columns;
    gsize rows = *rest == 'x' ? strspn(rest + 1, "0123456789") : 0;

    if (columns == 0 || rows == 0 || rest[1 + rows] != '\0')
        return FALSE;

    *width = g_strndup(value, columns);
    *height = g_strdup(rest + 1);
    return TRUE;
}


static void
add_parsed(GPtrArray *properties, const char *name, const char *value)
{
    g_autofree char *width = NULL;
    g_autofree char *height = NULL;
    guint64 kib = 0;

    if ((g_str_equal(name, "max_resolution") || g_str_equal(name, "resolution")) &&
        parse_resolution(value, &width, &height)) {
        md_mdev_properties_add(properties, "hres", width, NULL);
        md_mdev_properties_add(properties, "vres", height, NULL);
    } else if (parse_size(value, &kib)) {
        g_autofree char *number = g_strdup_printf("%" G_GUINT64_FORMAT, kib);

        md_mdev_properties_add(properties, name, number, MD_MDEV_UNIT_KIB);
    } else {
        md_mdev_properties_add(properties, name, value, NULL);
    }
}


static gboolean
is_property_name(const char *name)
{
    if (!g_ascii_isalpha(*name) && *name != '_')
        return FALSE;
    for (const char *p = name; *p != '\0'; p++) {
        if (!g_ascii_isalnum(*p) && strchr("_-.", *p) == NULL)
            return FALSE;
    }
    return TRUE;
}


/* A value is one word or a size; anything longer is prose that contains a separator. */
static gboolean
is_property_value(const char *value)
{
    guint64 kib = 0;

    return *value != '\0' && (strpbrk(value, " \t") == NULL || parse_size(value, &kib));
}


/* Parses one `key=value` or `key: value`. */
static gboolean
parse_property(GPtrArray *properties, const char *text, char separator)
{
    const char *at = strchr(text, separator);
    g_autofree char *name = NULL;
    g_autofree char *value = NULL;

    if (at == NULL)
        return FALSE;

    name = g_strstrip(g_strndup(text, (gsize)(at - text)));
    value = g_strstrip(g_strdup(at + 1));
    if (!is_property_name(name) || !is_property_value(value))
        return FALSE;
    add_parsed(properties, name, value);
    return TRUE;
}


/* NVIDIA's format: `key=value` pairs separated by commas. */
static gboolean
parse_assignments(GPtrArray *properties, const char *line)
{
    g_auto(GStrv) items = g_strsplit(line, ",", -1);

    for (guint i = 0; items[i] != NULL; i++) {
        if (!parse_property(properties, items[i], '='))
            return FALSE;
    }
    return TRUE;
}


/* NULL unless every line consists of properties. */
static GPtrArray *
parse_properties(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GPtrArray) properties = md_mdev_properties_new();

    for (guint i = 0; lines[i] != NULL; i++) {
        const char *line = g_strstrip(lines[i]);
        gboolean parsed = TRUE;

        if (strchr(line, '=') != NULL)
            parsed = parse_assignments(properties, line);
        else if (*line != '\0')
            parsed = parse_property(properties, line, ':');
        if (!parsed)
            return NULL;
    }
    return g_steal_pointer(&properties);
}


void
md_mdev_type_set_description(MdMdevType *self, const char *text)
{
    g_autofree char *stripped = text != NULL ? g_strstrip(md_xml_writer_filter(text)) : NULL;
    GPtrArray *properties = NULL;

    g_clear_pointer(&self->description, g_free);
    if (stripped != NULL && *stripped != '\0') {
        properties = parse_properties(stripped);
        if (properties == NULL)
            self->description = g_steal_pointer(&stripped);
    }
    g_ptr_array_unref(self->properties);
    self->properties = properties != NULL ? properties : md_mdev_properties_new();
}


GPtrArray *
md_mdev_types_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)md_mdev_type_free);
}


GPtrArray *
md_mdev_types_copy(GPtrArray *types)
{
    GPtrArray *copy = NULL;

    if (types == NULL)
        return NULL;

    copy = md_mdev_types_new();
    for (guint i = 0; i < types->len; i++)
        g_ptr_array_add(copy, md_mdev_type_copy(g_ptr_array_index(types, i)));
    return copy;
}
