/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "mdev/unfinished.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "util/state-file.h"

/* Room for two paths in sysfs. */
#define RECORD_MAX 8192


/* The UUID suffices as the name of a record, because it is unique on the host. */
static const char *
get_uuid(const char *path)
{
    return strrchr(path, '/') + 1;
}


void
md_unfinished_begin(const char *directory, const char *path, const char *type_id)
{
    g_autofree char *text = g_strdup_printf("%s\n%s\n", path, type_id);
    int errnum = md_state_file_write(directory, get_uuid(path), text);

    if (errnum != 0)
        g_debug("Unable to record in '%s' that '%s' is being created: %s", directory, path,
                g_strerror(errnum));
}


void
md_unfinished_end(const char *directory, const char *path)
{
    g_autofree char *name = g_build_filename(directory, get_uuid(path), NULL);

    if (unlink(name) < 0 && errno != ENOENT)
        g_debug("Unable to remove '%s': %s", name, g_strerror(errno));
}


/* NULL if the file contains no complete record, or belongs to another user. */
static MdUnfinished *
read_record(const MdRoots *roots, const char *directory, const char *name)
{
    g_autofree char *text = md_state_file_read(directory, name, RECORD_MAX);
    g_auto(GStrv) lines = NULL;
    MdUnfinished *self = NULL;

    if (text == NULL)
        return NULL;

    /* Each of the two lines ends with a newline, so the third part is empty. */
    lines = g_strsplit(text, "\n", -1);
    if (g_strv_length(lines) != 3 || *lines[2] != '\0' ||
        !md_roots_has_device_path(roots, lines[0]) || !g_str_has_suffix(lines[0], name))
        return NULL;

    self = g_new0(MdUnfinished, 1);
    self->path = g_strdup(lines[0]);
    self->type_id = g_strdup(lines[1]);
    return self;
}


GPtrArray *
md_unfinished_list(const MdRoots *roots, const char *directory)
{
    GPtrArray *records = g_ptr_array_new_with_free_func((GDestroyNotify)md_unfinished_free);
    g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
    const char *name = NULL;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *file = g_build_filename(directory, name, NULL);
        MdUnfinished *record = NULL;

        /* The socket of mediated-vfio-users is in the same directory. */
        if (!g_uuid_string_is_valid(name))
            continue;
        record = read_record(roots, directory, name);
        if (record != NULL)
            g_ptr_array_add(records, record);
        else
            unlink(file);
    }
    return records;
}


void
md_unfinished_free(MdUnfinished *self)
{
    if (self == NULL)
        return;

    g_free(self->path);
    g_free(self->type_id);
    g_free(self);
}
