/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "vendor/known-types.h"

#include <glib/gstdio.h>
#include <string.h>

#include "conf/mdev-type.h"
#include "util/state-file.h"

/* Below the directory of state files. */
#define DIRECTORY "vgpu-types"

/* Maximum size of a file: room for MD_MDEV_TYPES_MAX names. */
#define FILE_MAX (2 << 20)

/* The last line of a complete file. */
#define END_LINE "end"

/* Lines of a file before the types. */
#define N_HEAD_LINES 2

typedef struct {
    guint64 inode;
    GHashTable *types; /* number -> MdVgpuType */
} Card;

static GMutex mutex;
static GHashTable *cards; /* path -> Card; protected by `mutex` */
static char *directory;   /* protected by `mutex`; set once */

/* Held while a file is written, so that the file ends up with the last state. */
static GMutex file_mutex;


static void
card_free(Card *card)
{
    g_hash_table_unref(card->types);
    g_free(card);
}


static Card *
card_new(guint64 inode)
{
    Card *card = g_new0(Card, 1);

    card->inode = inode;
    card->types = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)md_vgpu_type_free);
    return card;
}


/* Called with the mutex held; NULL if there is none. */
static Card *
card_find(const char *path, guint64 inode)
{
    Card *card = cards != NULL ? g_hash_table_lookup(cards, path) : NULL;

    return card != NULL && card->inode == inode ? card : NULL;
}


/* Called with the mutex held. Takes ownership of `card`. */
static void
card_store(const char *path, Card *card)
{
    if (cards == NULL)
        cards = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)card_free);
    if (g_hash_table_size(cards) >= MD_KNOWN_TYPES_CARDS_MAX)
        g_hash_table_remove_all(cards);
    g_hash_table_replace(cards, g_strdup(path), card);
}


/* Returns whether the card's file must be written: number or name are new. A name from the vendor's
 * table does not replace that from the driver, which may differ. */
static gboolean
card_add(Card *card, const MdVgpuType *type, gboolean is_listed)
{
    gpointer key = GUINT_TO_POINTER(type->number);
    const MdVgpuType *before = g_hash_table_lookup(card->types, key);
    gboolean is_named = before != NULL && before->name != NULL;
    gboolean keeps_name = is_named && (type->name == NULL || !is_listed);
    gboolean is_new = before == NULL || (!keeps_name && g_strcmp0(before->name, type->name) != 0);
    MdVgpuType *copy = NULL;

    if (before == NULL && g_hash_table_size(card->types) >= MD_MDEV_TYPES_MAX)
        return FALSE;
    if (!is_new && before->properties == type->properties)
        return FALSE;
    copy = md_vgpu_type_copy(type);
    if (keeps_name) {
        g_free(copy->name);
        copy->name = g_strdup(before->name);
    }
    g_hash_table_replace(card->types, key, copy);
    return is_new;
}


static int
compare_numbers(gconstpointer a, gconstpointer b)
{
    guint32 one = (*(const MdVgpuType *const *)a)->number;
    guint32 other = (*(const MdVgpuType *const *)b)->number;

    return one < other ? -1 : one > other;
}


static GPtrArray *
card_copy_types(const Card *card)
{
    GPtrArray *types = md_vgpu_types_new();
    GHashTableIter iter;
    gpointer type = NULL;

    g_hash_table_iter_init(&iter, card->types);
    while (g_hash_table_iter_next(&iter, NULL, &type))
        g_ptr_array_add(types, md_vgpu_type_copy(type));
    g_ptr_array_sort(types, compare_numbers);
    return types;
}


static char *
format_file(const char *path, const Card *card)
{
    g_autoptr(GPtrArray) types = card_copy_types(card);
    GString *text = g_string_new(NULL);

    g_string_append_printf(text, "%s\n%" G_GUINT64_FORMAT "\n", path, card->inode);
    for (guint i = 0; i < types->len; i++) {
        const MdVgpuType *type = g_ptr_array_index(types, i);

        g_string_append_printf(text, "%u %s\n", type->number, type->name != NULL ? type->name : "");
    }
    g_string_append(text, END_LINE "\n");
    return g_string_free(text, FALSE);
}


/* Sets the card's file and its content; FALSE if the card has been forgotten, or has no file. */
static gboolean
make_file(const char *path, guint64 inode, char **folder, char **text)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mutex);
    const Card *card = card_find(path, inode);

    if (card == NULL || directory == NULL)
        return FALSE;
    *folder = g_strdup(directory);
    *text = format_file(path, card);
    return TRUE;
}


static void
write_file(const char *path, guint64 inode)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&file_mutex);
    g_autofree char *name = g_path_get_basename(path);
    g_autofree char *folder = NULL;
    g_autofree char *text = NULL;
    int errnum = 0;

    if (make_file(path, inode, &folder, &text))
        errnum = md_state_file_write(folder, name, text);
    if (errnum != 0)
        g_debug("Unable to record the types of card '%s' in '%s': %s", path, folder,
                g_strerror(errnum));
}


/* Returns whether the card's file must be written. */
static gboolean
learn_types(const char *path, guint64 inode, GPtrArray *types, gboolean are_listed)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mutex);
    Card *card = card_find(path, inode);
    gboolean is_changed = FALSE;

    if (card == NULL) {
        card = card_new(inode);
        card_store(path, card);
    }
    for (guint i = 0; i < types->len; i++)
        is_changed |= card_add(card, g_ptr_array_index(types, i), are_listed);
    return is_changed;
}


void
md_known_types_learn(const char *card, guint64 inode, GPtrArray *types)
{
    if (types->len > 0 && learn_types(card, inode, types, TRUE))
        write_file(card, inode);
}


static gboolean
is_known(const char *path, guint64 inode, guint32 number)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mutex);
    const Card *card = card_find(path, inode);

    return card != NULL && g_hash_table_contains(card->types, GUINT_TO_POINTER(number));
}


void
md_known_types_learn_number(const char *card, guint64 inode, guint32 number)
{
    g_autoptr(GPtrArray) types = NULL;

    if (is_known(card, inode, number))
        return;
    types = md_vgpu_types_new();
    g_ptr_array_add(types, md_vgpu_type_new(number, NULL));
    md_known_types_learn(card, inode, types);
}


gboolean
md_known_types_exist(const char *card, guint64 inode)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mutex);

    return card_find(card, inode) != NULL;
}


GPtrArray *
md_known_types_copy(const char *card, guint64 inode)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mutex);
    const Card *found = card_find(card, inode);

    return found != NULL ? card_copy_types(found) : md_vgpu_types_new();
}


/* NULL if the line is not a number, a space, and possibly a name. */
static MdVgpuType *
parse_line(const char *line)
{
    const char *space = strchr(line, ' ');
    g_autofree char *digits = space != NULL ? g_strndup(line, (gsize)(space - line)) : NULL;
    guint32 number = 0;

    return digits != NULL && md_vgpu_number_parse(digits, &number)
               ? md_vgpu_type_new(number, space + 1)
               : NULL;
}


/* FALSE if the file is damaged. */
static gboolean
parse_file(const char *name, const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    guint n_lines = g_strv_length(lines);
    g_autofree char *card = n_lines > N_HEAD_LINES ? g_path_get_basename(lines[0]) : NULL;
    g_autoptr(GPtrArray) types = md_vgpu_types_new();
    guint64 inode = 0;

    /* The last line has an end, so an empty part follows. */
    if (g_strcmp0(card, name) != 0 || n_lines < N_HEAD_LINES + 2 || *lines[n_lines - 1] != '\0' ||
        !g_str_equal(lines[n_lines - 2], END_LINE) ||
        !g_ascii_string_to_unsigned(lines[1], 10, 1, G_MAXUINT64, &inode, NULL))
        return FALSE;
    for (guint i = N_HEAD_LINES; i < n_lines - 2; i++) {
        MdVgpuType *type = parse_line(lines[i]);

        if (type == NULL)
            return FALSE;
        g_ptr_array_add(types, type);
    }
    if (types->len > 0)
        learn_types(lines[0], inode, types, TRUE);
    return TRUE;
}


static void
read_files(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name = NULL;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *text = md_state_file_read(folder, name, FILE_MAX);
        g_autofree char *file = g_build_filename(folder, name, NULL);

        if (text == NULL || !parse_file(name, text))
            g_unlink(file);
    }
}


static gboolean
set_directory(const char *folder)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mutex);

    if (directory != NULL)
        return FALSE;
    directory = g_strdup(folder);
    return TRUE;
}


void
md_known_types_set_up(const char *state_dir)
{
    g_autofree char *folder = g_build_filename(state_dir, DIRECTORY, NULL);

    if (set_directory(folder))
        read_files(folder);
}


static void
learn_supported(const MdVendor *vendor, gpointer card, const char *path, guint64 inode)
{
    g_autoptr(GPtrArray) types = vendor->list_supported(card);

    if (types->len > 0 && learn_types(path, inode, types, FALSE))
        write_file(path, inode);
}


void
md_known_types_learn_supported(const MdVendor *vendor, gpointer card, MdSysfsDir *function)
{
    g_autofree char *path = NULL;
    guint64 inode = 0;

    if (md_vendor_find_card(function, &path, &inode))
        learn_supported(vendor, card, path, inode);
}


GPtrArray *
md_known_types_list_creatable(const MdVendor *vendor,
                              gpointer card,
                              MdSysfsDir *function,
                              GError **error)
{
    GPtrArray *types = vendor->list_creatable(card, function, error);
    g_autofree char *path = NULL;
    guint64 inode = 0;

    if (!md_vendor_find_card(function, &path, &inode))
        return types;
    learn_supported(vendor, card, path, inode);
    if (types != NULL)
        md_known_types_learn(path, inode, types);
    return types;
}
