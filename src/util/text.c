/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "util/text.h"


gboolean
md_text_is_harmless(gunichar character)
{
    if (character < 0x80)
        return g_ascii_isprint((char)character) || character == '\t' || character == '\n' ||
               character == '\r';

    switch (g_unichar_type(character)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_SURROGATE:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
        return FALSE;
    default:
        return TRUE;
    }
}


gboolean
md_text_is_clean(const char *text)
{
    if (!g_utf8_validate(text, -1, NULL))
        return FALSE;
    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
        if (!md_text_is_harmless(g_utf8_get_char(p)))
            return FALSE;
    }
    return TRUE;
}


char *
md_text_clean(const char *text, gssize length)
{
    char *valid = g_utf8_make_valid(text, length);
    char *end = valid;

    for (const char *p = valid; *p != '\0';) {
        gunichar character = g_utf8_get_char(p);

        /* The output overwrites only input already read. */
        p = g_utf8_next_char(p);
        if (md_text_is_harmless(character))
            end += g_unichar_to_utf8(character, end);
    }
    *end = '\0';
    return valid;
}
