/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "util/settings-private.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "util/error.h"
#include "util/log-output.h"
#include "util/log.h"
#include "util/names.h"

typedef enum {
    VALUE_TEXT,
    VALUE_BOOLEAN,
    VALUE_COUNT,
    VALUE_MODE,    /* octal */
    VALUE_SECONDS, /* kept in milliseconds */
    VALUE_POLKIT,  /* none or polkit, as a boolean */
    VALUE_AUTH,    /* MdAuth */
    VALUE_LEVEL,   /* of the log */
    VALUE_FILTERS, /* strings with a syntax of their own */
    VALUE_OUTPUTS,
} ValueType;

typedef struct {
    const char *group;
    const char *key;
    ValueType type;
    gsize offset;
    guint fallback; /* in the unit of the struct; not for strings, see make_default() */
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
    SETTING("access", "auth_unix_rw", VALUE_AUTH, auth_unix_rw, MD_AUTH_NONE, 0, 0),
    SETTING("access", "auth_unix_ro", VALUE_AUTH, auth_unix_ro, MD_AUTH_NONE, 0, 0),
    SETTING("access", "access_drivers", VALUE_POLKIT, access_drivers, FALSE, 0, 0),
    SETTING("access", "auth_timeout", VALUE_SECONDS, auth_timeout, 120000, 1, HOUR),
    SETTING("access", "polkit_timeout", VALUE_SECONDS, polkit_timeout, 30000, 1, HOUR),
    SETTING("keepalive", "interval", VALUE_SECONDS, keepalive_interval, 5000, 0, HOUR),
    SETTING("keepalive", "count", VALUE_COUNT, keepalive_count, 5, 1, 10000),
    FIXED_SETTING("mdev", "state_directory", VALUE_TEXT, state_dir, 0, 0, 0),
    SETTING("mdev", "event_timeout", VALUE_SECONDS, event_timeout, 5000, 1, HOUR),
    SETTING("mdev", "driver_timeout", VALUE_SECONDS, driver_timeout, 60000, 1, HOUR),
    SETTING("vgpu", "enabled", VALUE_BOOLEAN, vgpu_enabled, TRUE, 0, 0),
    FIXED_SETTING("vgpu", "types_file", VALUE_TEXT, vgpu_types_file, 0, 0, 0),
    SETTING("vgpu", "settle", VALUE_SECONDS, vgpu_settle, 10000, 1, HOUR),
    SETTING("vgpu", "poll", VALUE_SECONDS, vgpu_poll, 0, 0, HOUR),
    SETTING("vgpu", "enable", VALUE_BOOLEAN, vgpu_enable, TRUE, 0, 0),
    FIXED_SETTING("vgpu", "enable_command", VALUE_TEXT, vgpu_enable_command, 0, 0, 0),
    FIXED_SETTING("definitions", "directory", VALUE_TEXT, definitions_dir, 0, 0, 0),
    FIXED_SETTING("callouts", "directory", VALUE_TEXT, scripts_dir, 0, 0, 0),
    FIXED_SETTING("callouts", "deprecated_directory", VALUE_TEXT, scripts_deprecated_dir, 0, 0, 0),
    SETTING("callouts", "timeout", VALUE_SECONDS, script_timeout, 30000, 1, HOUR),
    FIXED_SETTING(
        "udev", "receive_buffer", VALUE_COUNT, udev_receive_buffer, 128 << 20, 4096, 1 << 30),
    SETTING("log", "level", VALUE_LEVEL, log_level, 2, 0, 0),
    FIXED_SETTING("log", "filters", VALUE_FILTERS, log_filters, 0, 0, 0),
    FIXED_SETTING("log", "outputs", VALUE_OUTPUTS, log_outputs, 0, 0, 0),
    SETTING("xml", "details", VALUE_BOOLEAN, xml_details, TRUE, 0, 0),
};


static gboolean
is_text(const Setting *setting)
{
    return setting->type == VALUE_TEXT || setting->type == VALUE_FILTERS ||
           setting->type == VALUE_OUTPUTS;
}


/* The default of a setting that is a string; NULL: none. */
static char *
make_default(const MdRoots *roots, gsize offset)
{
    switch (offset) {
    case offsetof(MdSettings, scripts_dir):
        return g_strdup(MD_PATH_SCRIPTS);
    case offsetof(MdSettings, scripts_deprecated_dir):
        return g_build_filename(roots->etc, MD_ETC_DEFINITIONS, MD_DIR_SCRIPTS, NULL);
    case offsetof(MdSettings, vgpu_types_file):
        return g_strdup(MD_PATH_VGPU_TYPES);
    case offsetof(MdSettings, vgpu_enable_command):
        return g_strdup(MD_PATH_VGPU_ENABLE);
    case offsetof(MdSettings, definitions_dir):
        return g_build_filename(roots->etc, MD_ETC_DEFINITIONS, NULL);
    case offsetof(MdSettings, state_dir):
        return g_build_filename(roots->run, MD_RUN_STATE, NULL);
    case offsetof(MdSettings, socket_dir):
        return g_build_filename(roots->is_session ? g_get_user_runtime_dir() : roots->run,
                                MD_SOCKET_DIR_NAME, NULL);
    default:
        return NULL;
    }
}


static void
set_source(MdSettings *self, const Setting *setting, MdSourceKind kind, const char *place)
{
    MdSettingSource *source = &self->sources[setting - settings];

    g_free(source->place);
    source->kind = kind;
    source->place = g_strdup(place);
}


static void
setting_reset(MdSettings *self, const Setting *setting)
{
    if (is_text(setting)) {
        g_free(G_STRUCT_MEMBER(char *, self, setting->offset));
        G_STRUCT_MEMBER(char *, self, setting->offset) = make_default(self->roots, setting->offset);
    } else {
        G_STRUCT_MEMBER(guint, self, setting->offset) = setting->fallback;
    }
    set_source(self, setting, MD_SOURCE_DEFAULT, NULL);
}


static MdSettings *
make_defaults(MdRoots *roots, gboolean is_service)
{
    MdSettings *self = g_new0(MdSettings, 1);

    self->roots = md_roots_ref(roots);
    self->sources = g_new0(MdSettingSource, G_N_ELEMENTS(settings));
    self->problems = g_ptr_array_new_with_free_func(g_free);
    self->notes = g_ptr_array_new_with_free_func(g_free);
    self->socket_gid = (gid_t)-1;
    for (gsize i = 0; i < G_N_ELEMENTS(settings); i++)
        setting_reset(self, &settings[i]);
    if (is_service && !roots->is_session) {
        self->auth_unix_rw = MD_AUTH_POLKIT;
        self->auth_unix_ro = MD_AUTH_POLKIT;
    }
    return self;
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


gboolean
md_settings_has_key(const char *group, const char *key)
{
    return find_setting(group, key) != NULL;
}


gboolean
md_settings_has_group(const char *group)
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


/* The valid values in the order of their numbers; NULL: any number, or any string. */
static const char *const *
get_words(ValueType type)
{
    static const char *const booleans[] = { "false", "true", NULL };
    static const char *const polkit[] = { "none", "polkit", NULL };
    static const char *const auth[] = { "none", "polkit", "root", NULL };
    static const char *const levels[] = { "debug", "info", "message", "warning", NULL };

    switch (type) {
    case VALUE_BOOLEAN:
        return booleans;
    case VALUE_POLKIT:
        return polkit;
    case VALUE_AUTH:
        return auth;
    case VALUE_LEVEL:
        return levels;
    default:
        return NULL;
    }
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
    case VALUE_AUTH:
        return g_strdup("none, polkit or root");
    case VALUE_LEVEL:
        return g_strdup("debug, info, message or warning");
    case VALUE_FILTERS:
        return g_strdup("a list of LEVEL:PATTERN, with levels from 1 to 4");
    case VALUE_OUTPUTS:
        return g_strdup("a list of LEVEL:stderr, LEVEL:journald, LEVEL:syslog:NAME or "
                        "LEVEL:file:PATH, with levels from 1 to 4");
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


/* Sets `value` to the index of the text. */
static gboolean
parse_word(const char *const *words, const char *text, guint *value)
{
    for (guint i = 0; words[i] != NULL; i++) {
        if (g_str_equal(words[i], text)) {
            *value = i;
            return TRUE;
        }
    }
    return FALSE;
}


static gboolean
is_valid_text(ValueType type, const char *text)
{
    g_autoptr(GArray) rules = NULL;

    if (type == VALUE_TEXT || *text == '\0')
        return *text != '\0';
    rules =
        type == VALUE_FILTERS ? md_log_filters_parse(text, NULL) : md_log_outputs_parse(text, NULL);
    return rules != NULL && rules->len > 0 &&
           (type == VALUE_FILTERS || rules->len <= MD_LOG_OUTPUTS_MAX);
}


static gboolean
set_text(MdSettings *self, const Setting *setting, const char *text)
{
    if (!is_valid_text(setting->type, text))
        return FALSE;
    g_free(G_STRUCT_MEMBER(char *, self, setting->offset));
    G_STRUCT_MEMBER(char *, self, setting->offset) = g_strdup(text);
    return TRUE;
}


static gboolean
set_value(MdSettings *self, const Setting *setting, const char *text)
{
    guint *number = &G_STRUCT_MEMBER(guint, self, setting->offset);
    const char *const *words = get_words(setting->type);

    if (is_text(setting))
        return set_text(self, setting, text);
    return words != NULL ? parse_word(words, text, number) : parse_number(setting, text, number);
}


gboolean
md_settings_set(MdSettings *self,
                const char *group,
                const char *key,
                const char *text,
                MdSourceKind kind,
                const char *place,
                GError **error)
{
    const Setting *setting = find_setting(group, key);

    g_return_val_if_fail(setting != NULL, FALSE);
    if (!set_value(self, setting, text)) {
        set_value_error(error, setting, text);
        return FALSE;
    }
    set_source(self, setting, kind, place);
    return TRUE;
}


gboolean
md_settings_override(
    MdSettings *self, const char *group, const char *key, const char *text, GError **error)
{
    return md_settings_set(self, group, key, text, MD_SOURCE_COMMAND_LINE, "command line", error);
}


void
md_settings_reset(MdSettings *self, const char *group, const char *key)
{
    setting_reset(self, find_setting(group, key));
}


const MdSettingSource *
md_settings_get_source(const MdSettings *self, const char *group, const char *key)
{
    return &self->sources[find_setting(group, key) - settings];
}


void
md_settings_get_range(const char *group, const char *key, guint *min, guint *max)
{
    const Setting *setting = find_setting(group, key);

    *min = setting->min;
    *max = setting->max;
}


MdSettings *
md_settings_load(MdRoots *roots, const MdSettingsOrigin *origin, GError **error)
{
    g_autoptr(MdSettings) self = make_defaults(roots, origin->is_service);

    if ((origin->stock_config == NULL || !md_settings_read_stock(self, origin->stock_config)) &&
        origin->libvirtd_config != NULL)
        md_settings_read_libvirtd(self, origin->libvirtd_config);
    if (origin->config != NULL &&
        !md_settings_read_file(self, origin->config, origin->config_required, error))
        return NULL;
    md_settings_settle(self);
    return g_steal_pointer(&self);
}


static char *
format_value(const MdSettings *self, const Setting *setting)
{
    guint number = 0;

    if (is_text(setting))
        return g_strdup(G_STRUCT_MEMBER(char *, self, setting->offset));

    number = G_STRUCT_MEMBER(guint, self, setting->offset);
    if (get_words(setting->type) != NULL)
        return g_strdup(get_words(setting->type)[number]);
    if (setting->type == VALUE_MODE)
        return g_strdup_printf("%04o", number);
    if (setting->type == VALUE_SECONDS)
        return g_strdup_printf("%g", number / 1000.0);
    return g_strdup_printf("%u", number);
}


/* Where a value comes from, for md_settings_describe(). */
static const char *
describe_source(const MdSettings *self, const Setting *setting)
{
    const MdSettingSource *source = &self->sources[setting - settings];

    if (source->place != NULL)
        return source->place;
    if (setting->type == VALUE_AUTH && !self->roots->is_session)
        return "default; polkit for sockets passed by systemd";
    return "default";
}


char *
md_settings_describe(const MdSettings *self)
{
    GString *text = g_string_new(NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(settings); i++) {
        g_autofree char *value = format_value(self, &settings[i]);
        g_autofree char *shown = md_log_escape(value != NULL ? value : "");
        g_autofree char *source = md_log_escape(describe_source(self, &settings[i]));

        g_string_append_printf(text, "[%s] %s = %s (%s)\n", settings[i].group, settings[i].key,
                               shown, source);
    }
    return g_string_free(text, FALSE);
}


static gboolean
has_line(GPtrArray *lines, const char *line)
{
    return g_ptr_array_find_with_equal_func(lines, line, g_str_equal, NULL);
}


void
md_settings_log(const MdSettings *self, const MdSettings *before)
{
    for (guint i = 0; i < self->problems->len; i++) {
        const char *line = self->problems->pdata[i];

        if (before == NULL || !has_line(before->problems, line))
            g_warning("%s", line);
    }
    for (guint i = 0; i < self->notes->len; i++) {
        const char *line = self->notes->pdata[i];

        if (before == NULL || !has_line(before->notes, line))
            g_message("%s", line);
    }
}


static gboolean
is_same(const MdSettings *one, const MdSettings *other, const Setting *setting)
{
    if (is_text(setting))
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
    if (setting->fixed || is_text(setting))
        g_message("[%s] %s has changed: this takes effect after a restart", setting->group,
                  setting->key);
    else
        G_STRUCT_MEMBER(guint, self, setting->offset) =
            G_STRUCT_MEMBER(guint, from, setting->offset);
}


/*
 * The socket keeps its mode until the daemon is restarted. If the new settings have a stricter mode
 * and no authentication, admits only root, so that nobody whom the new mode excludes can connect.
 */
static void
confine_socket(MdSettings *self, const MdSettings *from)
{
    if (self->auth_unix_rw != MD_AUTH_NONE || (self->socket_rw_mode & ~from->socket_rw_mode) == 0)
        return;
    g_message(
        "[access] auth_unix_rw: until a restart sets the new mode of the socket, only root may "
        "use it");
    self->auth_unix_rw = MD_AUTH_ROOT;
}


void
md_settings_update(MdSettings *self, MdSettings *from)
{
    md_settings_log(from, self);
    for (gsize i = 0; i < G_N_ELEMENTS(settings); i++)
        update_setting(self, from, &settings[i]);
    confine_socket(self, from);
    g_ptr_array_unref(self->problems);
    g_ptr_array_unref(self->notes);
    self->problems = g_ptr_array_ref(from->problems);
    self->notes = g_ptr_array_ref(from->notes);
}


void
md_settings_free(MdSettings *self)
{
    if (self == NULL)
        return;

    for (gsize i = 0; i < G_N_ELEMENTS(settings); i++)
        g_free(self->sources[i].place);
    g_free(self->sources);
    g_ptr_array_unref(self->problems);
    g_ptr_array_unref(self->notes);
    g_free(self->scripts_dir);
    g_free(self->scripts_deprecated_dir);
    g_free(self->vgpu_types_file);
    g_free(self->vgpu_enable_command);
    g_free(self->socket_dir);
    g_free(self->socket_group);
    g_free(self->definitions_dir);
    g_free(self->state_dir);
    g_free(self->log_filters);
    g_free(self->log_outputs);
    md_roots_unref(self->roots);
    g_free(self);
}
