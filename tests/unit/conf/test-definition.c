/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON of definitions: mdevctl's format, ours, and invalid data. */
#include "config.h"

#include <string.h>

#include "conf/cap-mdev.h"
#include "conf/definition.h"
#include "util/error.h"

#define PARENT "0000:86:00.0"
#define UUID   "0695d332-7831-493f-9e71-1c85c8911a08"

#define BEGIN "{\"mdev_type\":\"nvidia-11\",\"start\":\"auto\",\"attrs\":"


static MdDefinition *
parse(const char *text, GError **error)
{
    return md_definition_parse(PARENT, UUID, text, strlen(text), error);
}


static MdDefinition *
make(gboolean autostart)
{
    g_autoptr(GPtrArray) attrs = md_mdev_attrs_new();

    md_mdev_attrs_add(attrs, "frame_rate", "60");
    md_mdev_attrs_add(attrs, "sub/assign", "\"\\\n\xc3\xbc");
    md_mdev_attrs_add(attrs, "frame_rate", "");
    return md_definition_new(PARENT, UUID, "nvidia-11", autostart, attrs);
}


static void
test_round_trip(gconstpointer data)
{
    gboolean pretty = data != NULL;

    for (int autostart = 0; autostart < 2; autostart++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MdDefinition) definition = make(autostart);
        g_autofree char *text = md_definition_format(definition, pretty);
        g_autoptr(MdDefinition) again = parse(text, &error);

        g_assert_no_error(error);
        g_assert_true(md_definition_is_equal(definition, again));
        g_assert_cmpint(strchr(text, '\n') != NULL, ==, pretty);
    }
}


/* Keys and order are mdevctl's; attributes are always present. */
static void
test_format(void)
{
    g_autoptr(GPtrArray) attrs = md_mdev_attrs_new();
    g_autoptr(MdDefinition) bare = md_definition_new(PARENT, UUID, "nvidia-11", FALSE, attrs);
    g_autoptr(MdDefinition) dressed = NULL;
    g_autofree char *line = md_definition_format(bare, FALSE);
    g_autofree char *lines = NULL;

    md_mdev_attrs_add(attrs, "frame_rate", "60");
    dressed = md_definition_new(PARENT, UUID, "nvidia-11", TRUE, attrs);
    lines = md_definition_format(dressed, TRUE);

    g_assert_cmpstr(line, ==, "{\"mdev_type\":\"nvidia-11\",\"start\":\"manual\",\"attrs\":[]}");
    g_assert_cmpstr(lines, ==,
                    "{\n"
                    "  \"mdev_type\" : \"nvidia-11\",\n"
                    "  \"start\" : \"auto\",\n"
                    "  \"attrs\" : [\n"
                    "    {\n"
                    "      \"frame_rate\" : \"60\"\n"
                    "    }\n"
                    "  ]\n"
                    "}");
}


static void
test_equal(void)
{
    g_autoptr(MdDefinition) one = make(TRUE);
    g_autoptr(MdDefinition) same = make(TRUE);
    g_autoptr(MdDefinition) by_hand = make(FALSE);
    g_autoptr(MdDefinition) type = md_definition_new(PARENT, UUID, "nvidia-12", TRUE, one->attrs);
    g_autoptr(MdDefinition) parent = md_definition_new("mtty", UUID, "nvidia-11", TRUE, one->attrs);
    g_autoptr(GPtrArray) none = md_mdev_attrs_new();
    g_autoptr(MdDefinition) bare = md_definition_new(PARENT, UUID, "nvidia-11", TRUE, none);
    g_autofree char *name = md_definition_make_name(one);

    g_assert_true(md_definition_is_equal(one, same));
    g_assert_false(md_definition_is_equal(one, by_hand));
    g_assert_false(md_definition_is_equal(one, type));
    g_assert_false(md_definition_is_equal(one, parent));
    g_assert_false(md_definition_is_equal(one, bare));
    g_assert_cmpstr(name, ==, "mdev_0695d332_7831_493f_9e71_1c85c8911a08_0000_86_00_0");
}


static void
test_device(void)
{
    g_autoptr(MdDefinition) definition = make(TRUE);
    g_autoptr(MdNodeDeviceDef) def = md_definition_to_device(definition, "pci_0000_86_00_0");
    const MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);

    g_assert_cmpstr(def->name, ==, "mdev_0695d332_7831_493f_9e71_1c85c8911a08_0000_86_00_0");
    g_assert_cmpstr(def->parent, ==, "pci_0000_86_00_0");
    g_assert_null(def->path);
    g_assert_cmpstr(cap->uuid, ==, UUID);
    g_assert_cmpstr(cap->type_id, ==, "nvidia-11");
    g_assert_cmpstr(cap->parent_addr, ==, PARENT);
    g_assert_true(md_mdev_attrs_are_equal(cap->attrs, definition->attrs));
}


typedef struct {
    const char *name;
    const char *text;
    gboolean autostart;
    guint n_attrs;
} Good;

static const Good good[] = {
    { "mdevctl", "{\n  \"mdev_type\": \"nvidia-11\",\n  \"start\": \"auto\",\n  \"attrs\": []\n}",
      TRUE, 0 },
    { "null-attrs", BEGIN "null}", TRUE, 0 },
    { "no-attrs", "{\"mdev_type\":\"nvidia-11\",\"start\":\"manual\"}", FALSE, 0 },
    { "other-start", "{\"mdev_type\":\"nvidia-11\",\"start\":\"AUTO\"}", FALSE, 0 },
    { "empty-start", "{\"mdev_type\":\"nvidia-11\",\"start\":\"\"}", FALSE, 0 },
    { "unknown-keys", "{\"version\":{\"a\":[1]},\"mdev_type\":\"nvidia-11\",\"start\":\"auto\"}",
      TRUE, 0 },
    { "other-order", "{\"attrs\":[{\"a\":\"1\"}],\"start\":\"auto\",\"mdev_type\":\"nvidia-11\"}",
      TRUE, 1 },
    { "same-attr-twice", BEGIN "[{\"a\":\"1\"},{\"a\":\"2\"}]}", TRUE, 2 },
    { "duplicate-key", "{\"mdev_type\":\"x\",\"mdev_type\":\"nvidia-11\",\"start\":\"auto\"}", TRUE,
      0 },
    { "brackets-in-text", BEGIN "[{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"{{{{{{{{{\"}]}", TRUE,
      1 },
    { "escapes", BEGIN "[{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00fC\\ud83d\\uDE00\"}]}", TRUE, 1 },
    { "words-and-numbers", BEGIN "[],\"x\":[true,false,null,0,-0.5,12,1e5,1.5E+3,1E-2,{},[],\"\"]}",
      TRUE, 0 },
    { "delete-character", BEGIN "[{\"a\":\"\x7f\"}]}", TRUE, 1 },
    { "blanks-around", "\n\t " BEGIN "[]} \n\n", TRUE, 0 },
};


static void
test_good(gconstpointer data)
{
    const Good *row = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(MdDefinition) definition = parse(row->text, &error);

    g_assert_no_error(error);
    g_assert_cmpstr(definition->parent_addr, ==, PARENT);
    g_assert_cmpstr(definition->uuid, ==, UUID);
    g_assert_cmpstr(definition->type_id, ==, "nvidia-11");
    g_assert_cmpint(definition->autostart, ==, row->autostart);
    g_assert_cmpuint(definition->attrs->len, ==, row->n_attrs);
}


typedef struct {
    const char *name;
    const char *text;
    const char *expected; /* in the error */
} Bad;

static const Bad bad[] = {
    { "empty", "", "empty" },
    { "blank", " \n", "empty" },
    { "half", "{\"mdev_type\": \"nvidia-11\", \"sta", "invalid JSON" },
    { "no-json", "mdev_type = nvidia-11", "invalid JSON" },
    { "two", BEGIN "[]}" BEGIN "[]}", "more than one" },
    { "array", "[]", "not an object" },
    { "number", "1", "not an object" },
    { "null", "null", "not an object" },
    { "no-type", "{\"start\":\"auto\"}", "'mdev_type'" },
    { "no-start", "{\"mdev_type\":\"a\"}", "'start'" },
    { "null-type", "{\"mdev_type\":null,\"start\":\"auto\"}", "'mdev_type'" },
    { "number-type", "{\"mdev_type\":11,\"start\":\"auto\"}", "'mdev_type'" },
    { "object-type", "{\"mdev_type\":{},\"start\":\"auto\"}", "'mdev_type'" },
    { "empty-type", "{\"mdev_type\":\"\",\"start\":\"auto\"}", "'mdev_type' is empty" },
    { "boolean-start", "{\"mdev_type\":\"a\",\"start\":true}", "'start'" },
    { "array-start", "{\"mdev_type\":\"a\",\"start\":[\"auto\"]}", "'start'" },
    { "object-attrs", BEGIN "{\"a\":\"1\"}}", "not an array" },
    { "text-attrs", BEGIN "\"a\"}", "not an array" },
    { "text-attr", BEGIN "[\"a\"]}", "attribute 1" },
    { "null-attr", BEGIN "[{\"a\":\"1\"},null]}", "attribute 2" },
    { "empty-attr", BEGIN "[{}]}", "attribute 1" },
    { "two-in-one", BEGIN "[{\"a\":\"1\",\"b\":\"2\"}]}", "attribute 1" },
    { "number-value", BEGIN "[{\"a\":1}]}", "attribute 'a'" },
    { "null-value", BEGIN "[{\"a\":null}]}", "attribute 'a'" },
    { "no-name", BEGIN "[{\"\":\"1\"}]}", "attribute ''" },
    { "latin-1", BEGIN "[{\"a\":\"\xfc\"}]}", "UTF-8" },
    { "surrogate", BEGIN "[{\"a\":\"\\ud800\"}]}", "unpaired surrogate" },
    { "surrogate-in-text", BEGIN "[{\"a\":\"x\\ud800y\"}]}", "unpaired surrogate" },
    { "surrogate-in-name", BEGIN "[{\"a\\udc00\\ud800\":\"\"}]}", "unpaired surrogate" },
    { "nul-in-text", BEGIN "[{\"a\":\"x\\u0000y\"}]}", "NUL" },
    { "nul-escape", BEGIN "[{\"a\":\"\\0\"}]}", "invalid escape" },
    { "octal", BEGIN "[{\"a\":\"\\377\\376\"}]}", "invalid escape" },
    { "apostrophe-escape", BEGIN "[{\"a\":\"\\'\"}]}", "invalid escape" },
    { "upper-case-escape", BEGIN "[{\"a\":\"\\N\"}]}", "invalid escape" },
    { "escape-at-end", "{\"a\\", "invalid escape" },
    { "short-escape", BEGIN "[{\"a\":\"\\ud8+00\"}]}", "invalid escape" },
    { "no-digits", BEGIN "[{\"a\":\"\\u\"}]}", "invalid escape" },
    { "swallowed-quote", BEGIN "[{\"a\":\"\\ud8\" x\"}]}", "invalid escape" },
    { "half-pair-at-end", "{\"\\ud800", "unpaired surrogate" },
    { "high-and-high", BEGIN "[{\"a\":\"\\ud800\\ud800\"}]}", "unpaired surrogate" },
    { "high-and-letter", BEGIN "[{\"a\":\"\\ud800\\u0041\"}]}", "unpaired surrogate" },
    { "high-and-escape", BEGIN "[{\"a\":\"\\ud800\\n\"}]}", "unpaired surrogate" },
    { "line-in-string", BEGIN "[{\"a\":\"x\ny\"}]}", "control character" },
    { "last-control", BEGIN "[{\"a\":\"\x1f\"}]}", "control character" },
    { "assignment", "var x = " BEGIN "[]};", "invalid JSON" },
    { "comment", "/* */" BEGIN "[]}", "invalid JSON" },
    { "semicolon", BEGIN "[]};", "invalid JSON" },
    { "comma-at-end", BEGIN "[],}", "invalid JSON" },
    { "comma-in-array", BEGIN "[{\"a\":\"1\"},]}", "invalid JSON" },
    { "comma-at-begin", BEGIN "[,{\"a\":\"1\"}]}", "invalid JSON" },
    { "no-comma", BEGIN "[] \"a\":1}", "invalid JSON" },
    { "no-colon", "{\"mdev_type\" \"nvidia-11\"}", "invalid JSON" },
    { "other-bracket", BEGIN "[}}", "invalid JSON" },
    { "closed-twice", BEGIN "[]}}", "more than one" },
    { "single-quotes", "{'mdev_type':'a','start':'auto'}", "invalid JSON" },
    { "hexadecimal", BEGIN "[],\"x\":0x1f}", "invalid JSON" },
    { "octal-number", BEGIN "[],\"x\":017}", "invalid JSON" },
    { "half-a-number", BEGIN "[],\"x\":1.}", "invalid JSON" },
    { "half-an-exponent", BEGIN "[],\"x\":1e+}", "invalid JSON" },
    { "plus", BEGIN "[],\"x\":+1}", "invalid JSON" },
    { "word", BEGIN "[],\"x\":nil}", "invalid JSON" },
    { "form-feed", "\f" BEGIN "[]}", "unexpected byte 0x0c" },
};


static void
test_bad(gconstpointer data)
{
    const Bad *row = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(MdDefinition) definition = parse(row->text, &error);

    g_assert_null(definition);
    g_assert_error(error, MD_ERROR, VIR_ERR_CONF_SYNTAX);
    g_assert_cmpint(md_error_get_from(error), ==, VIR_FROM_CONF);
    g_assert_nonnull(strstr(error->message, row->expected));
}


static void
test_nul(void)
{
    static const char text[] = BEGIN "[]}\0";
    g_autoptr(GError) error = NULL;
    g_autoptr(MdDefinition) definition =
        md_definition_parse(PARENT, UUID, text, sizeof(text), &error);

    g_assert_null(definition);
    g_assert_error(error, MD_ERROR, VIR_ERR_CONF_SYNTAX);
}


/* Like the data of an empty GBytes. */
static void
test_no_data(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MdDefinition) definition = md_definition_parse(PARENT, UUID, NULL, 0, &error);
    g_autoptr(GPtrArray) attrs = md_definition_parse_attrs(NULL, 0, NULL);

    g_assert_null(definition);
    g_assert_error(error, MD_ERROR, VIR_ERR_CONF_SYNTAX);
    g_assert_cmpuint(attrs->len, ==, 0);
}


/* A closing quote that the parser would take for a hexadecimal digit must not hide the following
 * text. */
#define HIDDEN_DEPTH "{\"mdev_type\":\"nvidia-11\",\"a\":\"\\ud8\" x\",\"b\":["


static void
test_hidden_depth(void)
{
    g_autoptr(GString) text = g_string_new(HIDDEN_DEPTH);
    g_autoptr(GError) error = NULL;
    g_autoptr(MdDefinition) definition = NULL;

    for (guint i = 0; i < 1000000; i++)
        g_string_append_c(text, '[');
    definition = parse(text->str, &error);
    g_assert_null(definition);
    g_assert_error(error, MD_ERROR, VIR_ERR_CONF_SYNTAX);
    g_assert_nonnull(strstr(error->message, "invalid escape"));
}


/* All permitted characters of a string are read back, including control characters. */
static void
test_characters(void)
{
    for (gunichar c = 1; c < 0x300; c++) {
        g_autoptr(GPtrArray) attrs = md_mdev_attrs_new();
        g_autoptr(MdDefinition) definition = NULL;
        g_autoptr(MdDefinition) again = NULL;
        g_autoptr(GError) error = NULL;
        g_autofree char *text = NULL;
        char value[8] = "";

        g_unichar_to_utf8(c, value);
        md_mdev_attrs_add(attrs, value, value);
        definition = md_definition_new(PARENT, UUID, "nvidia-11", FALSE, attrs);
        text = md_definition_format(definition, TRUE);
        again = parse(text, &error);
        g_assert_no_error(error);
        g_assert_true(md_definition_is_equal(definition, again));
    }
}


/* Much shorter than the limit, with more brackets than the stack could hold. */
static void
test_depth(gconstpointer data)
{
    g_autoptr(GString) text = g_string_new(data);
    g_autoptr(GError) error = NULL;
    g_autoptr(MdDefinition) definition = NULL;

    for (guint i = 0; i < 500000; i++)
        g_string_append(text, "[");
    definition = parse(text->str, &error);
    g_assert_null(definition);
    g_assert_error(error, MD_ERROR, VIR_ERR_CONF_SYNTAX);
    g_assert_nonnull(strstr(error->message, "nested too deeply"));
}


static void
test_size(void)
{
    g_autoptr(GString) text = g_string_new(BEGIN "[]}");
    g_autoptr(GError) error = NULL;
    g_autoptr(MdDefinition) most = NULL;
    g_autoptr(MdDefinition) more = NULL;

    while (text->len < MD_DEFINITION_SIZE_MAX)
        g_string_append_c(text, ' ');
    most = parse(text->str, &error);
    g_assert_no_error(error);
    g_assert_nonnull(most);

    g_string_append_c(text, ' ');
    more = parse(text->str, &error);
    g_assert_null(more);
    g_assert_error(error, MD_ERROR, VIR_ERR_CONF_SYNTAX);
    g_assert_nonnull(strstr(error->message, "too long"));
}


static void
test_attr_limit(void)
{
    g_autoptr(GString) text = g_string_new(BEGIN "[{\"a\":\"0\"}");
    g_autofree char *most = NULL;
    g_autofree char *more = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(MdDefinition) good_one = NULL;
    g_autoptr(MdDefinition) bad_one = NULL;

    for (guint i = 1; i < MD_MDEV_ATTRS_MAX; i++)
        g_string_append_printf(text, ",{\"a\":\"%u\"}", i);
    most = g_strconcat(text->str, "]}", NULL);
    more = g_strconcat(text->str, ",{\"a\":\"\"}]}", NULL);

    good_one = parse(most, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(good_one->attrs->len, ==, MD_MDEV_ATTRS_MAX);
    bad_one = parse(more, &error);
    g_assert_null(bad_one);
    g_assert_error(error, MD_ERROR, VIR_ERR_CONF_SYNTAX);
}


/* Output of scripts. */
static void
test_attrs(void)
{
    static const struct {
        const char *text;
        gsize length;
        int n_attrs; /* -1: refused */
    } rows[] = {
        { "", 0, 0 },
        { "\0\0\0", 3, 0 },
        { " \n", 2, 0 },
        { "[{}]", 4, 0 },
        { "[]", 2, 0 },
        { "null", 4, 0 },
        { "[{\"a\":\"1\"}]", 11, 1 },
        { "[{\"a\":\"1\"}]\n\0\0", 14, 1 },
        { "[{\"a\":\"1\"},{\"b\":\"2\"}]", 21, 2 },
        { "[{},{}]", 7, -1 },
        { "{}", 2, -1 },
        { "[{\"a\":1}]", 9, -1 },
        { "[{\"a\"", 5, -1 },
        { "[]\0[]", 5, -1 },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) attrs =
            md_definition_parse_attrs(rows[i].text, rows[i].length, &error);

        g_test_message("'%s'", rows[i].text);
        if (rows[i].n_attrs >= 0) {
            g_assert_no_error(error);
            g_assert_cmpuint(attrs->len, ==, (guint)rows[i].n_attrs);
        } else {
            g_assert_null(attrs);
            g_assert_error(error, MD_ERROR, VIR_ERR_CONF_SYNTAX);
        }
    }
}


static void
add_rows(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autofree char *path = g_strconcat("/definition/good/", good[i].name, NULL);

        g_test_add_data_func(path, &good[i], test_good);
    }
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *path = g_strconcat("/definition/bad/", bad[i].name, NULL);

        g_test_add_data_func(path, &bad[i], test_bad);
    }
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/definition/round-trip/lines", "pretty", test_round_trip);
    g_test_add_data_func("/definition/round-trip/line", NULL, test_round_trip);
    g_test_add_func("/definition/format", test_format);
    g_test_add_func("/definition/equal", test_equal);
    g_test_add_func("/definition/device", test_device);
    add_rows();
    g_test_add_func("/definition/bad/nul", test_nul);
    g_test_add_func("/definition/no-data", test_no_data);
    g_test_add_data_func("/definition/bad/deep", "", test_depth);
    g_test_add_data_func("/definition/bad/deep-inside", BEGIN, test_depth);
    g_test_add_func("/definition/bad/deep-and-hidden", test_hidden_depth);
    g_test_add_func("/definition/characters", test_characters);
    g_test_add_func("/definition/size", test_size);
    g_test_add_func("/definition/attr-limit", test_attr_limit);
    g_test_add_func("/definition/attrs", test_attrs);
    return g_test_run();
}
