/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/definition.h"

#include <string.h>

#include "conf/cap-mdev.h"
#include "conf/json.h"
#include "util/error.h"

#define KEY_TYPE   "mdev_type"
#define KEY_START  "start"
#define KEY_ATTRS  "attrs"
#define START_AUTO "auto"
#define START_HAND "manual"


MdDefinition *
md_definition_new(const char *parent_addr,
                  const char *uuid,
                  const char *type_id,
                  gboolean autostart,
                  GPtrArray *attrs)
{
    MdDefinition *self = g_atomic_rc_box_new0(MdDefinition);

    self->parent_addr = g_strdup(parent_addr);
    self->uuid = g_strdup(uuid);
    self->type_id = g_strdup(type_id);
    self->autostart = autostart;
    self->attrs = md_mdev_attrs_copy(attrs);
    return self;
}


MdDefinition *
md_definition_ref(MdDefinition *self)
{
    return g_atomic_rc_box_acquire(self);
}


static void
definition_clear(MdDefinition *self)
{
    g_free(self->parent_addr);
    g_free(self->uuid);
    g_free(self->type_id);
    g_ptr_array_unref(self->attrs);
}


void
md_definition_unref(MdDefinition *self)
{
    if (self != NULL)
        g_atomic_rc_box_release_full(self, (GDestroyNotify)definition_clear);
}


static void
set_error(GError **error, const char *message)
{
    md_error_set_from(error, VIR_FROM_CONF, VIR_ERR_CONF_SYNTAX, "%s", message);
}


static const char *
get_string(JsonNode *node)
{
    return node != NULL && json_node_get_value_type(node) == G_TYPE_STRING
               ? json_node_get_string(node)
               : NULL;
}


/* An attribute is an object with exactly one member, whose value is a string. */
static gboolean
add_attr(GPtrArray *attrs, JsonNode *element, GError **error)
{
    JsonObjectIter iter;
    const char *name = NULL;
    JsonNode *value = NULL;

    if (!JSON_NODE_HOLDS_OBJECT(element) ||
        json_object_get_size(json_node_get_object(element)) != 1) {
        md_error_set_from(error, VIR_FROM_CONF, VIR_ERR_CONF_SYNTAX,
                          "attribute %u is not an object with exactly one member", attrs->len + 1);
        return FALSE;
    }

    json_object_iter_init(&iter, json_node_get_object(element));
    json_object_iter_next(&iter, &name, &value);
    if (*name == '\0' || get_string(value) == NULL) {
        md_error_set_from(error, VIR_FROM_CONF, VIR_ERR_CONF_SYNTAX,
                          "attribute '%s' must have a name and a string as value", name);
        return FALSE;
    }
    md_mdev_attrs_add(attrs, name, get_string(value));
    return TRUE;
}


static GPtrArray *
parse_attrs(JsonNode *node, GError **error)
{
    g_autoptr(GPtrArray) attrs = md_mdev_attrs_new();
    JsonArray *array = NULL;

    if (node == NULL || JSON_NODE_HOLDS_NULL(node))
        return g_steal_pointer(&attrs);
    if (!JSON_NODE_HOLDS_ARRAY(node)) {
        set_error(error, "the attributes are not an array");
        return NULL;
    }

    array = json_node_get_array(node);
    if (json_array_get_length(array) > MD_MDEV_ATTRS_MAX) {
        set_error(error, "too many attributes");
        return NULL;
    }
    for (guint i = 0; i < json_array_get_length(array); i++) {
        if (!add_attr(attrs, json_array_get_element(array, i), error))
            return NULL;
    }
    return g_steal_pointer(&attrs);
}


/* A required member, which must be a string. */
static const char *
get_member(JsonObject *object, const char *key, GError **error)
{
    const char *text = get_string(json_object_get_member(object, key));

    if (text == NULL)
        md_error_set_from(error, VIR_FROM_CONF, VIR_ERR_CONF_SYNTAX,
                          "'%s' is missing or not a string", key);
    return text;
}


MdDefinition *
md_definition_parse(
    const char *parent_addr, const char *uuid, const char *text, gsize length, GError **error)
{
    g_autoptr(JsonParser) parser = json_parser_new_immutable();
    JsonNode *root = md_json_load(parser, text, length, error);
    g_autoptr(GPtrArray) attrs = NULL;
    JsonObject *object = NULL;
    const char *type_id = NULL;
    const char *start = NULL;

    if (root == NULL)
        return NULL;
    if (!JSON_NODE_HOLDS_OBJECT(root)) {
        set_error(error, "not an object");
        return NULL;
    }

    object = json_node_get_object(root);
    type_id = get_member(object, KEY_TYPE, error);
    if (type_id == NULL)
        return NULL;
    start = get_member(object, KEY_START, error);
    if (start == NULL)
        return NULL;
    if (*type_id == '\0') {
        set_error(error, "'" KEY_TYPE "' is empty");
        return NULL;
    }
    attrs = parse_attrs(json_object_get_member(object, KEY_ATTRS), error);
    if (attrs == NULL)
        return NULL;
    return md_definition_new(parent_addr, uuid, type_id, g_str_equal(start, START_AUTO), attrs);
}


static gboolean
is_only_empty_object(JsonNode *root)
{
    JsonArray *array = JSON_NODE_HOLDS_ARRAY(root) ? json_node_get_array(root) : NULL;
    JsonNode *first = NULL;

    if (array == NULL || json_array_get_length(array) != 1)
        return FALSE;
    first = json_array_get_element(array, 0);
    return JSON_NODE_HOLDS_OBJECT(first) && json_object_get_size(json_node_get_object(first)) == 0;
}


GPtrArray *
md_definition_parse_attrs(const char *text, gsize length, GError **error)
{
    g_autoptr(JsonParser) parser = json_parser_new_immutable();
    JsonNode *root = NULL;

    length = md_json_trim(text, length);
    if (length == 0)
        return md_mdev_attrs_new();

    root = md_json_load(parser, text, length, error);
    if (root == NULL)
        return NULL;
    return is_only_empty_object(root) ? md_mdev_attrs_new() : parse_attrs(root, error);
}


static void
build_attrs(JsonBuilder *builder, GPtrArray *attrs)
{
    json_builder_begin_array(builder);
    for (guint i = 0; i < attrs->len; i++) {
        const MdMdevAttr *attr = g_ptr_array_index(attrs, i);

        json_builder_begin_object(builder);
        json_builder_set_member_name(builder, attr->name);
        json_builder_add_string_value(builder, attr->value);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
}


/* json-glib fails to escape this one control character. */
#define UNESCAPED "\x1f"


char *
md_definition_format(const MdDefinition *self, gboolean pretty)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autoptr(JsonNode) root = NULL;
    g_autofree char *text = NULL;
    g_auto(GStrv) parts = NULL;

    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, KEY_TYPE);
    json_builder_add_string_value(builder, self->type_id);
    json_builder_set_member_name(builder, KEY_START);
    json_builder_add_string_value(builder, self->autostart ? START_AUTO : START_HAND);
    json_builder_set_member_name(builder, KEY_ATTRS);
    build_attrs(builder, self->attrs);
    json_builder_end_object(builder);

    root = json_builder_get_root(builder);
    text = json_to_string(root, pretty);
    parts = g_strsplit(text, UNESCAPED, -1);
    return g_strjoinv("\\u001f", parts);
}


char *
md_definition_format_for_file(const MdDefinition *self, GError **error)
{
    g_autofree char *text = md_definition_format(self, TRUE);
    gsize length = strlen(text);
    g_autoptr(GError) err = NULL;
    g_autoptr(MdDefinition) again = NULL;

    if (length > MD_DEFINITION_SIZE_MAX) {
        md_error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                     "the definition is too long: %" G_GSIZE_FORMAT " bytes, the limit is %d",
                     length, MD_DEFINITION_SIZE_MAX);
        return NULL;
    }
    again = md_definition_parse(self->parent_addr, self->uuid, text, length, &err);
    if (again != NULL && md_definition_is_equal(self, again))
        return g_steal_pointer(&text);
    md_error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "the definition cannot be read back: %s",
                 err != NULL ? err->message : "the result would differ");
    return NULL;
}


gboolean
md_definition_is_equal(const MdDefinition *a, const MdDefinition *b)
{
    return g_str_equal(a->parent_addr, b->parent_addr) && g_str_equal(a->uuid, b->uuid) &&
           g_str_equal(a->type_id, b->type_id) && a->autostart == b->autostart &&
           md_mdev_attrs_are_equal(a->attrs, b->attrs);
}


char *
md_definition_make_name(const MdDefinition *self)
{
    return md_cap_mdev_make_name(self->uuid, self->parent_addr);
}


gboolean
md_definition_has_type_of(const MdDefinition *self, const MdNodeDeviceDef *def)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);

    return cap != NULL && g_strcmp0(cap->type_id, self->type_id) == 0;
}


MdNodeDeviceDef *
md_definition_to_device(const MdDefinition *self, const char *parent)
{
    MdNodeDeviceDef *def = md_node_device_def_new();
    MdCapMdev *cap = md_node_device_def_add_cap(def, &md_cap_kind_mdev);

    def->name = md_definition_make_name(self);
    def->parent = g_strdup(parent);
    cap->uuid = g_strdup(self->uuid);
    cap->parent_addr = g_strdup(self->parent_addr);
    cap->type_id = g_strdup(self->type_id);
    g_ptr_array_unref(cap->attrs);
    cap->attrs = md_mdev_attrs_copy(self->attrs);
    return def;
}
