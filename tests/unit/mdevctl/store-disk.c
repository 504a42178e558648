/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fortified headers define inline functions with the name overridden here. */
#undef _FORTIFY_SOURCE
#include "config.h"

#include "store-disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
    GMutex mutex;
    GCond cond;
    const char *refused;
    int errnum;
    guint skip;
    guint times;
    const char *hung;
    guint n_waiting;
} disk;


/* Returns the errno of a refused open, or 0. */
static int
disk_pass(const char *name)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&disk.mutex);

    disk.n_waiting++;
    while (g_strcmp0(name, disk.hung) == 0)
        g_cond_wait(&disk.cond, &disk.mutex);
    disk.n_waiting--;
    if (disk.times == 0 || g_strcmp0(name, disk.refused) != 0)
        return 0;
    if (disk.skip > 0) {
        disk.skip--;
        return 0;
    }
    disk.times--;
    return disk.errnum;
}


int
openat(int fd, const char *name, int flags, ...)
{
    int errnum = disk_pass(name);
    mode_t mode = 0;
    va_list args;

    va_start(args, flags);
    if ((flags & O_CREAT) != 0)
        mode = va_arg(args, mode_t);
    va_end(args);
    errno = errnum;
    return errnum != 0 ? -1 : (int)syscall(SYS_openat, fd, name, flags, mode);
}


void
store_disk_refuse(const char *name, int errnum, guint skip, guint times)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&disk.mutex);

    disk.refused = name;
    disk.errnum = errnum;
    disk.skip = skip;
    disk.times = times;
}


void
store_disk_hang(const char *name)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&disk.mutex);

    disk.hung = name;
}


void
store_disk_release(void)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&disk.mutex);

    disk.hung = NULL;
    g_cond_broadcast(&disk.cond);
}


guint
store_disk_count_waiting(void)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&disk.mutex);

    return disk.n_waiting;
}
