/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "mdevctl/definition-read.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "mdevctl/definition-file.h"
#include "util/error.h"
#include "util/fd.h"

/* Maximum number of attempts to watch the nearest existing directory, while further directories are
 * being created below it. */
#define ABOVE_TRIES 64

struct _MdDefinitionRead {
    /* The request. */
    char *directory;
    MdWatch *watch;
    gboolean prepare;
    gboolean all;
    GPtrArray *places; /* of Place */
    GHashTable *known; /* address -> GPtrArray of names */

    /* The result. */
    MdDefinitionTop top;
    GPtrArray *facts; /* of MdDefinitionFact */
};

typedef struct {
    char *addr;
    char *name; /* NULL: all files of the parent */
    gboolean is_written;
} Place;


static void
place_free(Place *place)
{
    g_free(place->addr);
    g_free(place->name);
    g_free(place);
}


static void
fact_free(MdDefinitionFact *fact)
{
    g_free(fact->addr);
    g_free(fact->name);
    g_clear_pointer(&fact->definition, md_definition_unref);
    g_clear_error(&fact->error);
    g_free(fact);
}


MdDefinitionRead *
md_definition_read_new(const char *directory, MdWatch *watch)
{
    MdDefinitionRead *self = g_new0(MdDefinitionRead, 1);

    self->directory = g_strdup(directory);
    self->watch = g_object_ref(watch);
    self->places = g_ptr_array_new_with_free_func((GDestroyNotify)place_free);
    self->known =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    self->facts = g_ptr_array_new_with_free_func((GDestroyNotify)fact_free);
    return self;
}


void
md_definition_read_free(MdDefinitionRead *self)
{
    if (self == NULL)
        return;

    g_free(self->directory);
    g_object_unref(self->watch);
    g_ptr_array_unref(self->places);
    g_hash_table_unref(self->known);
    g_free(self->top.awaited);
    g_clear_error(&self->top.error);
    g_ptr_array_unref(self->facts);
    g_free(self);
}


void
md_definition_read_prepare(MdDefinitionRead *self)
{
    self->prepare = TRUE;
}


void
md_definition_read_add_all(MdDefinitionRead *self)
{
    self->all = TRUE;
}


void
md_definition_read_add(MdDefinitionRead *self,
                       const char *addr,
                       const char *name,
                       gboolean is_written)
{
    Place *place = g_new0(Place, 1);

    place->addr = g_strdup(addr);
    place->name = g_strdup(name);
    place->is_written = is_written;
    g_ptr_array_add(self->places, place);
}


void
md_definition_read_add_known(MdDefinitionRead *self, const char *addr, const char *name)
{
    GPtrArray *names = g_hash_table_lookup(self->known, addr);

    if (names == NULL) {
        names = g_ptr_array_new_with_free_func(g_free);
        g_hash_table_insert(self->known, g_strdup(addr), names);
    }
    if (name != NULL)
        g_ptr_array_add(names, g_strdup(name));
}


static MdDefinitionFact *
read_add_fact(MdDefinitionRead *self, const char *addr, const char *name)
{
    MdDefinitionFact *fact = g_new0(MdDefinitionFact, 1);

    fact->addr = g_strdup(addr);
    fact->name = g_strdup(name);
    g_ptr_array_add(self->facts, fact);
    return fact;
}


static gboolean
is_missing(const GError *error)
{
    int errnum = md_error_get_errno(error);

    return errnum == ENOENT || errnum == ENOTDIR;
}


/* `fd` is the directory of the parent. */
static void
read_file(MdDefinitionRead *self, int fd, const char *addr, const char *name, gboolean is_written)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = md_definition_file_read(fd, name, &error);
    MdDefinitionFact *fact = NULL;

    /* The writer has just created the file; an event follows when it closes the file. */
    if (bytes != NULL && g_bytes_get_size(bytes) == 0 && !is_written)
        return;

    fact = read_add_fact(self, addr, name);
    if (bytes != NULL && !md_definition_file_is_uuid(name))
        md_error_set(&error, VIR_ERR_INVALID_ARG, "file name is not a lower-case UUID with dashes");
    else if (bytes != NULL)
        fact->definition = md_definition_parse(addr, name, g_bytes_get_data(bytes, NULL),
                                               g_bytes_get_size(bytes), &error);
    else if (is_missing(error))
        g_clear_error(&error);
    if (fact->definition != NULL && md_definition_file_is_open_to_all(fd, name))
        md_error_set(&error, VIR_ERR_INVALID_ARG, "is world-writable, using it anyway");
    fact->error = g_steal_pointer(&error);
}


/* The names in a directory and those in `known`, without duplicates. Takes ownership of `names`. */
static GPtrArray *
merge_names(GPtrArray *names, GPtrArray *known)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < names->len; i++)
        g_hash_table_add(seen, g_ptr_array_index(names, i));
    for (guint i = 0; known != NULL && i < known->len; i++) {
        if (!g_hash_table_contains(seen, g_ptr_array_index(known, i)))
            g_ptr_array_add(names, g_strdup(g_ptr_array_index(known, i)));
    }
    return names;
}


static int
read_open_parent(MdDefinitionRead *self, const char *addr)
{
    g_autoptr(GError) error = NULL;
    int fd = md_definition_file_open(self->directory, addr, &error);

    if (fd < 0)
        read_add_fact(self, addr, NULL)->error = g_steal_pointer(&error);
    return fd;
}


static void
read_parent(MdDefinitionRead *self, const char *addr, gboolean is_written)
{
    g_autoptr(GPtrArray) names = NULL;
    g_auto(MdFd) fd = -1;
    MdDefinitionFact *fact = NULL;

    if (!md_definition_file_is_parent(addr))
        return;
    fd = read_open_parent(self, addr);
    if (fd < 0)
        return;

    fact = read_add_fact(self, addr, NULL);
    fact->there = TRUE;
    fact->watch = MAX(md_watch_add(self->watch, fd, &fact->error), 0);
    names = md_definition_file_list(fd, fact->error == NULL ? &fact->error : NULL);
    names = merge_names(g_steal_pointer(&names), g_hash_table_lookup(self->known, addr));
    for (guint i = 0; i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);

        if (*name != '.')
            read_file(self, fd, addr, name, is_written);
    }
}


static void
read_place(MdDefinitionRead *self, const Place *place)
{
    g_auto(MdFd) fd = -1;

    if (place->name == NULL) {
        read_parent(self, place->addr, place->is_written);
        return;
    }
    fd = read_open_parent(self, place->addr);
    if (fd >= 0)
        read_file(self, fd, place->addr, place->name, place->is_written);
}


static int
watch_path(MdWatch *watch, const char *path, GError **error)
{
    g_auto(MdFd) fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) {
        md_error_set_errno(error, errno, "Unable to open");
        return 0;
    }
    return MAX(md_watch_add(watch, fd, error), 0);
}


/* The nearest existing directory above the directory of definitions. */
static char *
find_above(const char *directory)
{
    g_autofree char *path = g_path_get_dirname(directory);

    while (!g_str_equal(path, "/") && !g_file_test(path, G_FILE_TEST_IS_DIR)) {
        char *next = g_path_get_dirname(path);

        g_free(path);
        path = next;
    }
    return g_steal_pointer(&path);
}


/* Watches the nearest existing directory above the directory of definitions. Then searches for it
 * again, because the watch does not report entries created before it was added. */
static void
read_watch_above(MdDefinitionRead *self)
{
    g_autofree char *path = find_above(self->directory);

    for (guint i = 0; i < ABOVE_TRIES; i++) {
        const char *below = self->directory + (g_str_equal(path, "/") ? 1 : strlen(path) + 1);
        g_autofree char *now = NULL;

        self->top.above = watch_path(self->watch, path, NULL);
        g_free(self->top.awaited);
        self->top.awaited = g_strndup(below, strcspn(below, "/"));
        now = find_above(self->directory);
        if (g_str_equal(now, path))
            return;
        g_free(path);
        path = g_steal_pointer(&now);
    }
}


static void
read_all(MdDefinitionRead *self)
{
    g_autoptr(GPtrArray) known = g_ptr_array_new();
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_auto(MdFd) fd = -1;
    GHashTableIter iter;
    gpointer addr = NULL;

    read_watch_above(self);
    self->top.watch = watch_path(self->watch, self->directory, &self->top.error);

    fd = md_definition_file_open(self->directory, NULL, NULL);
    if (fd >= 0) {
        g_ptr_array_unref(names);
        names = md_definition_file_list(fd, self->top.error == NULL ? &self->top.error : NULL);
    }
    g_hash_table_iter_init(&iter, self->known);
    while (g_hash_table_iter_next(&iter, &addr, NULL))
        g_ptr_array_add(known, addr);
    names = merge_names(g_steal_pointer(&names), known);
    for (guint i = 0; i < names->len; i++)
        read_parent(self, g_ptr_array_index(names, i), TRUE);
}


gboolean
md_definition_read_run(gpointer read, GError **error G_GNUC_UNUSED)
{
    MdDefinitionRead *self = read;

    if (self->prepare)
        md_definition_file_prepare(self->directory);
    if (self->all)
        read_all(self);
    for (guint i = 0; i < self->places->len; i++)
        read_place(self, g_ptr_array_index(self->places, i));
    return TRUE;
}


const MdDefinitionTop *
md_definition_read_get_top(MdDefinitionRead *self)
{
    return self->all ? &self->top : NULL;
}


GPtrArray *
md_definition_read_get_facts(MdDefinitionRead *self)
{
    return self->facts;
}
