/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mediated.conf: groups in brackets, and `key = value` lines. */
#include "config.h"

#include "util/settings-private.h"

#include <string.h>

#include "util/error.h"
#include "util/trust.h"


/* Returns the value with its escapes resolved; NULL if invalid. */
static char *
get_text(GKeyFile *file, const char *group, const char *key, GError **error)
{
    g_autoptr(GError) err = NULL;
    g_autofree char *text = g_key_file_get_string(file, group, key, &err);

    if (err == NULL)
        return g_steal_pointer(&text);
    md_error_set_from(error, VIR_FROM_CONF, VIR_ERR_CONF_SYNTAX,
                      "[%s] %s: the value is not valid UTF-8 or has an unknown escape", group, key);
    return NULL;
}


/* Reads the file again, to find line numbers. Skips files such as a FIFO, because opening it would
 * block. */
static gboolean
read_text(const char *path, char **text, gsize *length)
{
    return g_file_test(path, G_FILE_TEST_IS_REGULAR) &&
           g_file_get_contents(path, text, length, NULL);
}


static gboolean
is_key_file(const char *text, gsize length)
{
    g_autoptr(GKeyFile) file = g_key_file_new();

    return length == 0 || g_key_file_load_from_data(file, text, length, G_KEY_FILE_NONE, NULL);
}


/* GLib does not report the line of an error, so this finds the first line that makes the file
 * invalid. Returns its number, or 0 if it is unknown. */
static guint
find_bad_line(const char *path)
{
    g_autofree char *text = NULL;
    gsize length = 0;
    guint number = 0;

    if (!read_text(path, &text, &length) || is_key_file(text, length))
        return 0;

    for (const char *line = text; line < text + length; number++) {
        const char *end = memchr(line, '\n', (gsize)(text + length - line));

        end = end != NULL ? end + 1 : text + length;
        if (!is_key_file(text, (gsize)(end - text)))
            return number + 1;
        line = end;
    }
    return 0;
}


/* GLib's messages quote the input, which may be invalid UTF-8. */
static void
set_file_error(GError **error, const char *path, const GError *cause)
{
    g_autofree char *message = g_utf8_make_valid(cause->message, -1);
    guint line = cause->domain == G_KEY_FILE_ERROR ? find_bad_line(path) : 0;

    if (line != 0)
        g_set_error(error, cause->domain, cause->code, "%s:%u: %s", path, line, message);
    else
        g_set_error(error, cause->domain, cause->code, "%s: %s", path, message);
}


/* Only a warning, as systemd does for its units: users who may write the file control the daemon,
 * which may be intended. */
static void
warn_if_open_to_all(const char *path)
{
    struct stat st;

    if (stat(path, &st) == 0 && md_trust_is_open_to_all(&st))
        g_message("'%s' is world-writable, using it anyway", path);
}


static char *
make_name(const char *group, const char *key)
{
    return g_strdup_printf("[%s] %s", group, key);
}


/* Returns a table from each key (see make_name()) to the number of the last line that sets it. */
static GHashTable *
find_lines(const char *path)
{
    GHashTable *lines = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autofree char *text = NULL;
    g_autofree char *group = NULL;
    g_auto(GStrv) words = NULL;
    gsize length = 0;

    if (!read_text(path, &text, &length))
        return lines;
    words = g_strsplit(text, "\n", -1);
    for (guint i = 0; words[i] != NULL; i++) {
        char *line = g_strstrip(words[i]);
        char *end = strpbrk(line, "=]");

        if (end == NULL || *line == '#')
            continue;
        *end = '\0';
        if (*line == '[') {
            g_free(group);
            group = g_strdup(line + 1);
        } else if (group != NULL) {
            g_hash_table_insert(lines, make_name(group, g_strchomp(line)), GUINT_TO_POINTER(i + 1));
        }
    }
    return lines;
}


static gboolean
read_key(MdSettings *self,
         GKeyFile *file,
         const char *group,
         const char *key,
         const char *place,
         GError **error)
{
    g_autofree char *text = NULL;

    if (!md_settings_has_key(group, key)) {
        md_error_set_from(error, VIR_FROM_CONF, VIR_ERR_CONF_SYNTAX, "[%s] %s: unknown setting",
                          group, key);
        return FALSE;
    }
    text = get_text(file, group, key, error);
    return text != NULL && md_settings_set(self, group, key, text, MD_SOURCE_FILE, place, error);
}


static gboolean
read_group(MdSettings *self,
           GKeyFile *file,
           const char *group,
           const char *path,
           GHashTable *lines,
           GError **error)
{
    g_auto(GStrv) keys = g_key_file_get_keys(file, group, NULL, NULL);

    if (!md_settings_has_group(group)) {
        md_error_set_from(error, VIR_FROM_CONF, VIR_ERR_CONF_SYNTAX, "[%s]: unknown section",
                          group);
        return FALSE;
    }
    for (guint i = 0; keys[i] != NULL; i++) {
        g_autofree char *name = make_name(group, keys[i]);
        guint line = GPOINTER_TO_UINT(g_hash_table_lookup(lines, name));
        g_autofree char *place = g_strdup_printf("%s:%u", path, line);

        if (!read_key(self, file, group, keys[i], place, error))
            return FALSE;
    }
    return TRUE;
}


static gboolean
read_groups(MdSettings *self, GKeyFile *file, const char *path, GError **error)
{
    g_auto(GStrv) groups = g_key_file_get_groups(file, NULL);
    g_autoptr(GHashTable) lines = find_lines(path);

    for (guint i = 0; groups[i] != NULL; i++) {
        if (!read_group(self, file, groups[i], path, lines, error))
            return FALSE;
    }
    return TRUE;
}


gboolean
md_settings_read_file(MdSettings *self, const char *path, gboolean required, GError **error)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GError) err = NULL;

    if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, &err)) {
        if (!required && g_error_matches(err, G_FILE_ERROR, G_FILE_ERROR_NOENT))
            return TRUE;
        set_file_error(error, path, err);
        return FALSE;
    }
    if (!read_groups(self, file, path, &err)) {
        g_propagate_prefixed_error(error, g_steal_pointer(&err), "%s: ", path);
        return FALSE;
    }
    warn_if_open_to_all(path);
    return TRUE;
}
