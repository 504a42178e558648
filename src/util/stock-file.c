/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "util/stock-file.h"

#include <string.h>

#include "util/error.h"

#define TRIPLE "\"\"\""

/* What peek_character() returns at the end of the text. */
#define END (-1)

typedef struct {
    const char *at;
    const char *end;
    guint line;
    const char *key; /* whose value is being read; NULL: none */
} Reader;


static void
entry_free(MdStockEntry *entry)
{
    g_free(entry->key);
    g_free(entry->text);
    g_strfreev(entry->list);
    g_free(entry);
}


G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdStockEntry, entry_free)


static int
peek_character(const Reader *self)
{
    return self->at < self->end ? (guchar)*self->at : END;
}


static gboolean
is_line_end(int c)
{
    return c == '\n' || c == '\r';
}


static void
skip_blanks(Reader *self)
{
    while (peek_character(self) == ' ' || peek_character(self) == '\t')
        self->at++;
}


static void
skip_blanks_and_lines(Reader *self)
{
    while (skip_blanks(self), is_line_end(peek_character(self))) {
        if (*self->at == '\n')
            self->line++;
        self->at++;
    }
}


static void
skip_comment(Reader *self)
{
    while (peek_character(self) != END && !is_line_end(peek_character(self)))
        self->at++;
}


static gboolean
set_syntax_error(const Reader *self, const char *cause, GError **error)
{
    md_error_set_from(error, VIR_FROM_CONF, VIR_ERR_CONF_SYNTAX, "%u: %s%s%s", self->line,
                      self->key != NULL ? self->key : "", self->key != NULL ? ": " : "", cause);
    return FALSE;
}


static gboolean
read_number(Reader *self, gint64 *number, GError **error)
{
    g_autofree char *digits = NULL;
    const char *begin = self->at;

    if (peek_character(self) == '-' || peek_character(self) == '+')
        self->at++;
    if (!g_ascii_isdigit(peek_character(self) == END ? '\0' : *self->at))
        return set_syntax_error(self, "a sign without a number", error);
    while (peek_character(self) != END && g_ascii_isdigit(*self->at))
        self->at++;

    if (*begin == '+')
        begin++;
    digits = g_strndup(begin, (gsize)(self->at - begin));
    if (!g_ascii_string_to_signed(digits, 10, G_MININT64, G_MAXINT64, number, NULL))
        return set_syntax_error(self, "the number is too large", error);
    return TRUE;
}


/* A string in triple quotes may have several lines. */
static char *
read_triple(Reader *self, GError **error)
{
    const char *begin = self->at + strlen(TRIPLE);
    const char *end = g_strstr_len(begin, self->end - begin, TRIPLE);

    if (end == NULL) {
        set_syntax_error(self, "unterminated string", error);
        return NULL;
    }
    for (const char *p = begin; p < end; p++)
        self->line += *p == '\n';
    self->at = end + strlen(TRIPLE);
    return g_strndup(begin, (gsize)(end - begin));
}


static char *
read_text(Reader *self, GError **error)
{
    int quote = peek_character(self);
    const char *begin = self->at + 1;

    if ((gsize)(self->end - self->at) >= strlen(TRIPLE) &&
        memcmp(self->at, TRIPLE, strlen(TRIPLE)) == 0)
        return read_triple(self, error);

    self->at++;
    while (peek_character(self) != quote) {
        if (peek_character(self) == END || is_line_end(peek_character(self))) {
            set_syntax_error(self, "unterminated string", error);
            return NULL;
        }
        self->at++;
    }
    self->at++;
    return g_strndup(begin, (gsize)(self->at - 1 - begin));
}


static gboolean
is_quote(int c)
{
    return c == '"' || c == '\'';
}


static gboolean
is_number(int c)
{
    return c == '-' || c == '+' || (c >= '0' && c <= '9');
}


/* Returns an element as text; libvirt has no key with a list in a list. */
static char *
read_element(Reader *self, GError **error)
{
    gint64 number = 0;

    if (is_quote(peek_character(self)))
        return read_text(self, error);
    if (is_number(peek_character(self)))
        return read_number(self, &number, error) ? g_strdup_printf("%" G_GINT64_FORMAT, number)
                                                 : NULL;
    set_syntax_error(self, "expected a number or a string in quotes", error);
    return NULL;
}


static gboolean
read_list(Reader *self, char ***list, GError **error)
{
    g_autoptr(GPtrArray) elements = g_ptr_array_new_with_free_func(g_free);

    self->at++;
    skip_blanks_and_lines(self);
    while (peek_character(self) != ']') {
        char *element = read_element(self, error);

        if (element == NULL)
            return FALSE;
        g_ptr_array_add(elements, element);
        skip_blanks_and_lines(self);
        if (peek_character(self) != ',' && peek_character(self) != ']')
            return set_syntax_error(self, "expected ',' or ']' in the list", error);
        if (peek_character(self) == ',')
            self->at++;
        skip_blanks_and_lines(self);
    }
    self->at++;
    g_ptr_array_add(elements, NULL);
    *list = (char **)g_ptr_array_free(g_steal_pointer(&elements), FALSE);
    return TRUE;
}


static gboolean
read_value(Reader *self, MdStockEntry *entry, GError **error)
{
    int c = peek_character(self);

    if (is_quote(c)) {
        entry->type = MD_STOCK_TEXT;
        entry->text = read_text(self, error);
        return entry->text != NULL;
    }
    if (is_number(c)) {
        entry->type = MD_STOCK_NUMBER;
        return read_number(self, &entry->number, error);
    }
    if (c == '[') {
        entry->type = MD_STOCK_LIST;
        return read_list(self, &entry->list, error);
    }
    return set_syntax_error(self, "expected a number, a string in quotes, or a list", error);
}


static char *
read_key(Reader *self, GError **error)
{
    const char *begin = self->at;

    if (!g_ascii_isalpha(*begin)) {
        set_syntax_error(self, "expected a key", error);
        return NULL;
    }
    while (peek_character(self) != END && (g_ascii_isalnum(*self->at) || *self->at == '_'))
        self->at++;
    return g_strndup(begin, (gsize)(self->at - begin));
}


/* Reads one entry and the separator behind it. */
static MdStockEntry *
read_entry(Reader *self, GError **error)
{
    g_autoptr(MdStockEntry) entry = g_new0(MdStockEntry, 1);

    entry->line = self->line;
    entry->key = read_key(self, error);
    if (entry->key == NULL)
        return NULL;

    self->key = entry->key;
    skip_blanks(self);
    if (peek_character(self) != '=') {
        set_syntax_error(self, "expected '='", error);
        return NULL;
    }
    self->at++;
    skip_blanks(self);
    if (!read_value(self, entry, error))
        return NULL;

    skip_blanks(self);
    if (peek_character(self) == ';') {
        self->at++;
    } else if (peek_character(self) != END && peek_character(self) != '#' &&
               !is_line_end(peek_character(self))) {
        set_syntax_error(self, "expected the end of the line after the value", error);
        return NULL;
    }
    self->key = NULL;
    return g_steal_pointer(&entry);
}


/* Refuses zero bytes, because values are C strings. */
static gboolean
check_zero_bytes(const char *text, gsize length, GError **error)
{
    const char *zero = memchr(text, '\0', length);
    Reader reader = { .line = 1 };

    if (zero == NULL)
        return TRUE;
    for (const char *p = text; p < zero; p++)
        reader.line += *p == '\n';
    return set_syntax_error(&reader, "a zero byte", error);
}


GPtrArray *
md_stock_file_parse(const char *text, gsize length, GError **error)
{
    g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func((GDestroyNotify)entry_free);
    Reader reader = { text, text + length, 1, NULL };

    if (!check_zero_bytes(text, length, error))
        return NULL;
    while (skip_blanks_and_lines(&reader), peek_character(&reader) != END) {
        MdStockEntry *entry = NULL;

        if (peek_character(&reader) == '#') {
            skip_comment(&reader);
            continue;
        }
        entry = read_entry(&reader, error);
        if (entry == NULL)
            return NULL;
        g_ptr_array_add(entries, entry);
    }
    return g_steal_pointer(&entries);
}
