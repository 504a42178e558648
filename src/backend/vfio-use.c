/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "backend/vfio-use.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "util/error.h"
#include "util/names.h"
#include "vfio/vfio-users.h"


static void
set_in_use(GError **error, const MdVfioHolder *holder)
{
    if (*holder->name != '\0')
        md_error_set(error, VIR_ERR_INTERNAL_ERROR,
                     "device in use by process %" G_GINT64_FORMAT " (%s)", holder->pid,
                     holder->name);
    else
        md_error_set(error, VIR_ERR_INTERNAL_ERROR, "device in use by process %" G_GINT64_FORMAT,
                     holder->pid);
}


static gboolean
refuse_unknown(GError **error, const char *why)
{
    md_error_set(error, VIR_ERR_INTERNAL_ERROR, "cannot tell whether the device is in use: %s",
                 why);
    return FALSE;
}


/* Searches all processes for one that has the node open. Needed for a device's own node, which
 * several processes may open, and for the node of a group that this process may not open. */
static gboolean
check_processes(const MdRoots *roots, dev_t node, GError **error)
{
    MdVfioHolder holder = { 0 };
    g_autofree char *hint = NULL;

    switch (md_vfio_users_find(roots, node, &holder, &hint)) {
    case MD_VFIO_FREE:
        return TRUE;
    case MD_VFIO_HELD:
        set_in_use(error, &holder);
        break;
    case MD_VFIO_UNKNOWN:
        return refuse_unknown(error, hint);
    }
    return FALSE;
}


/* The group is in use. The search is only for the name of the process. */
static void
set_group_in_use(const MdRoots *roots, const struct stat *node, GError **error)
{
    MdVfioHolder holder = { 0 };
    g_autofree char *hint = NULL;

    if (md_vfio_users_find(roots, node->st_rdev, &holder, &hint) == MD_VFIO_HELD)
        set_in_use(error, &holder);
    else
        md_error_set(error, VIR_ERR_INTERNAL_ERROR, "device in use by an unknown process%s%s%s",
                     hint != NULL ? " (" : "", hint != NULL ? hint : "", hint != NULL ? ")" : "");
}


/* Whether the error of an attempt to open the node proves that the device is not in use: the node
 * is missing, or has no group behind it. */
static gboolean
check_open_error(const char *path, int errnum, GError **error)
{
    g_autofree char *why = NULL;

    if (errnum == ENOENT || errnum == ENODEV || errnum == ENXIO)
        return TRUE;
    why = g_strdup_printf("Unable to open '%s': %s", path, g_strerror(errnum));
    return refuse_unknown(error, why);
}


/* A group can be opened only once, so EBUSY alone shows that it is in use. */
static gboolean
check_group(const MdRoots *roots, MdSysfsDir *device, GError **error)
{
    g_autofree char *group = md_sysfs_dir_read_link(device, MD_ATTR_IOMMU_GROUP);
    g_autofree char *path = NULL;
    struct stat st = { 0 };
    int fd = -1;

    if (group == NULL)
        return TRUE;

    path = g_build_filename(roots->dev, MD_DEV_VFIO, group, NULL);
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd >= 0) {
        close(fd);
        return TRUE;
    }
    switch (errno) {
    case EBUSY:
        if (stat(path, &st) < 0)
            st.st_rdev = 0;
        set_group_in_use(roots, &st, error);
        return FALSE;
    case EACCES:
    case EPERM:
        return stat(path, &st) < 0 ? check_open_error(path, errno, error)
                                   : check_processes(roots, st.st_rdev, error);
    default:
        return check_open_error(path, errno, error);
    }
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


static gboolean
check_cdev(const MdRoots *roots, MdSysfsDir *device, GError **error)
{
    g_autoptr(GPtrArray) names = md_sysfs_dir_list(device, MD_ATTR_VFIO_DEV);

    for (guint i = 0; i < names->len; i++) {
        g_autofree char *attr =
            g_build_filename(MD_ATTR_VFIO_DEV, g_ptr_array_index(names, i), "dev", NULL);
        g_autoptr(GError) gone = NULL;
        g_autofree char *text = md_sysfs_dir_read(device, attr, &gone);
        dev_t node = 0;

        if (text == NULL && md_error_get_errno(gone) == ENOENT)
            continue;
        if (!parse_dev(text, &node))
            return refuse_unknown(error, "cannot read its device number");
        if (!check_processes(roots, node, error))
            return FALSE;
    }
    return TRUE;
}


gboolean
md_vfio_use_check_free(const MdRoots *roots, MdSysfsDir *device, GError **error)
{
    return check_group(roots, device, error) && check_cdev(roots, device, error);
}
