/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/json.h"

#include <string.h>

#include "util/error.h"

/* Brackets in brackets; nothing of ours has more than four. The parser recurses for each. */
#define DEPTH_MAX 16

/* What the parser understands although it is no JSON. */
#define NO_JSON "/#'=;"


gsize
md_json_trim(const char *text, gsize length)
{
    while (length > 0 && (text[length - 1] == '\0' || g_ascii_isspace(text[length - 1])))
        length--;
    return length;
}


static void
set_error(GError **error, const char *message)
{
    md_error_set_from(error, VIR_FROM_CONF, VIR_ERR_CONF_SYNTAX, "%s", message);
}


/* The number of a \u12ab, or -1. */
static int
get_escape(const char *text, gsize length)
{
    int number = 0;

    if (length < 6 || text[0] != '\\' || text[1] != 'u')
        return -1;
    for (int i = 2; i < 6; i++) {
        if (!g_ascii_isxdigit(text[i]))
            return -1;
        number = number << 4 | g_ascii_xdigit_value(text[i]);
    }
    return number;
}


/*
 * How long an escape in a text is; 0 with an error. The parser would end the text at a NUL, and
 * make bytes that are no UTF-8 of half a pair of surrogates.
 */
static gsize
check_escape(const char *text, gsize length, GError **error)
{
    int number = get_escape(text, length);
    int next = number >= 0 ? get_escape(text + 6, length - 6) : -1;

    if (number == 0) {
        set_error(error, "a text holds a NUL");
        return 0;
    }
    if (number < 0xD800 || number > 0xDFFF)
        return 2;
    if (number > 0xDBFF || next < 0xDC00 || next > 0xDFFF) {
        set_error(error, "a text holds half a character");
        return 0;
    }
    return 12;
}


/*
 * The parser would take one value after the other, of which the last counts; and comments and other
 * quotes, and a quote in those would hide brackets from us; and an assignment to a variable.
 */
static gboolean
check_text(const char *text, gsize length, GError **error)
{
    gboolean in_string = FALSE;
    guint depth = 0;
    guint n_values = 0;

    for (gsize i = 0; i < length; i++) {
        if (in_string && text[i] == '\\') {
            gsize n = check_escape(text + i, length - i, error);

            if (n == 0)
                return FALSE;
            i += n - 1;
        } else if (text[i] == '"') {
            in_string = !in_string;
        } else if (!in_string && memchr(NO_JSON, text[i], strlen(NO_JSON)) != NULL) {
            md_error_set_from(error, VIR_FROM_CONF, VIR_ERR_CONF_SYNTAX,
                              "no JSON: there is a '%c' outside of texts", text[i]);
            return FALSE;
        } else if (!in_string && (text[i] == '{' || text[i] == '[')) {
            n_values += depth == 0;
            if (++depth > DEPTH_MAX || n_values > 1) {
                set_error(error, n_values > 1 ? "more than one value" : "nested too deeply");
                return FALSE;
            }
        } else if (!in_string && (text[i] == '}' || text[i] == ']') && depth > 0) {
            depth--;
        }
    }
    return TRUE;
}


JsonNode *
md_json_load(JsonParser *parser, const char *text, gsize length, GError **error)
{
    g_autoptr(GError) err = NULL;

    /* There may be no pointer to nothing. */
    if (length == 0) {
        set_error(error, "it is empty");
        return NULL;
    }
    if (length > MD_JSON_SIZE_MAX) {
        set_error(error, "too long");
        return NULL;
    }
    if (!g_utf8_validate(text, (gssize)length, NULL)) {
        set_error(error, "not a text in UTF-8");
        return NULL;
    }
    if (!check_text(text, length, error))
        return NULL;
    if (!json_parser_load_from_data(parser, text, (gssize)length, &err)) {
        md_error_set_from(error, VIR_FROM_CONF, VIR_ERR_CONF_SYNTAX, "no JSON: %s", err->message);
        return NULL;
    }
    if (json_parser_get_root(parser) == NULL)
        set_error(error, "it is empty");
    return json_parser_get_root(parser);
}
