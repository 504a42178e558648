/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "node_device/vfio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "util/names.h"

/* Processes and descriptors looked at to find a holder; enough for any host, and an end for a
 * strange one. */
#define MAX_PROCESSES   100000
#define MAX_DESCRIPTORS 100000


static char *
describe_process(const char *pid)
{
    g_autofree char *path = g_build_filename(MD_PATH_PROC, pid, "comm", NULL);
    g_autofree char *comm = NULL;

    if (!g_file_get_contents(path, &comm, NULL, NULL))
        return g_strdup_printf("process %s", pid);
    return g_strdup_printf("process %s (%s)", pid, g_strchomp(comm));
}


/*
 * Guests have mount namespaces of their own, so that the number of the node tells and not its path.
 * But only what is called like one is looked at: other descriptors may be of file systems that do
 * not answer.
 */
static gboolean
process_holds(MdSysfsDir *proc, const char *pid, dev_t node)
{
    g_autofree char *fds = g_build_filename(pid, "fd", NULL);
    g_autoptr(MdSysfsDir) dir = md_sysfs_dir_open_child(proc, fds, NULL);
    g_autoptr(GPtrArray) names = dir != NULL ? md_sysfs_dir_list(dir, ".") : NULL;

    for (guint i = 0; names != NULL && i < MIN(names->len, MAX_DESCRIPTORS); i++) {
        const char *fd = g_ptr_array_index(names, i);
        g_autofree char *path = g_build_filename(md_sysfs_dir_get_path(dir), fd, NULL);
        g_autofree char *target = md_sysfs_dir_resolve_link(dir, fd);
        struct stat st;

        if (target != NULL && strstr(target, "/vfio/") != NULL && stat(path, &st) == 0 &&
            S_ISCHR(st.st_mode) && st.st_rdev == node)
            return TRUE;
    }
    return FALSE;
}


static char *
find_holder(dev_t node)
{
    g_autoptr(MdSysfsDir) proc = md_sysfs_dir_open(MD_PATH_PROC, NULL);
    g_autoptr(GPtrArray) names = proc != NULL ? md_sysfs_dir_list(proc, ".") : NULL;

    for (guint i = 0; names != NULL && i < MIN(names->len, MAX_PROCESSES); i++) {
        const char *pid = g_ptr_array_index(names, i);

        if (g_ascii_isdigit(*pid) && process_holds(proc, pid, node))
            return describe_process(pid);
    }
    return NULL;
}


static gboolean
parse_dev(const char *text, dev_t *node)
{
    guint major_number = 0;
    guint minor_number = 0;

    if (text == NULL || sscanf(text, "%u:%u", &major_number, &minor_number) != 2)
        return FALSE;
    *node = makedev(major_number, minor_number);
    return TRUE;
}


/* A group can be opened by one user at a time, so that EBUSY tells without a look at any process.
 */
static gboolean
group_is_in_use(MdSysfsDir *device, char **holder)
{
    g_autofree char *group = md_sysfs_dir_read_link(device, MD_ATTR_IOMMU_GROUP);
    g_autofree char *path = NULL;
    struct stat st;
    int fd = -1;

    if (group == NULL)
        return FALSE;

    path = g_build_filename(MD_PATH_DEV_VFIO, group, NULL);
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd >= 0) {
        close(fd);
        return FALSE;
    }
    if (errno != EBUSY)
        return FALSE;

    *holder = stat(path, &st) == 0 ? find_holder(st.st_rdev) : NULL;
    return TRUE;
}


/* The device's own node may be open many times over; only a look at the processes tells. */
static gboolean
cdev_is_in_use(MdSysfsDir *device, char **holder)
{
    g_autoptr(GPtrArray) names = md_sysfs_dir_list(device, MD_ATTR_VFIO_DEV);

    for (guint i = 0; i < names->len; i++) {
        g_autofree char *attr =
            g_build_filename(MD_ATTR_VFIO_DEV, g_ptr_array_index(names, i), "dev", NULL);
        g_autofree char *text = md_sysfs_dir_read(device, attr, NULL);
        dev_t node = 0;

        if (!parse_dev(text, &node))
            continue;
        *holder = find_holder(node);
        if (*holder != NULL)
            return TRUE;
    }
    return FALSE;
}


gboolean
md_vfio_is_in_use(MdSysfsDir *device, char **holder)
{
    *holder = NULL;
    return group_is_in_use(device, holder) || cdev_is_in_use(device, holder);
}
