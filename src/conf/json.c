/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/json.h"

#include <string.h>

#include "util/error.h"

/* Nesting of objects and arrays; definitions need four levels. The parser recurses for each. */
#define DEPTH_MAX 16

/* The number of a UTF-16 surrogate, and where the second of a pair begins and ends. */
#define SURROGATE_FIRST 0xD800
#define SURROGATE_LOW   0xDC00
#define SURROGATE_LAST  0xDFFF

/* A text that is checked, and how far. */
typedef struct {
    const char *at;
    const char *end;
    guint depth;
    GError **error;
} Checker;

static gboolean checker_take_value(Checker *self);


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


static gboolean
checker_fail(Checker *self, const char *message)
{
    set_error(self->error, message);
    return FALSE;
}


static gboolean
checker_fail_here(Checker *self)
{
    gboolean printable = self->at < self->end && g_ascii_isprint(*self->at);

    if (self->at == self->end)
        return checker_fail(self, "invalid JSON: unexpected end");
    md_error_set_from(self->error, VIR_FROM_CONF, VIR_ERR_CONF_SYNTAX,
                      printable ? "invalid JSON: unexpected '%c'"
                                : "invalid JSON: unexpected byte 0x%02x",
                      (guchar)*self->at);
    return FALSE;
}


static void
checker_skip_blanks(Checker *self)
{
    while (self->at < self->end && *self->at != '\0' && strchr(" \t\n\r", *self->at) != NULL)
        self->at++;
}


/* Passes over one character if it is the next one. */
static gboolean
checker_take(Checker *self, char c)
{
    if (self->at == self->end || *self->at != c)
        return FALSE;
    self->at++;
    return TRUE;
}


/* The number of `u` and four hexadecimal digits, or -1. */
static int
checker_take_unicode(Checker *self)
{
    int number = 0;

    if (!checker_take(self, 'u') || self->end - self->at < 4)
        return -1;
    for (int i = 0; i < 4; i++, self->at++) {
        if (!g_ascii_isxdigit(*self->at))
            return -1;
        number = number << 4 | g_ascii_xdigit_value(*self->at);
    }
    return number;
}


/* What follows a backslash. The parser would end the text at a NUL, and make invalid UTF-8 of half
 * a pair of surrogates. */
static gboolean
checker_take_escape(Checker *self)
{
    int number = 0;

    if (self->at < self->end && *self->at != '\0' && strchr("\"\\/bfnrt", *self->at) != NULL) {
        self->at++;
        return TRUE;
    }

    number = checker_take_unicode(self);
    if (number < 0)
        return checker_fail(self, "invalid escape in a string");
    if (number == 0)
        return checker_fail(self, "NUL in a string");
    if (number < SURROGATE_FIRST || number > SURROGATE_LAST)
        return TRUE;

    if (number < SURROGATE_LOW && checker_take(self, '\\')) {
        int low = checker_take_unicode(self);

        if (low >= SURROGATE_LOW && low <= SURROGATE_LAST)
            return TRUE;
    }
    return checker_fail(self, "unpaired surrogate in a string");
}


static gboolean
checker_take_string(Checker *self)
{
    if (!checker_take(self, '"'))
        return checker_fail_here(self);

    while (!checker_take(self, '"')) {
        if (self->at == self->end)
            return checker_fail_here(self);
        if (g_ascii_iscntrl(*self->at) && *self->at != 0x7F)
            return checker_fail(self, "unescaped control character in a string");
        if (!checker_take(self, '\\'))
            self->at++;
        else if (!checker_take_escape(self))
            return FALSE;
    }
    return TRUE;
}


/* At least one. */
static gboolean
checker_take_digits(Checker *self)
{
    const char *begin = self->at;

    while (self->at < self->end && g_ascii_isdigit(*self->at))
        self->at++;
    return self->at > begin || checker_fail_here(self);
}


static gboolean
checker_take_number(Checker *self)
{
    checker_take(self, '-');
    if (!checker_take(self, '0') && !checker_take_digits(self))
        return FALSE;
    if (checker_take(self, '.') && !checker_take_digits(self))
        return FALSE;
    if (!checker_take(self, 'e') && !checker_take(self, 'E'))
        return TRUE;
    if (!checker_take(self, '-'))
        checker_take(self, '+');
    return checker_take_digits(self);
}


static gboolean
checker_take_word(Checker *self)
{
    static const char *const words[] = { "null", "true", "false" };

    for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
        gsize length = strlen(words[i]);

        if ((gsize)(self->end - self->at) >= length && memcmp(self->at, words[i], length) == 0) {
            self->at += length;
            return TRUE;
        }
    }
    return checker_take_number(self);
}


static gboolean
checker_take_member(Checker *self)
{
    checker_skip_blanks(self);
    if (!checker_take_string(self))
        return FALSE;
    checker_skip_blanks(self);
    return checker_take(self, ':') ? checker_take_value(self) : checker_fail_here(self);
}


/* What is between two brackets, the second of them included. */
static gboolean
checker_take_all(Checker *self, char close, gboolean (*take_one)(Checker *self))
{
    if (++self->depth > DEPTH_MAX)
        return checker_fail(self, "nested too deeply");

    checker_skip_blanks(self);
    if (!checker_take(self, close)) {
        do {
            if (!take_one(self))
                return FALSE;
        } while (checker_take(self, ','));
        checker_skip_blanks(self);
        if (!checker_take(self, close))
            return checker_fail_here(self);
    }
    self->depth--;
    return TRUE;
}


/* With the blanks around it. */
static gboolean
checker_take_value(Checker *self)
{
    gboolean taken = FALSE;

    checker_skip_blanks(self);
    if (checker_take(self, '{'))
        taken = checker_take_all(self, '}', checker_take_member);
    else if (checker_take(self, '['))
        taken = checker_take_all(self, ']', checker_take_value);
    else if (self->at < self->end && *self->at == '"')
        taken = checker_take_string(self);
    else
        taken = checker_take_word(self);
    checker_skip_blanks(self);
    return taken;
}


/*
 * Whether it is one value of JSON as in RFC 8259. The parser alone would also take octal escapes,
 * incomplete ones that swallow the closing quote, comments, other quotes, assignments to a
 * variable, and of several values the last one.
 */
static gboolean
check_text(const char *text, gsize length, GError **error)
{
    Checker checker = { .at = text, .end = text + length, .error = error };

    checker_skip_blanks(&checker);
    if (checker.at == checker.end)
        return checker_fail(&checker, "empty");
    if (!checker_take_value(&checker))
        return FALSE;
    return checker.at == checker.end || checker_fail(&checker, "invalid JSON: more than one value");
}


JsonNode *
md_json_load(JsonParser *parser, const char *text, gsize length, GError **error)
{
    g_autoptr(GError) err = NULL;
    g_autofree char *reason = NULL;

    /* There may be no pointer to nothing. */
    if (length == 0) {
        set_error(error, "empty");
        return NULL;
    }
    if (length > MD_JSON_SIZE_MAX) {
        set_error(error, "too long");
        return NULL;
    }
    if (!g_utf8_validate(text, (gssize)length, NULL)) {
        set_error(error, "not valid UTF-8");
        return NULL;
    }
    if (!check_text(text, length, error))
        return NULL;
    if (json_parser_load_from_data(parser, text, (gssize)length, &err))
        return json_parser_get_root(parser);

    /* The parser quotes the text, and may cut it inside a character. */
    reason = g_utf8_make_valid(err->message, -1);
    md_error_set_from(error, VIR_FROM_CONF, VIR_ERR_CONF_SYNTAX, "no JSON: %s", reason);
    return NULL;
}
