/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "mdevctl/callout-version.h"

#include "conf/json.h"
#include "util/error.h"

#define KEY_PROVIDES "provides"
#define KEY_SUPPORTS "supports"
#define KEY_VERSION  "version"
#define KEY_ACTIONS  "actions"
#define KEY_EVENTS   "events"

/* mdevctl's latest version, which introduced `live`. */
#define VERSION 2

static const char *const actions[] = {
    [MD_CALLOUT_START] = "start",
    [MD_CALLOUT_STOP] = "stop",
    [MD_CALLOUT_DEFINE] = "define",
    [MD_CALLOUT_UNDEFINE] = "undefine",
    [MD_CALLOUT_MODIFY] = "modify",
    [MD_CALLOUT_ATTRIBUTES] = "attributes",
    [MD_CALLOUT_CAPABILITIES] = "capabilities",
};

static const char *const events[] = {
    [MD_CALLOUT_PRE] = "pre", [MD_CALLOUT_POST] = "post", [MD_CALLOUT_NOTIFY] = "notify",
    [MD_CALLOUT_GET] = "get", [MD_CALLOUT_LIVE] = "live",
};


const char *
md_callout_action_to_string(MdCalloutAction action)
{
    return actions[action];
}


const char *
md_callout_event_to_string(MdCalloutEvent event)
{
    return events[event];
}


static void
build_words(JsonBuilder *builder, const char *key, const char *const *words, gsize n)
{
    json_builder_set_member_name(builder, key);
    json_builder_begin_array(builder);
    for (gsize i = 0; i < n; i++)
        json_builder_add_string_value(builder, words[i]);
    json_builder_end_array(builder);
}


char *
md_callout_version_format(void)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autoptr(JsonNode) root = NULL;

    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, KEY_PROVIDES);
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, KEY_VERSION);
    json_builder_add_int_value(builder, VERSION);
    build_words(builder, KEY_ACTIONS, actions, G_N_ELEMENTS(actions));
    build_words(builder, KEY_EVENTS, events, G_N_ELEMENTS(events));
    json_builder_end_object(builder);
    json_builder_end_object(builder);

    root = json_builder_get_root(builder);
    return json_to_string(root, FALSE);
}


static JsonObject *
get_object(JsonNode *node)
{
    return node != NULL && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}


/* Sets `bits` to the known words in an array. FALSE if the member is not an array of strings. */
static gboolean
parse_words(JsonObject *object, const char *key, const char *const *words, gsize n, guint *bits)
{
    JsonNode *node = json_object_get_member(object, key);
    JsonArray *array = NULL;

    if (node == NULL || !JSON_NODE_HOLDS_ARRAY(node))
        return FALSE;

    array = json_node_get_array(node);
    *bits = 0;
    for (guint i = 0; i < json_array_get_length(array); i++) {
        JsonNode *element = json_array_get_element(array, i);

        if (json_node_get_value_type(element) != G_TYPE_STRING)
            return FALSE;
        for (gsize j = 0; j < n; j++) {
            if (g_str_equal(json_node_get_string(element), words[j]))
                *bits |= 1U << j;
        }
    }
    return TRUE;
}


static gboolean
parse_object(JsonObject *object, MdCalloutVersion *version)
{
    JsonNode *number = json_object_get_member(object, KEY_VERSION);

    return number != NULL && json_node_get_value_type(number) == G_TYPE_INT64 &&
           parse_words(object, KEY_ACTIONS, actions, G_N_ELEMENTS(actions), &version->actions) &&
           parse_words(object, KEY_EVENTS, events, G_N_ELEMENTS(events), &version->events);
}


gboolean
md_callout_version_parse(const char *text, gsize length, MdCalloutVersion *version, GError **error)
{
    g_autoptr(JsonParser) parser = json_parser_new_immutable();
    JsonNode *root = md_json_load(parser, text, md_json_trim(text, length), error);
    JsonObject *object = NULL;
    MdCalloutVersion parsed = { 0 };

    if (root == NULL)
        return FALSE;

    object = get_object(root);
    if (object != NULL)
        object = get_object(json_object_get_member(object, KEY_SUPPORTS));
    if (object == NULL || !parse_object(object, &parsed)) {
        md_error_set_from(error, VIR_FROM_CONF, VIR_ERR_CONF_SYNTAX,
                          "no '" KEY_SUPPORTS "' with version, actions and events");
        return FALSE;
    }
    *version = parsed;
    return TRUE;
}
