/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "mdev/unfinished.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <string.h>

#include "util/fd.h"

#define DIRECTORY_MODE 0700
#define FILE_MODE      0600

/* Room for two paths in sysfs. */
#define RECORD_MAX 8192


/* The UUID suffices as a name, because it is unique on the host. */
static char *
make_name(const char *directory, const char *path)
{
    const char *uuid = strrchr(path, '/') + 1;

    return g_build_filename(directory, uuid, NULL);
}


/* Never opens an existing file, which might be a FIFO and block, or a link to another file. */
static int
make_file(const char *name)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    int fd = open(name, flags, FILE_MODE);

    if (fd < 0 && errno == EEXIST && unlink(name) == 0)
        fd = open(name, flags, FILE_MODE);
    return fd;
}


/* Returns 0 or an errno. */
static int
write_record(const char *directory, const char *name, const char *text)
{
    gsize size = strlen(text);
    g_auto(MdFd) fd = -1;

    if (g_mkdir_with_parents(directory, DIRECTORY_MODE) < 0)
        return errno;
    fd = make_file(name);
    if (fd < 0)
        return errno;
    if (TEMP_FAILURE_RETRY(write(fd, text, size)) != (ssize_t)size) {
        unlink(name);
        return errno;
    }
    return 0;
}


void
md_unfinished_begin(const char *directory, const char *path, const char *type_id)
{
    g_autofree char *name = make_name(directory, path);
    g_autofree char *text = g_strdup_printf("%s\n%s\n", path, type_id);
    int errnum = write_record(directory, name, text);

    if (errnum != 0)
        g_debug("Unable to record in '%s' that '%s' is being created: %s", name, path,
                g_strerror(errnum));
}


void
md_unfinished_end(const char *directory, const char *path)
{
    g_autofree char *name = make_name(directory, path);

    if (unlink(name) < 0 && errno != ENOENT)
        g_debug("Unable to remove '%s': %s", name, g_strerror(errno));
}


/* NULL if the file contains no complete record, or belongs to another user. */
static MdUnfinished *
read_record(const MdRoots *roots, const char *directory, const char *name)
{
    g_autofree char *file = g_build_filename(directory, name, NULL);
    g_autofree char *text = g_malloc0(RECORD_MAX);
    g_auto(GStrv) lines = NULL;
    g_auto(MdFd) fd = open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    MdUnfinished *self = NULL;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
        TEMP_FAILURE_RETRY(read(fd, text, RECORD_MAX - 1)) < 0)
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
