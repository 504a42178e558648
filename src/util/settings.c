/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "util/settings.h"

#include <errno.h>
#include <grp.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "util/error.h"
#include "util/names.h"
#include "util/trust.h"

typedef enum {
    VALUE_TEXT,
    VALUE_BOOLEAN,
    VALUE_COUNT,
    VALUE_MODE,    /* octal */
    VALUE_SECONDS, /* kept in milliseconds */
    VALUE_POLKIT,  /* none or polkit */
} ValueType;

typedef struct {
    const char *group;
    const char *key;
    ValueType type;
    gsize offset;
    guint fallback; /* in the unit of the struct; strings have their own below */
    guint min;
    guint max;
    gboolean fixed; /* used once, on start */
} Setting;

#define SETTING(group, key, type, field, fallback, min, max)                                       \
    {                                                                                              \
        group, key, type, offsetof(MdSettings, field), fallback, min, max, FALSE                   \
    }

#define FIXED_SETTING(group, key, type, field, fallback, min, max)                                 \
    {                                                                                              \
        group, key, type, offsetof(MdSettings, field), fallback, min, max, TRUE                    \
    }

#define HOUR 3600000

static const Setting settings[] = {
    FIXED_SETTING("sockets", "directory", VALUE_TEXT, socket_dir, 0, 0, 0),
    FIXED_SETTING("sockets", "group", VALUE_TEXT, socket_group, 0, 0, 0),
    FIXED_SETTING("sockets", "rw_mode", VALUE_MODE, socket_rw_mode, 0700, 0, 0777),
    FIXED_SETTING("sockets", "ro_mode", VALUE_MODE, socket_ro_mode, 0777, 0, 0777),
    SETTING("limits", "max_clients", VALUE_COUNT, max_clients, 5000, 1, MD_SETTINGS_CLIENTS_MAX),
    SETTING("limits", "max_clients_per_user", VALUE_COUNT, max_clients_per_user, 1000, 1, 1000000),
    SETTING("limits", "max_client_requests", VALUE_COUNT, max_client_requests, 5, 1, 10000),
    SETTING(
        "limits", "max_queued_bytes", VALUE_COUNT, max_queued_bytes, 64 << 20, 1 << 16, 1 << 30),
    SETTING("limits", "max_memory", VALUE_COUNT, max_memory, 128 << 20, 4 << 20, 1 << 30),
    SETTING("limits", "frame_timeout", VALUE_SECONDS, frame_timeout, 30000, 1, HOUR),
    SETTING("limits", "max_anonymous_clients", VALUE_COUNT, max_anonymous_clients, 20, 1, 1000000),
    SETTING("access", "auth_unix_rw", VALUE_POLKIT, auth_unix_rw, FALSE, 0, 0),
    SETTING("access", "auth_unix_ro", VALUE_POLKIT, auth_unix_ro, FALSE, 0, 0),
    SETTING("access", "access_drivers", VALUE_POLKIT, access_drivers, FALSE, 0, 0),
    SETTING("access", "auth_timeout", VALUE_SECONDS, auth_timeout, 120000, 1, HOUR),
    SETTING("access", "polkit_timeout", VALUE_SECONDS, polkit_timeout, 30000, 1, HOUR),
    SETTING("keepalive", "interval", VALUE_SECONDS, keepalive_interval, 5000, 0, HOUR),
    SETTING("keepalive", "count", VALUE_COUNT, keepalive_count, 5, 1, 10000),
    FIXED_SETTING("mdev", "state_directory", VALUE_TEXT, state_dir, 0, 0, 0),
    SETTING("mdev", "event_timeout", VALUE_SECONDS, event_timeout, 5000, 1, HOUR),
    SETTING("mdev", "driver_timeout", VALUE_SECONDS, driver_timeout, 60000, 1, HOUR),
    FIXED_SETTING("definitions", "directory", VALUE_TEXT, definitions_dir, 0, 0, 0),
    FIXED_SETTING("callouts", "directory", VALUE_TEXT, scripts_dir, 0, 0, 0),
    FIXED_SETTING("callouts", "deprecated_directory", VALUE_TEXT, scripts_deprecated_dir, 0, 0, 0),
    SETTING("callouts", "timeout", VALUE_SECONDS, script_timeout, 30000, 1, HOUR),
    FIXED_SETTING(
        "udev", "receive_buffer", VALUE_COUNT, udev_receive_buffer, 128 << 20, 4096, 1 << 30),
    SETTING("xml", "details", VALUE_BOOLEAN, xml_details, TRUE, 0, 0),
};


static void
set_defaults(MdSettings *self)
{
    const MdRoots *roots = self->roots;

    for (gsize i = 0; i < G_N_ELEMENTS(settings); i++) {
        if (settings[i].type != VALUE_TEXT)
            G_STRUCT_MEMBER(guint, self, settings[i].offset) = settings[i].fallback;
    }
    self->socket_gid = (gid_t)-1;
    self->scripts_dir = g_strdup(MD_PATH_SCRIPTS);
    self->scripts_deprecated_dir =
        g_build_filename(roots->etc, MD_ETC_DEFINITIONS, MD_DIR_SCRIPTS, NULL);
    self->definitions_dir = g_build_filename(roots->etc, MD_ETC_DEFINITIONS, NULL);
    self->state_dir = g_build_filename(roots->run, MD_RUN_STATE, NULL);
    self->socket_dir = g_build_filename(roots->is_session ? g_get_user_runtime_dir() : roots->run,
                                        MD_SOCKET_DIR_NAME, NULL);
}


static const Setting *
find_setting(const char *group, const char *key)
{
    for (gsize i = 0; i < G_N_ELEMENTS(settings); i++) {
        if (g_str_equal(settings[i].group, group) && g_str_equal(settings[i].key, key))
            return &settings[i];
    }
    return NULL;
}


static gboolean
is_group(const char *group)
{
    for (gsize i = 0; i < G_N_ELEMENTS(settings); i++) {
        if (g_str_equal(settings[i].group, group))
            return TRUE;
    }
    return FALSE;
}


static gboolean
parse_number(const Setting *setting, const char *text, guint *value)
{
    guint64 number = 0;
    double seconds = 0;
    char *end = NULL;

    if (setting->type == VALUE_SECONDS) {
        seconds = g_ascii_strtod(text, &end);
        if (end == text || *end != '\0' || !isfinite(seconds))
            return FALSE;
        if (seconds < 0 || seconds > setting->max / 1000.0)
            return FALSE;
        number = (guint64)(seconds * 1000 + 0.5);
    } else if (!g_ascii_string_to_unsigned(text, setting->type == VALUE_MODE ? 8 : 10, 0, G_MAXUINT,
                                           &number, NULL)) {
        return FALSE;
    }

    *value = (guint)number;
    return number >= setting->min && number <= setting->max;
}


/* Describes the valid values. */
static char *
setting_describe(const Setting *setting)
{
    switch (setting->type) {
    case VALUE_BOOLEAN:
        return g_strdup("true or false");
    case VALUE_POLKIT:
        return g_strdup("none or polkit");
    case VALUE_COUNT:
        return g_strdup_printf("a number from %u to %u", setting->min, setting->max);
    case VALUE_MODE:
        return g_strdup_printf("an octal number from %o to %o", setting->min, setting->max);
    case VALUE_SECONDS:
        return g_strdup_printf("a number of seconds from %g to %g", setting->min / 1000.0,
                               setting->max / 1000.0);
    case VALUE_TEXT:
    default:
        return g_strdup("a non-empty string");
    }
}


static void
set_value_error(GError **error, const Setting *setting, const char *text)
{
    g_autofree char *allowed = setting_describe(setting);

    md_error_set_from(error, VIR_FROM_CONF, VIR_ERR_CONF_SYNTAX,
                      "[%s] %s: invalid value '%s', expected %s", setting->group, setting->key,
                      text, allowed);
}


/* Returns the value with its escapes resolved; NULL if invalid. */
static char *
get_text(GKeyFile *file, const Setting *setting, GError **error)
{
    g_autoptr(GError) err = NULL;
    g_autofree char *text = g_key_file_get_string(file, setting->group, setting->key, &err);

    if (err == NULL)
        return g_steal_pointer(&text);
    md_error_set_from(error, VIR_FROM_CONF, VIR_ERR_CONF_SYNTAX,
                      "[%s] %s: the value is not valid UTF-8 or has an unknown escape",
                      setting->group, setting->key);
    return NULL;
}


static gboolean
read_setting(MdSettings *self, GKeyFile *file, const Setting *setting, GError **error)
{
    g_autofree char *text = get_text(file, setting, error);
    gboolean ok = TRUE;

    if (text == NULL)
        return FALSE;

    switch (setting->type) {
    case VALUE_TEXT:
        ok = *text != '\0';
        if (ok) {
            g_free(G_STRUCT_MEMBER(char *, self, setting->offset));
            G_STRUCT_MEMBER(char *, self, setting->offset) = g_steal_pointer(&text);
        }
        break;
    case VALUE_BOOLEAN:
        G_STRUCT_MEMBER(gboolean, self, setting->offset) =
            g_key_file_get_boolean(file, setting->group, setting->key, NULL);
        ok = g_str_equal(text, "true") || g_str_equal(text, "false");
        break;
    case VALUE_POLKIT:
        G_STRUCT_MEMBER(gboolean, self, setting->offset) = g_str_equal(text, "polkit");
        ok = g_str_equal(text, "polkit") || g_str_equal(text, "none");
        break;
    case VALUE_COUNT:
    case VALUE_MODE:
    case VALUE_SECONDS:
        ok = parse_number(setting, text, &G_STRUCT_MEMBER(guint, self, setting->offset));
        break;
    }

    if (!ok)
        set_value_error(error, setting, text);
    return ok;
}


static gboolean
read_all(MdSettings *self, GKeyFile *file, GError **error)
{
    g_auto(GStrv) groups = g_key_file_get_groups(file, NULL);

    for (guint i = 0; groups[i] != NULL; i++) {
        g_auto(GStrv) keys = g_key_file_get_keys(file, groups[i], NULL, NULL);

        if (!is_group(groups[i])) {
            md_error_set_from(error, VIR_FROM_CONF, VIR_ERR_CONF_SYNTAX, "[%s]: unknown section",
                              groups[i]);
            return FALSE;
        }
        for (guint j = 0; keys[j] != NULL; j++) {
            const Setting *setting = find_setting(groups[i], keys[j]);

            if (setting == NULL) {
                md_error_set_from(error, VIR_FROM_CONF, VIR_ERR_CONF_SYNTAX,
                                  "[%s] %s: unknown setting", groups[i], keys[j]);
                return FALSE;
            }
            if (!read_setting(self, file, setting, error))
                return FALSE;
        }
    }
    return TRUE;
}


static gboolean
is_key_file(const char *text, gsize length)
{
    g_autoptr(GKeyFile) file = g_key_file_new();

    return length == 0 || g_key_file_load_from_data(file, text, length, G_KEY_FILE_NONE, NULL);
}


/* The number of the first line that GLib rejects, because GLib does not report it; 0: unknown. All
 * lines before that one are a valid key file. */
static guint
find_bad_line(const char *path)
{
    g_autofree char *text = NULL;
    gsize length = 0;
    guint number = 0;

    /* A FIFO is not a regular file either; opening it would block. */
    if (!g_file_test(path, G_FILE_TEST_IS_REGULAR) ||
        !g_file_get_contents(path, &text, &length, NULL) || is_key_file(text, length))
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


MdSettings *
md_settings_load(MdRoots *roots, const char *path, gboolean required, GError **error)
{
    g_autoptr(MdSettings) self = g_new0(MdSettings, 1);
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GError) err = NULL;

    self->roots = md_roots_ref(roots);
    set_defaults(self);
    if (path == NULL)
        return g_steal_pointer(&self);

    if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, &err)) {
        if (!required && g_error_matches(err, G_FILE_ERROR, G_FILE_ERROR_NOENT))
            return g_steal_pointer(&self);
        set_file_error(error, path, err);
        return NULL;
    }
    if (!read_all(self, file, &err)) {
        g_propagate_prefixed_error(error, g_steal_pointer(&err), "%s: ", path);
        return NULL;
    }
    warn_if_open_to_all(path);
    return g_steal_pointer(&self);
}


static gboolean
is_same(const MdSettings *one, const MdSettings *other, const Setting *setting)
{
    if (setting->type == VALUE_TEXT)
        return g_strcmp0(G_STRUCT_MEMBER(char *, one, setting->offset),
                         G_STRUCT_MEMBER(char *, other, setting->offset)) == 0;
    return G_STRUCT_MEMBER(guint, one, setting->offset) ==
           G_STRUCT_MEMBER(guint, other, setting->offset);
}


/* Strings never change, so that other objects need not copy them. */
static void
update_setting(MdSettings *self, const MdSettings *from, const Setting *setting)
{
    if (is_same(self, from, setting))
        return;
    if (setting->fixed || setting->type == VALUE_TEXT)
        g_message("[%s] %s has changed: this takes effect after a restart", setting->group,
                  setting->key);
    else
        G_STRUCT_MEMBER(guint, self, setting->offset) =
            G_STRUCT_MEMBER(guint, from, setting->offset);
}


void
md_settings_update(MdSettings *self, const MdSettings *from)
{
    for (gsize i = 0; i < G_N_ELEMENTS(settings); i++)
        update_setting(self, from, &settings[i]);
}


/* Name services report a missing name with various errors. */
static void
set_group_error(GError **error, const char *name, int errnum)
{
    if (errnum == 0 || errnum == ENOENT || errnum == ESRCH)
        md_error_set_from(error, VIR_FROM_CONF, VIR_ERR_OPERATION_FAILED,
                          "[sockets] group: unknown group '%s'", name);
    else
        md_error_set_errno(error, errnum, "[sockets] group: cannot look up the group '%s'", name);
}


gboolean
md_settings_find_group(MdSettings *self, GError **error)
{
    const struct group *group = NULL;

    if (self->socket_group == NULL)
        return TRUE;

    errno = 0;
    group = getgrnam(self->socket_group);
    if (group == NULL) {
        set_group_error(error, self->socket_group, errno);
        return FALSE;
    }
    self->socket_gid = group->gr_gid;
    return TRUE;
}


void
md_settings_free(MdSettings *self)
{
    if (self == NULL)
        return;

    g_free(self->scripts_dir);
    g_free(self->scripts_deprecated_dir);
    g_free(self->socket_dir);
    g_free(self->socket_group);
    g_free(self->definitions_dir);
    g_free(self->state_dir);
    md_roots_unref(self->roots);
    g_free(self);
}
