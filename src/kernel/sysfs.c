/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "kernel/sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/error.h"
#include "util/fd.h"
#include "util/names.h"

/* Bytes of a directory read at once. */
#define LISTED_AT_ONCE 8192

/* Size of a buffer for any number in sysfs, in bytes. */
#define NUMBER_SIZE 64

struct _MdSysfsDir {
    int fd;
    guint64 inode;
    guint64 uevent; /* inode number of the attribute `uevent`; 0: missing, or not looked up */
    char *path;
};


static MdSysfsDir *
dir_open_at(int at, const char *name, const char *path, GError **error)
{
    g_autoptr(MdSysfsDir) self = g_new0(MdSysfsDir, 1);
    struct stat st;

    self->path = g_strdup(path);
    self->fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (self->fd < 0 || fstat(self->fd, &st) < 0) {
        md_error_set_errno(error, errno, "Unable to open '%s'", path);
        return NULL;
    }
    self->inode = st.st_ino;
    return g_steal_pointer(&self);
}


MdSysfsDir *
md_sysfs_dir_open(const char *path, GError **error)
{
    return dir_open_at(AT_FDCWD, path, path, error);
}


MdSysfsDir *
md_sysfs_dir_open_child(MdSysfsDir *self, const char *name, GError **error)
{
    g_autofree char *path = g_build_filename(self->path, name, NULL);

    return dir_open_at(self->fd, name, path, error);
}


void
md_sysfs_dir_free(MdSysfsDir *self)
{
    if (self == NULL)
        return;

    if (self->fd >= 0)
        close(self->fd);
    g_free(self->path);
    g_free(self);
}


const char *
md_sysfs_dir_get_path(MdSysfsDir *self)
{
    return self->path;
}


guint64
md_sysfs_dir_get_inode(MdSysfsDir *self)
{
    return self->inode;
}


gboolean
md_sysfs_dir_is_alive(MdSysfsDir *self)
{
    struct stat st;

    self->uevent = fstatat(self->fd, MD_ATTR_UEVENT, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_ino : 0;
    return self->uevent != 0;
}


gboolean
md_sysfs_dir_is_in_place(MdSysfsDir *self)
{
    g_autofree char *path = g_build_filename(self->path, MD_ATTR_UEVENT, NULL);

    return self->uevent != 0 && md_sysfs_find_inode(path) == self->uevent;
}


guint64
md_sysfs_dir_find_inode(MdSysfsDir *self, const char *name)
{
    struct stat st;

    return fstatat(self->fd, name, &st, 0) == 0 ? st.st_ino : 0;
}


guint64
md_sysfs_dir_find_link(MdSysfsDir *self, const char *name)
{
    struct stat st;

    return fstatat(self->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_ino : 0;
}


guint64
md_sysfs_find_inode(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? st.st_ino : 0;
}


guint64
md_sysfs_dir_find_directory(MdSysfsDir *self, const char *name, guint *n_directories)
{
    struct stat st;

    if (fstatat(self->fd, name, &st, 0) < 0 || !S_ISDIR(st.st_mode) || st.st_nlink < 2)
        return 0;
    *n_directories = (guint)st.st_nlink - 2;
    return st.st_ino;
}


gsize
md_sysfs_dir_get_size(MdSysfsDir *self, const char *name)
{
    struct stat st;

    return fstatat(self->fd, name, &st, 0) == 0 ? (gsize)st.st_size : 0;
}


gboolean
md_sysfs_dir_has(MdSysfsDir *self, const char *name)
{
    struct stat st;

    return fstatat(self->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}


static int
open_attribute(MdSysfsDir *self, const char *name)
{
    return openat(self->fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}


/* Reads at most `max` bytes of a file. In sysfs, a short read marks the end of the file. */
static GByteArray *
read_all(MdSysfsDir *self, const char *name, gsize max, GError **error)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    guint8 chunk[4096];
    int fd = open_attribute(self, name);
    ssize_t got = 0;
    int errnum = 0;

    if (fd < 0) {
        md_error_set_errno(error, errno, "Unable to open '%s/%s'", self->path, name);
        return NULL;
    }

    while (bytes->len < max) {
        gsize wanted = MIN(sizeof(chunk), max - bytes->len);

        got = TEMP_FAILURE_RETRY(read(fd, chunk, wanted));
        if (got > 0)
            g_byte_array_append(bytes, chunk, got);
        if (got < (ssize_t)wanted)
            break;
    }
    errnum = errno;
    close(fd);

    if (got < 0) {
        md_error_set_errno(error, errnum, "Unable to read '%s/%s'", self->path, name);
        return NULL;
    }
    return g_steal_pointer(&bytes);
}


char *
md_sysfs_dir_read(MdSysfsDir *self, const char *name, GError **error)
{
    g_autoptr(GByteArray) bytes = read_all(self, name, MD_SYSFS_ATTRIBUTE_MAX, error);

    if (bytes == NULL)
        return NULL;

    g_byte_array_append(bytes, (const guint8 *)"", 1);
    g_strchomp((char *)bytes->data);
    return (char *)g_byte_array_free(g_steal_pointer(&bytes), FALSE);
}


char *
md_sysfs_dir_read_text(MdSysfsDir *self, const char *name)
{
    g_autoptr(GByteArray) bytes = read_all(self, name, MD_SYSFS_ATTRIBUTE_MAX, NULL);
    g_autofree char *text = bytes != NULL ? g_strndup((const char *)bytes->data, bytes->len) : NULL;
    gsize len = text != NULL ? strlen(text) : 0;

    while (len > 0 && strchr("\r\n", text[len - 1]) != NULL)
        text[--len] = '\0';
    for (gsize i = 0; i < len; i++) {
        if (g_ascii_isspace(text[i]) || !g_ascii_iscntrl(text[i]))
            return g_steal_pointer(&text);
    }
    return NULL;
}


GBytes *
md_sysfs_dir_read_bytes(MdSysfsDir *self, const char *name, gsize max, GError **error)
{
    GByteArray *bytes = read_all(self, name, max, error);

    return bytes != NULL ? g_byte_array_free_to_bytes(bytes) : NULL;
}


/* FALSE if the attribute is missing or longer than a number. */
static gboolean
read_number(MdSysfsDir *self, const char *name, char text[NUMBER_SIZE])
{
    g_auto(MdFd) fd = open_attribute(self, name);
    ssize_t got = fd >= 0 ? TEMP_FAILURE_RETRY(read(fd, text, NUMBER_SIZE)) : -1;

    if (got < 0 || got == NUMBER_SIZE)
        return FALSE;
    text[got] = '\0';
    g_strchomp(text);
    return TRUE;
}


gboolean
md_sysfs_dir_read_int(MdSysfsDir *self, const char *name, gint64 *value)
{
    char text[NUMBER_SIZE];
    char *end = NULL;
    gint64 number = 0;

    if (!read_number(self, name, text))
        return FALSE;

    errno = 0;
    number = g_ascii_strtoll(text, &end, g_str_has_prefix(text, "0x") ? 16 : 10);
    if (errno != 0 || end == text || *end != '\0')
        return FALSE;

    *value = number;
    return TRUE;
}


guint
md_sysfs_dir_read_hex(MdSysfsDir *self, const char *name)
{
    char text[NUMBER_SIZE];
    const char *digits = NULL;
    guint64 number = 0;

    if (!read_number(self, name, text))
        return 0;

    digits = g_ascii_strncasecmp(text, "0x", 2) == 0 ? text + 2 : text;
    return g_ascii_string_to_unsigned(digits, 16, 0, G_MAXUINT, &number, NULL) ? (guint)number : 0;
}


static char *
get_target(MdSysfsDir *self, const char *name)
{
    char target[PATH_MAX];
    ssize_t len = readlinkat(self->fd, name, target, sizeof(target));

    return len > 0 ? g_strndup(target, len) : NULL;
}


char *
md_sysfs_dir_read_link(MdSysfsDir *self, const char *name)
{
    g_autofree char *target = get_target(self, name);

    return target != NULL ? g_path_get_basename(target) : NULL;
}


int
md_sysfs_dir_read_iommu_group(MdSysfsDir *self)
{
    g_autofree char *group = md_sysfs_dir_read_link(self, MD_ATTR_IOMMU_GROUP);
    guint64 number = 0;

    if (group == NULL || !g_ascii_string_to_unsigned(group, 10, 0, G_MAXINT, &number, NULL))
        return -1;
    return (int)number;
}


char *
md_sysfs_dir_resolve_link(MdSysfsDir *self, const char *name)
{
    g_autofree char *target = get_target(self, name);

    /* The kernel's links are relative and lead through real directories only. */
    return target != NULL ? g_canonicalize_filename(target, self->path) : NULL;
}


static void
entry_free(MdSysfsEntry *entry)
{
    g_free(entry->name);
    g_free(entry);
}


static int
compare_entries(gconstpointer a, gconstpointer b)
{
    return strcmp((*(const MdSysfsEntry *const *)a)->name, (*(const MdSysfsEntry *const *)b)->name);
}


static void
add_entry(GPtrArray *entries, const struct dirent64 *found)
{
    MdSysfsEntry *entry = NULL;

    if (found->d_name[0] == '.')
        return;
    entry = g_new(MdSysfsEntry, 1);
    entry->name = g_strdup(found->d_name);
    entry->inode = found->d_ino;
    g_ptr_array_add(entries, entry);
}


GPtrArray *
md_sysfs_dir_list_entries(MdSysfsDir *self, const char *name)
{
    GPtrArray *entries = g_ptr_array_new_with_free_func((GDestroyNotify)entry_free);
    g_auto(MdFd) fd = openat(self->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _Alignas(struct dirent64) char chunk[LISTED_AT_ONCE];
    ssize_t got = 0;

    /* opendir() would need more system calls. Only an empty read marks the end of the directory,
     * because a signal can shorten a read. */
    while (fd >= 0 && (got = getdents64(fd, chunk, sizeof(chunk))) > 0) {
        for (ssize_t at = 0; at < got;) {
            const struct dirent64 *found = (const struct dirent64 *)(chunk + at);

            add_entry(entries, found);
            at += found->d_reclen;
        }
    }
    g_ptr_array_sort(entries, compare_entries);
    return entries;
}


GPtrArray *
md_sysfs_dir_list(MdSysfsDir *self, const char *name)
{
    g_autoptr(GPtrArray) entries = md_sysfs_dir_list_entries(self, name);
    GPtrArray *names = g_ptr_array_new_full(entries->len, g_free);

    for (guint i = 0; i < entries->len; i++) {
        MdSysfsEntry *entry = g_ptr_array_index(entries, i);

        g_ptr_array_add(names, g_steal_pointer(&entry->name));
    }
    return names;
}


/* Takes ownership of `fd`. An attribute accepts its text in one write or not at all. */
static gboolean
write_and_close(int fd, const char *text, gsize len)
{
    ssize_t written = write(fd, text, len);
    int errnum = written < 0 ? errno : EIO;

    close(fd);
    if (written == (ssize_t)len)
        return TRUE;
    errno = errnum;
    return FALSE;
}


gboolean
md_sysfs_dir_may_write(MdSysfsDir *self, const char *name)
{
    return faccessat(self->fd, name, W_OK, AT_EACCESS) == 0;
}


gboolean
md_sysfs_dir_write(MdSysfsDir *self, const char *name, const char *text, GError **error)
{
    int fd = openat(self->fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd >= 0 && write_and_close(fd, text, strlen(text)))
        return TRUE;

    md_error_set_errno(error, errno, "Unable to write '%s' to '%s/%s'", text, self->path, name);
    return FALSE;
}


static gboolean
is_device(int directory)
{
    struct stat st;

    return fstatat(directory, MD_ATTR_UEVENT, &st, AT_SYMLINK_NOFOLLOW) == 0;
}


/* Opens a path given by a client, component by component, and refuses links (ELOOP) and directories
 * of other devices (EXDEV). openat2() would do so in one call, but the service's RestrictSUIDSGID=
 * forbids openat2(), whose arguments no seccomp filter can inspect. */
static int
open_beneath(MdSysfsDir *self, char **parts)
{
    g_auto(MdFd) dir = -1;

    for (guint i = 0; parts[i + 1] != NULL; i++) {
        int next = openat(i == 0 ? self->fd : dir, parts[i], O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

        if (dir >= 0)
            close(dir);
        dir = next;
        if (dir < 0)
            return -1;
        if (is_device(dir)) {
            errno = EXDEV;
            return -1;
        }
    }
    return openat(dir >= 0 ? dir : self->fd, parts[g_strv_length(parts) - 1],
                  O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
}


static gboolean
check_name_beneath(MdSysfsDir *self, const char *name, char **parts, GError **error)
{
    for (guint i = 0; parts[i] != NULL; i++) {
        if (*parts[i] == '\0' || g_str_equal(parts[i], ".") || g_str_equal(parts[i], "..")) {
            md_error_set(error, VIR_ERR_INVALID_ARG, "attribute name '%s' is not a path below '%s'",
                         name, self->path);
            return FALSE;
        }
    }
    if (parts[0] == NULL) {
        md_error_set(error, VIR_ERR_INVALID_ARG, "attribute name of '%s' is empty", self->path);
        return FALSE;
    }
    return TRUE;
}


gboolean
md_sysfs_dir_write_beneath(MdSysfsDir *self, const char *name, const char *text, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(name, "/", -1);
    g_autofree char *line =
        g_str_has_suffix(text, "\n") ? g_strdup(text) : g_strconcat(text, "\n", NULL);
    int fd = -1;

    if (!check_name_beneath(self, name, parts, error))
        return FALSE;

    fd = open_beneath(self, parts);
    if (fd < 0 && errno == ELOOP) {
        md_error_set(error, VIR_ERR_INVALID_ARG,
                     "attribute name '%s' leads through a link below '%s'", name, self->path);
        return FALSE;
    }
    if (fd < 0 && errno == EXDEV) {
        md_error_set(error, VIR_ERR_INVALID_ARG,
                     "attribute name '%s' leads into another device below '%s'", name, self->path);
        return FALSE;
    }
    if (fd >= 0 && write_and_close(fd, line, strlen(line)))
        return TRUE;

    md_error_set_errno(error, errno, "Unable to write '%s' to attribute '%s' of '%s'", text, name,
                       self->path);
    return FALSE;
}
