/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads virtnodedevd.conf, for settings that mediated.conf does not set, and access_drivers from
 * libvirtd.conf. A mistake in these files is reported, but does not prevent the daemon from
 * starting, because the files may be remnants that nobody maintains. A setting with a mistake
 * admits no user whom virtnodedevd would refuse.
 */
#include "config.h"

#include "util/settings-private.h"

#include <string.h>

#include "util/error.h"
#include "util/stock-file.h"

/* Maximum size of a file in bytes. */
#define FILE_MAX (1 << 20)

/* Bytes of key names after which a message ends, so that the log does not truncate the message. */
#define NAMES_MAX 300

#define PLACE_DEFAULT "default of virtnodedevd"

#define KEY_ACCESS_DRIVERS "access_drivers"

typedef enum {
    KEY_TEXT,
    KEY_PATH,
    KEY_MODE,
    KEY_AUTH,
    KEY_DRIVERS,
    KEY_COUNT,
    KEY_ANONYMOUS, /* a count; 0: no limit */
    KEY_INTERVAL,  /* seconds; negative: none */
    KEY_LEVEL,     /* of the log, from 1 to 4; 0: the default */
    KEY_FILTERS,
    KEY_OUTPUTS,
} KeyType;

typedef struct {
    const char *name;
    KeyType type;
    const char *group; /* in mediated.conf */
    const char *key;
} Key;

/* All keys with an effect. */
static const Key keys[] = {
    { "unix_sock_dir", KEY_PATH, "sockets", "directory" },
    { "unix_sock_group", KEY_TEXT, "sockets", "group" },
    { "unix_sock_rw_perms", KEY_MODE, "sockets", "rw_mode" },
    { "unix_sock_ro_perms", KEY_MODE, "sockets", "ro_mode" },
    { "max_clients", KEY_COUNT, "limits", "max_clients" },
    { "max_client_requests", KEY_COUNT, "limits", "max_client_requests" },
    { "max_anonymous_clients", KEY_ANONYMOUS, "limits", "max_anonymous_clients" },
    { "auth_unix_rw", KEY_AUTH, "access", "auth_unix_rw" },
    { "auth_unix_ro", KEY_AUTH, "access", "auth_unix_ro" },
    { KEY_ACCESS_DRIVERS, KEY_DRIVERS, "access", "access_drivers" },
    { "keepalive_interval", KEY_INTERVAL, "keepalive", "interval" },
    { "keepalive_count", KEY_COUNT, "keepalive", "count" },
    { "log_level", KEY_LEVEL, "log", "level" },
    { "log_filters", KEY_FILTERS, "log", "filters" },
    { "log_outputs", KEY_OUTPUTS, "log", "outputs" },
};


static const Key *
find_key(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (g_str_equal(keys[i].name, name))
            return &keys[i];
    }
    return NULL;
}


static const char *
key_describe(const Key *key)
{
    switch (key->type) {
    case KEY_PATH:
        return "an absolute path in quotes";
    case KEY_MODE:
        return "an octal number from 0 to 777 in quotes";
    case KEY_AUTH:
        return "\"none\" or \"polkit\"";
    case KEY_DRIVERS:
        return "[ \"polkit\" ] or [ \"none\" ]";
    case KEY_COUNT:
    case KEY_ANONYMOUS:
    case KEY_INTERVAL:
        return "a number";
    case KEY_LEVEL:
        return "a number from 0 to 4";
    case KEY_FILTERS:
        return "filters such as \"1:node_device 3:*\"";
    case KEY_OUTPUTS:
        return "outputs such as \"3:syslog:virtnodedevd 1:file:/run/log\"";
    case KEY_TEXT:
    default:
        return "a string in quotes";
    }
}


/* The value used instead of an invalid one: the value that admits the fewest users. NULL: the
 * default. */
static const char *
key_get_strictest(const Key *key)
{
    switch (key->type) {
    case KEY_MODE:
        return "0700";
    case KEY_AUTH:
        return "root";
    case KEY_DRIVERS:
        return "polkit";
    default:
        return NULL;
    }
}


/* Replaces a number out of the range of mediated's key by the nearest valid number. */
static char *
fit_number(MdSettings *self, const Key *key, const MdStockEntry *entry, const char *place)
{
    gint64 number = entry->number;
    guint min = 0;
    guint max = 0;

    md_settings_get_range(key->group, key->key, &min, &max);
    if (key->type == KEY_ANONYMOUS && number == 0)
        number = max;
    if (key->type == KEY_INTERVAL) {
        number = MAX(number, 0);
        max /= 1000;
    }
    if (number < min || number > max) {
        number = CLAMP(number, min, max);
        g_ptr_array_add(self->notes, g_strdup_printf("%s: %s: using %" G_GINT64_FORMAT
                                                     " in place of %" G_GINT64_FORMAT,
                                                     place, key->name, number, entry->number));
    }
    return g_strdup_printf("%" G_GINT64_FORMAT, number);
}


static char *
convert_drivers(const MdStockEntry *entry)
{
    const char *const none[] = { "", NULL };
    const char *const *list =
        entry->type == MD_STOCK_LIST ? (const char *const *)entry->list : none;
    gboolean polkit = g_strv_contains(list, "polkit");

    for (gsize i = 0; list[i] != NULL; i++) {
        if (!g_str_equal(list[i], "polkit") && !g_str_equal(list[i], "none"))
            return NULL;
    }
    return g_strdup(polkit ? "polkit" : "none");
}


static char *
convert_level(const MdStockEntry *entry)
{
    static const char *const levels[] = { "message", "debug", "info", "message", "warning" };

    if (entry->type != MD_STOCK_NUMBER || entry->number < 0 ||
        entry->number >= (gint64)G_N_ELEMENTS(levels))
        return NULL;
    return g_strdup(levels[entry->number]);
}


static gboolean
is_text(const MdStockEntry *entry)
{
    return entry->type == MD_STOCK_TEXT && *entry->text != '\0' &&
           g_utf8_validate(entry->text, -1, NULL);
}


/* Returns the value as in mediated.conf; NULL: it is not a valid value of the key. */
static char *
convert_value(MdSettings *self, const Key *key, const MdStockEntry *entry, const char *place)
{
    switch (key->type) {
    case KEY_COUNT:
    case KEY_ANONYMOUS:
    case KEY_INTERVAL:
        if (entry->type != MD_STOCK_NUMBER || (entry->number < 0 && key->type != KEY_INTERVAL))
            return NULL;
        return fit_number(self, key, entry, place);
    case KEY_DRIVERS:
        return convert_drivers(entry);
    case KEY_LEVEL:
        return convert_level(entry);
    case KEY_AUTH:
        /* "root" is a value of mediated only. */
        if (entry->type != MD_STOCK_TEXT || g_str_equal(entry->text, "root"))
            return NULL;
        return g_strdup(entry->text);
    case KEY_PATH:
        return is_text(entry) && g_path_is_absolute(entry->text) ? g_strdup(entry->text) : NULL;
    case KEY_MODE:
    case KEY_TEXT:
    case KEY_FILTERS:
    case KEY_OUTPUTS:
    default:
        return is_text(entry) ? g_strdup(entry->text) : NULL;
    }
}


/* Empty filters or outputs count as not set, as in libvirt. */
static gboolean
is_unset(const Key *key, const MdStockEntry *entry)
{
    return (key->type == KEY_FILTERS || key->type == KEY_OUTPUTS) && entry->type == MD_STOCK_TEXT &&
           *g_strstrip(entry->text) == '\0';
}


static void
report_value(MdSettings *self, const Key *key, const char *place)
{
    const char *strictest = key_get_strictest(key);

    g_ptr_array_add(self->problems, g_strdup_printf("%s: %s: expected %s; using %s", place,
                                                    key->name, key_describe(key),
                                                    strictest != NULL ? strictest : "the default"));
}


static void
apply_entry(MdSettings *self, const Key *key, const MdStockEntry *entry, const char *path)
{
    g_autofree char *place = g_strdup_printf("%s:%u", path, entry->line);
    g_autofree char *text = NULL;

    /* As in virtnodedevd, the first occurrence of a key counts. */
    if (md_settings_get_source(self, key->group, key->key)->kind != MD_SOURCE_DEFAULT ||
        is_unset(key, entry))
        return;
    text = convert_value(self, key, entry, place);
    if (text != NULL &&
        md_settings_set(self, key->group, key->key, text, MD_SOURCE_STOCK, place, NULL))
        return;
    report_value(self, key, place);
    if (key_get_strictest(key) != NULL)
        md_settings_set(self, key->group, key->key, key_get_strictest(key), MD_SOURCE_STOCK, place,
                        NULL);
}


/* Names each key without effect once, in as many messages as needed. */
static void
note_ignored(MdSettings *self, GPtrArray *ignored, const char *path)
{
    g_autoptr(GString) names = g_string_new(NULL);

    for (guint i = 0; i < ignored->len; i++) {
        if (names->len > 0)
            g_string_append(names, ", ");
        g_string_append(names, ignored->pdata[i]);
        if (names->len > NAMES_MAX || i + 1 == ignored->len) {
            g_ptr_array_add(self->notes,
                            g_strdup_printf("%s: without effect: %s", path, names->str));
            g_string_truncate(names, 0);
        }
    }
}


static void
apply_entries(MdSettings *self, GPtrArray *entries, const char *path)
{
    g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal); /* borrowed keys */
    g_autoptr(GPtrArray) ignored = g_ptr_array_new();                        /* of these */

    for (guint i = 0; i < entries->len; i++) {
        const MdStockEntry *entry = entries->pdata[i];
        const Key *key = find_key(entry->key);

        if (key != NULL)
            apply_entry(self, key, entry, path);
        else if (g_hash_table_add(known, entry->key))
            g_ptr_array_add(ignored, entry->key);
    }
    note_ignored(self, ignored, path);
}


/* Applies the strictest value of each key, because an unreadable file may contain any of them. */
static void
reject_file(MdSettings *self, const char *path, const char *cause)
{
    g_ptr_array_add(
        self->problems,
        g_strdup_printf("%s:%s; only root may connect, unless mediated.conf permits other users",
                        path, cause));
    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (key_get_strictest(&keys[i]) != NULL)
            md_settings_set(self, keys[i].group, keys[i].key, key_get_strictest(&keys[i]),
                            MD_SOURCE_STOCK, path, NULL);
    }
}


/* NULL without an error: the file does not exist. */
static char *
load_file(const char *path, gsize *length, GError **error)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) err = NULL;

    if (g_file_test(path, G_FILE_TEST_EXISTS) && !g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
        md_error_set_from(error, VIR_FROM_CONF, VIR_ERR_CONF_SYNTAX, " not a regular file");
    } else if (g_file_get_contents(path, &text, length, &err)) {
        if (*length <= FILE_MAX)
            return g_steal_pointer(&text);
        md_error_set_from(error, VIR_FROM_CONF, VIR_ERR_CONF_SYNTAX, " larger than %d bytes",
                          FILE_MAX);
    } else if (!g_error_matches(err, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
        md_error_set_from(error, VIR_FROM_CONF, VIR_ERR_CONF_SYNTAX, " %s", err->message);
    }
    return NULL;
}


/* The entries of a file (MdStockEntry). NULL without an error: the file does not exist. */
static GPtrArray *
read_entries(const char *path, GError **error)
{
    gsize length = 0;
    g_autofree char *text = load_file(path, &length, error);

    return text != NULL ? md_stock_file_parse(text, length, error) : NULL;
}


gboolean
md_settings_read_stock(MdSettings *self, const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) entries = read_entries(path, &error);

    if (entries != NULL)
        apply_entries(self, entries, path);
    else if (error != NULL)
        reject_file(self, path, error->message);
    return entries != NULL || error != NULL;
}


/*
 * On hosts without virtnodedevd, libvirtd serves node devices, and authorizes calls according to
 * its access_drivers. Clients must not gain permissions because mediated serves them instead.
 */
void
md_settings_read_libvirtd(MdSettings *self, const char *path)
{
    const Key *key = find_key(KEY_ACCESS_DRIVERS);
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) entries = read_entries(path, &error);

    for (guint i = 0; entries != NULL && i < entries->len; i++) {
        const MdStockEntry *entry = entries->pdata[i];

        if (g_str_equal(entry->key, key->name))
            apply_entry(self, key, entry, path);
    }
    if (error != NULL) {
        g_ptr_array_add(self->problems, g_strdup_printf("%s:%s; using polkit for %s", path,
                                                        error->message, key->name));
        md_settings_set(self, key->group, key->key, key_get_strictest(key), MD_SOURCE_STOCK, path,
                        NULL);
    }
}


static MdSourceKind
get_kind(const MdSettings *self, const char *group, const char *key)
{
    return md_settings_get_source(self, group, key)->kind;
}


/* A mode or group from virtnodedevd.conf may be safe only with virtnodedevd's authentication. So if
 * `auth` is not set, it gets virtnodedevd's default. */
static void
guard_stock_mode(MdSettings *self, const char *mode, const char *auth)
{
    if (get_kind(self, "sockets", mode) == MD_SOURCE_STOCK &&
        get_kind(self, "access", auth) == MD_SOURCE_DEFAULT)
        md_settings_set(self, "access", auth, "polkit", MD_SOURCE_STOCK, PLACE_DEFAULT, NULL);
}


static void
reset_stock(MdSettings *self, const char *key)
{
    if (get_kind(self, "sockets", key) == MD_SOURCE_STOCK)
        md_settings_reset(self, "sockets", key);
}


/*
 * The group and mode that virtnodedevd.conf sets for the read-write socket may be safe only with
 * polkit, so they do not apply if mediated.conf disables authentication. Conversely, if
 * virtnodedevd.conf selects polkit, the default mode is virtnodedevd's, which lets all users
 * connect and be checked by polkit.
 */
void
md_settings_settle(MdSettings *self)
{
    const MdSettingSource *auth = md_settings_get_source(self, "access", "auth_unix_rw");

    if (self->roots->is_session)
        return;
    guard_stock_mode(self, "ro_mode", "auth_unix_ro");
    guard_stock_mode(self, "rw_mode", "auth_unix_rw");
    guard_stock_mode(self, "group", "auth_unix_rw");
    if (auth->kind == MD_SOURCE_FILE && self->auth_unix_rw == MD_AUTH_NONE) {
        reset_stock(self, "rw_mode");
        reset_stock(self, "group");
    }
    if (auth->kind == MD_SOURCE_STOCK && self->auth_unix_rw == MD_AUTH_POLKIT &&
        get_kind(self, "sockets", "rw_mode") == MD_SOURCE_DEFAULT)
        md_settings_set(self, "sockets", "rw_mode", "0777", MD_SOURCE_STOCK, auth->place, NULL);
}
