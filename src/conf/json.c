/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/json.h"

#include <string.h>

#include "util/error.h"

/* Maximum nesting of objects and arrays, because the parser recurses into each. Definitions need
 * four levels. */
#define DEPTH_MAX 16

/* UTF-16 surrogates; the second one of a pair is at least SURROGATE_LOW. */
#define SURROGATE_FIRST 0xD800
#define SURROGATE_LOW   0xDC00
#define SURROGATE_LAST  0xDFFF

/* The part of the text not validated yet. */
typedef struct {
    const char *at;
    const char *end;
    guint depth;
    GError **error;
} Checker;

static gboolean checker_accept_value(Checker *self);


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


/* Skips the next character if it is `c`. */
static gboolean
checker_accept(Checker *self, char c)
{
    if (self->at == self->end || *self->at != c)
        return FALSE;
    self->at++;
    return TRUE;
}


/* The number after `u`, four hexadecimal digits; -1 if invalid. */
static int
checker_accept_unicode(Checker *self)
{
    int number = 0;

    if (!checker_accept(self, 'u') || self->end - self->at < 4)
        return -1;
    for (int i = 0; i < 4; i++, self->at++) {
        if (!g_ascii_isxdigit(*self->at))
            return -1;
        number = number << 4 | g_ascii_xdigit_value(*self->at);
    }
    return number;
}


/* Validates an escape sequence after its backslash. The parser would end the string at a NUL, and
 * convert an unpaired surrogate to invalid UTF-8. */
static gboolean
checker_accept_escape(Checker *self)
{
    int number = 0;

    if (self->at < self->end && *self->at != '\0' && strchr("\"\\/bfnrt", *self->at) != NULL) {
        self->at++;
        return TRUE;
    }

    number = checker_accept_unicode(self);
    if (number < 0)
        return checker_fail(self, "invalid escape in a string");
    if (number == 0)
        return checker_fail(self, "NUL in a string");
    if (number < SURROGATE_FIRST || number > SURROGATE_LAST)
        return TRUE;

    if (number < SURROGATE_LOW && checker_accept(self, '\\')) {
        int low = checker_accept_unicode(self);

        if (low >= SURROGATE_LOW && low <= SURROGATE_LAST)
            return TRUE;
    }
    return checker_fail(self, "unpaired surrogate in a string");
}


static gboolean
checker_accept_string(Checker *self)
{
    if (!checker_accept(self, '"'))
        return checker_fail_here(self);

    while (!checker_accept(self, '"')) {
        if (self->at == self->end)
            return checker_fail_here(self);
        if (g_ascii_iscntrl(*self->at) && *self->at != 0x7F)
            return checker_fail(self, "unescaped control character in a string");
        if (!checker_accept(self, '\\'))
            self->at++;
        else if (!checker_accept_escape(self))
            return FALSE;
    }
    return TRUE;
}


/* Requires at least one digit. */
static gboolean
checker_accept_digits(Checker *self)
{
    const char *begin = self->at;

    while (self->at < self->end && g_ascii_isdigit(*self->at))
        self->at++;
    return self->at > begin || checker_fail_here(self);
}


static gboolean
checker_accept_number(Checker *self)
{
    checker_accept(self, '-');
    if (!checker_accept(self, '0') && !checker_accept_digits(self))
        return FALSE;
    if (checker_accept(self, '.') && !checker_accept_digits(self))
        return FALSE;
    if (!checker_accept(self, 'e') && !checker_accept(self, 'E'))
        return TRUE;
    if (!checker_accept(self, '-'))
        checker_accept(self, '+');
    return checker_accept_digits(self);
}


static gboolean
checker_accept_word(Checker *self)
{
    static const char *const words[] = { "null", "true", "false" };

    for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
        gsize length = strlen(words[i]);

        if ((gsize)(self->end - self->at) >= length && memcmp(self->at, words[i], length) == 0) {
            self->at += length;
            return TRUE;
        }
    }
    return checker_accept_number(self);
}


static gboolean
checker_accept_member(Checker *self)
{
    checker_skip_blanks(self);
    if (!checker_accept_string(self))
        return FALSE;
    checker_skip_blanks(self);
    return checker_accept(self, ':') ? checker_accept_value(self) : checker_fail_here(self);
}


/* Accepts the elements after an opening bracket, and the closing bracket. */
static gboolean
checker_accept_all(Checker *self, char close, gboolean (*accept_one)(Checker *self))
{
    if (++self->depth > DEPTH_MAX)
        return checker_fail(self, "nested too deeply");

    checker_skip_blanks(self);
    if (!checker_accept(self, close)) {
        do {
            if (!accept_one(self))
                return FALSE;
        } while (checker_accept(self, ','));
        checker_skip_blanks(self);
        if (!checker_accept(self, close))
            return checker_fail_here(self);
    }
    self->depth--;
    return TRUE;
}


/* Accepts a value and the white space around it. */
static gboolean
checker_accept_value(Checker *self)
{
    gboolean accepted = FALSE;

    checker_skip_blanks(self);
    if (checker_accept(self, '{'))
        accepted = checker_accept_all(self, '}', checker_accept_member);
    else if (checker_accept(self, '['))
        accepted = checker_accept_all(self, ']', checker_accept_value);
    else if (self->at < self->end && *self->at == '"')
        accepted = checker_accept_string(self);
    else
        accepted = checker_accept_word(self);
    checker_skip_blanks(self);
    return accepted;
}


/*
 * Whether the text is exactly one JSON value as in RFC 8259. The parser alone would also accept
 * octal escapes, incomplete escapes that swallow the closing quote, comments, other quotes,
 * assignments to a variable, and several values, of which it returns the last.
 */
static gboolean
check_text(const char *text, gsize length, GError **error)
{
    Checker checker = { .at = text, .end = text + length, .error = error };

    checker_skip_blanks(&checker);
    if (checker.at == checker.end)
        return checker_fail(&checker, "empty");
    if (!checker_accept_value(&checker))
        return FALSE;
    return checker.at == checker.end || checker_fail(&checker, "invalid JSON: more than one value");
}


JsonNode *
md_json_load(JsonParser *parser, const char *text, gsize length, GError **error)
{
    g_autoptr(GError) err = NULL;
    g_autofree char *reason = NULL;

    /* An empty text may be NULL. */
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

    /* The parser's message quotes the text, and may truncate it within a character. */
    reason = g_utf8_make_valid(err->message, -1);
    md_error_set_from(error, VIR_FROM_CONF, VIR_ERR_CONF_SYNTAX, "invalid JSON: %s", reason);
    return NULL;
}
