/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "mdevctl/definition-file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "conf/definition.h"
#include "conf/xml-reader.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/names.h"
#include "util/trust.h"

#define TEMPORARY_PREFIX ".mediated-"

#define DIRECTORY_MODE 0755
#define FILE_MODE      0644


gboolean
md_definition_file_is_parent(const char *name)
{
    if (*name == '\0' || *name == '.' || strlen(name) > NAME_MAX ||
        !g_utf8_validate(name, -1, NULL) || g_str_equal(name, MD_DIR_SCRIPTS))
        return FALSE;

    for (; *name != '\0'; name++) {
        if (*name == '/' || g_ascii_iscntrl(*name))
            return FALSE;
    }
    return TRUE;
}


gboolean
md_definition_file_is_uuid(const char *name)
{
    g_autofree char *uuid = md_uuid_normalize(name);

    return g_strcmp0(uuid, name) == 0;
}


/* Distinguishes a link from a file: opening either as a directory fails with the same errno. */
static gboolean
is_link(int at, const char *name)
{
    struct stat st;

    return fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
}


int
md_definition_file_open(const char *directory, const char *parent_addr, GError **error)
{
    g_auto(MdFd) top = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = -1;

    if (top >= 0 && parent_addr == NULL)
        return g_steal_fd(&top);
    if (top >= 0)
        fd = openat(top, parent_addr, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0)
        return fd;

    if (errno == ENOTDIR && top >= 0 && is_link(top, parent_addr))
        md_error_set(error, VIR_ERR_INVALID_ARG, "is a symbolic link");
    else
        md_error_set_errno(error, errno, "Unable to open");
    return -1;
}


static int
compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}


GPtrArray *
md_definition_file_list(int directory, GError **error)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    g_auto(MdFd) fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry = NULL;

    if (dir == NULL)
        return names;

    fd = -1;
    while ((entry = readdir(dir)) != NULL && names->len < MD_DEFINITION_NAMES_MAX) {
        if (!g_str_equal(entry->d_name, ".") && !g_str_equal(entry->d_name, ".."))
            g_ptr_array_add(names, g_strdup(entry->d_name));
    }
    closedir(dir);
    if (entry != NULL)
        md_error_set(error, VIR_ERR_INVALID_ARG, "more than %d entries, ignoring the rest",
                     MD_DEFINITION_NAMES_MAX);
    g_ptr_array_sort(names, compare_names);
    return names;
}


/* Returns -1 with an error. Does not block on a FIFO. */
static int
open_regular(int directory, const char *name, GError **error)
{
    g_auto(MdFd) fd =
        openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat st;

    if (fd < 0 && errno == ELOOP) {
        md_error_set(error, VIR_ERR_INVALID_ARG, "is a symbolic link");
        return -1;
    }
    if (fd < 0 || fstat(fd, &st) < 0) {
        md_error_set_errno(error, errno, "Unable to open");
        return -1;
    }
    if (!S_ISREG(st.st_mode)) {
        md_error_set(error, VIR_ERR_INVALID_ARG, "not a regular file");
        return -1;
    }
    if (st.st_size > MD_DEFINITION_SIZE_MAX) {
        md_error_set(error, VIR_ERR_INVALID_ARG, "too large");
        return -1;
    }
    return g_steal_fd(&fd);
}


GBytes *
md_definition_file_read(int directory, const char *uuid, GError **error)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_auto(MdFd) fd = open_regular(directory, uuid, error);
    guint8 chunk[4096];
    ssize_t got = 1;

    if (fd < 0)
        return NULL;

    while (got > 0 && bytes->len <= MD_DEFINITION_SIZE_MAX) {
        got = TEMP_FAILURE_RETRY(read(fd, chunk, sizeof(chunk)));
        if (got > 0)
            g_byte_array_append(bytes, chunk, got);
    }
    if (got < 0) {
        md_error_set_errno(error, errno, "Unable to read");
        return NULL;
    }
    return g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
}


gboolean
md_definition_file_is_open_to_all(int directory, const char *uuid)
{
    struct stat st;

    return fstatat(directory, uuid, &st, AT_SYMLINK_NOFOLLOW) == 0 && md_trust_is_open_to_all(&st);
}


/* The static functions below that return an int return 0 or an errno. */


static int
sync_fd(int fd)
{
    /* Not all file systems support fsync() on directories. */
    return fsync(fd) == 0 || errno == EINVAL ? 0 : errno;
}


static int
write_text(int fd, const char *text)
{
    gsize length = strlen(text);
    gsize done = 0;

    while (done < length) {
        ssize_t written = TEMP_FAILURE_RETRY(write(fd, text + done, length - done));

        if (written < 0)
            return errno;
        done += (gsize)written;
    }
    if (fchmod(fd, FILE_MODE) < 0)
        return errno;
    return sync_fd(fd);
}


/* Creates a directory and its missing parents. Syncs the directory above each of them, so that they
 * survive a power failure. */
static int
make_directory(const char *path)
{
    g_autofree char *above = g_path_get_dirname(path);
    g_auto(MdFd) fd = -1;
    int errnum = mkdir(path, DIRECTORY_MODE) == 0 ? 0 : errno;

    if (errnum == EEXIST)
        return 0;
    if (errnum == ENOENT && !g_str_equal(above, path)) {
        errnum = make_directory(above);
        if (errnum == 0 && mkdir(path, DIRECTORY_MODE) < 0 && errno != EEXIST)
            errnum = errno;
    }
    if (errnum != 0)
        return errnum;

    fd = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? errno : sync_fd(fd);
}


/* Renames a complete file to its final name. */
static int
move_file(
    int top, const char *temporary, const char *parent_addr, const char *uuid, const int *abandoned)
{
    gboolean made = mkdirat(top, parent_addr, DIRECTORY_MODE) == 0;
    int errnum = made || errno == EEXIST ? 0 : errno;
    g_auto(MdFd) fd = -1;

    if (made)
        errnum = sync_fd(top);
    if (errnum != 0)
        return errnum;

    fd = openat(top, parent_addr, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    /* Readable for everybody, regardless of the umask. */
    if (fd < 0 || (made && fchmod(fd, DIRECTORY_MODE) < 0))
        return errno;
    if (g_atomic_int_get(abandoned))
        return ECANCELED;
    return renameat(top, temporary, fd, uuid) < 0 ? errno : sync_fd(fd);
}


static int
put_file(const char *directory,
         const char *parent_addr,
         const char *uuid,
         const char *text,
         const int *abandoned)
{
    g_autofree char *random = g_uuid_string_random();
    g_autofree char *temporary = g_strconcat(TEMPORARY_PREFIX, random, NULL);
    g_auto(MdFd) top = -1;
    g_auto(MdFd) fd = -1;
    int errnum = 0;

    errnum = make_directory(directory);
    if (errnum != 0)
        return errnum;
    top = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (top < 0)
        return errno;
    fd = openat(top, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;

    /* Locks the file, so that another daemon does not take it for the leftover of a crash and
     * remove it. */
    flock(fd, LOCK_EX | LOCK_NB);
    errnum = write_text(fd, text);
    if (errnum == 0)
        errnum = move_file(top, temporary, parent_addr, uuid, abandoned);
    if (errnum != 0)
        unlinkat(top, temporary, 0);
    return errnum;
}


gboolean
md_definition_file_write(const char *directory,
                         const char *parent_addr,
                         const char *uuid,
                         const char *text,
                         const int *abandoned,
                         GError **error)
{
    int errnum = put_file(directory, parent_addr, uuid, text, abandoned);

    if (errnum != 0)
        md_error_set_errno(error, errnum, "cannot write '%s/%s/%s'", directory, parent_addr, uuid);
    return errnum == 0;
}


static int
unlink_definition(const char *directory,
                  const char *parent_addr,
                  const char *uuid,
                  const int *abandoned)
{
    g_auto(MdFd) top = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_auto(MdFd) fd = -1;

    if (top < 0)
        return errno;
    fd = openat(top, parent_addr, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno;
    if (g_atomic_int_get(abandoned))
        return ECANCELED;
    return unlinkat(fd, uuid, 0) < 0 ? errno : sync_fd(fd);
}


gboolean
md_definition_file_remove(const char *directory,
                          const char *parent_addr,
                          const char *uuid,
                          const int *abandoned,
                          GError **error)
{
    int errnum = unlink_definition(directory, parent_addr, uuid, abandoned);

    if (errnum != 0)
        md_error_set_errno(error, errnum, "cannot remove '%s/%s/%s'", directory, parent_addr, uuid);
    return errnum == 0;
}


/* Removes temporary files left by a crash. Files that are being written are locked. */
static void
remove_leftovers(int top)
{
    g_autoptr(GPtrArray) names = md_definition_file_list(top, NULL);

    for (guint i = 0; i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        g_auto(MdFd) fd =
            g_str_has_prefix(name, TEMPORARY_PREFIX) ? open_regular(top, name, NULL) : -1;

        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
            unlinkat(top, name, 0);
    }
}


void
md_definition_file_prepare(const char *directory)
{
    g_auto(MdFd) top = -1;
    int errnum = make_directory(directory);

    if (errnum != 0)
        g_debug("Unable to create '%s': %s", directory, g_strerror(errnum));

    top = md_definition_file_open(directory, NULL, NULL);
    if (top >= 0)
        remove_leftovers(top);
}
