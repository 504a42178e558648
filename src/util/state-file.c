/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "util/state-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "util/fd.h"

#define DIRECTORY_MODE 0700
#define FILE_MODE      0600


/* Never opens an existing file, which might be a FIFO and block, or a link to another file. */
static int
make_file(const char *path)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    int fd = open(path, flags, FILE_MODE);

    if (fd < 0 && errno == EEXIST && unlink(path) == 0)
        fd = open(path, flags, FILE_MODE);
    return fd;
}


int
md_state_file_write(const char *directory, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(directory, name, NULL);
    gsize size = strlen(text);
    g_auto(MdFd) fd = -1;

    if (g_mkdir_with_parents(directory, DIRECTORY_MODE) < 0)
        return errno;
    fd = make_file(path);
    if (fd < 0)
        return errno;
    if (TEMP_FAILURE_RETRY(write(fd, text, size)) != (ssize_t)size) {
        unlink(path);
        return errno;
    }
    return 0;
}


char *
md_state_file_read(const char *directory, const char *name, gsize max)
{
    g_autofree char *path = g_build_filename(directory, name, NULL);
    g_auto(MdFd) fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    g_autofree char *text = NULL;
    ssize_t size = 0;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
        (gsize)st.st_size > max)
        return NULL;
    text = g_malloc0(max + 1);
    size = TEMP_FAILURE_RETRY(read(fd, text, max));
    return size >= 0 && strlen(text) == (gsize)size ? g_steal_pointer(&text) : NULL;
}
