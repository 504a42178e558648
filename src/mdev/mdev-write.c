/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "mdev/mdev-write.h"

#include <errno.h>
#include <string.h>

#include "backend/vfio-use.h"
#include "conf/cap-mdev.h"
#include "mdev/unfinished.h"
#include "probe/mdev-types.h"
#include "probe/probe.h"
#include "util/error.h"
#include "util/names.h"

struct _MdMdevWrite {
    /* The device to write to: the parent if a device is to be created, else the device itself. */
    char *name;
    char *path;
    guint64 inode;
    MdRoots *roots; /* NULL unless the device is to be removed */

    /* The device to create. */
    char *type_id;
    char *type_name;
    char *uuid;
    GPtrArray *attrs; /* of MdMdevAttr */
    char *state_dir;  /* NULL: no record is kept */

    gboolean withdrawn; /* the result */
};


static MdMdevWrite *
write_new(MdNodeDevice *device)
{
    MdMdevWrite *self = g_atomic_rc_box_new0(MdMdevWrite);

    self->name = g_strdup(device->def->name);
    self->path = g_strdup(device->def->path);
    self->inode = device->inode;
    return self;
}


MdMdevWrite *
md_mdev_write_new_create(MdNodeDevice *parent, const MdNodeDeviceDef *def)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);
    MdMdevWrite *self = write_new(parent);

    self->type_id = g_strdup(cap->type_id);
    self->type_name = g_strdup(cap->type_name);
    self->uuid = cap->uuid != NULL ? g_strdup(cap->uuid) : g_uuid_string_random();
    self->attrs = md_mdev_attrs_copy(cap->attrs);
    return self;
}


void
md_mdev_write_set_state_dir(MdMdevWrite *self, const char *directory)
{
    g_free(self->state_dir);
    self->state_dir = g_strdup(directory);
}


MdMdevWrite *
md_mdev_write_new_remove(MdNodeDevice *device, MdRoots *roots)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(device->def, &md_cap_kind_mdev);
    MdMdevWrite *self = write_new(device);

    self->roots = md_roots_ref(roots);
    self->type_id = g_strdup(cap->type_id);
    return self;
}


MdMdevWrite *
md_mdev_write_ref(MdMdevWrite *self)
{
    return g_atomic_rc_box_acquire(self);
}


static void
write_clear(MdMdevWrite *self)
{
    g_free(self->name);
    g_free(self->path);
    g_free(self->type_id);
    g_free(self->type_name);
    g_free(self->uuid);
    g_free(self->state_dir);
    md_roots_unref(self->roots);
    g_clear_pointer(&self->attrs, g_ptr_array_unref);
}


void
md_mdev_write_unref(MdMdevWrite *self)
{
    if (self != NULL)
        g_atomic_rc_box_release_full(self, (GDestroyNotify)write_clear);
}


const char *
md_mdev_write_get_uuid(MdMdevWrite *self)
{
    return self->uuid;
}


const char *
md_mdev_write_get_type(MdMdevWrite *self)
{
    return self->type_id;
}


gboolean
md_mdev_write_is_withdrawn(MdMdevWrite *self)
{
    return self->withdrawn;
}


/* Drivers return arbitrary errnos, so the number of available instances helps to find the cause. */
static void
explain_create_error(MdMdevWrite *self, MdSysfsDir *parent, int errnum, GError **error)
{
    g_autofree char *attribute =
        g_build_filename(MD_ATTR_MDEV_TYPES, self->type_id, MD_ATTR_TYPE_AVAILABLE, NULL);
    gint64 available = 0;

    if (errnum == EEXIST)
        md_error_set(error, VIR_ERR_INTERNAL_ERROR, "UUID '%s' is in use by another device",
                     self->uuid);
    else if (errnum == ENODEV || errnum == ENOENT)
        md_error_set(error, VIR_ERR_INTERNAL_ERROR, "parent '%s' is being removed: %s", self->name,
                     g_strerror(errnum));
    else if (md_sysfs_dir_read_int(parent, attribute, &available) && available <= 0)
        md_error_set(error, VIR_ERR_INTERNAL_ERROR,
                     "type '%s' of parent '%s' has no available instances: %s", self->type_id,
                     self->name, g_strerror(errnum));
    else
        md_error_set(error, VIR_ERR_INTERNAL_ERROR,
                     "parent '%s' refused to create '%s' of type '%s': %s", self->name, self->uuid,
                     self->type_id, g_strerror(errnum));
}


/* Whether the attribute belongs to the driver. An attribute that the parent has as well belongs to
 * the driver core or the bus; this rule also covers attributes of later kernels. Attributes in
 * groups are allowed, because drivers may have a group of the same name on both devices. */
static gboolean
check_attr_is_drivers(MdSysfsDir *device, const char *name, GError **error)
{
    g_autofree char *of_parent = g_build_filename("..", name, NULL);

    if (strchr(name, '/') != NULL || !md_sysfs_dir_has(device, of_parent))
        return TRUE;
    md_error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                 "attribute '%s' belongs to the kernel, not to the driver: the parent of '%s' has "
                 "it as well",
                 name, md_sysfs_dir_get_path(device));
    return FALSE;
}


gboolean
md_mdev_write_attrs(MdSysfsDir *dir,
                    const MdNodeDeviceDef *def G_GNUC_UNUSED,
                    GPtrArray *attrs,
                    guint *n_written,
                    GError **error)
{
    if (!md_mdev_attrs_check(attrs, error))
        return FALSE;

    for (guint i = 0; i < attrs->len; i++) {
        const MdMdevAttr *attr = g_ptr_array_index(attrs, i);

        if (!check_attr_is_drivers(dir, attr->name, error) ||
            !md_sysfs_dir_write_beneath(dir, attr->name, attr->value, error))
            return FALSE;
        (*n_written)++;
    }
    return TRUE;
}


static gboolean
set_up_device(MdMdevWrite *self, MdSysfsDir *parent, GError **error)
{
    g_autoptr(MdSysfsDir) device = NULL;
    g_autoptr(GError) cleanup_error = NULL;
    guint n_written = 0;

    if (self->attrs->len == 0)
        return TRUE;

    device = md_sysfs_dir_open_child(parent, self->uuid, error);
    if (device == NULL)
        return FALSE;
    if (md_mdev_write_attrs(device, NULL, self->attrs, &n_written, error))
        return TRUE;

    self->withdrawn = md_sysfs_dir_write(device, MD_ATTR_MDEV_REMOVE, "1", &cleanup_error);
    if (!self->withdrawn)
        g_prefix_error(error, "%s; ", cleanup_error->message);
    return FALSE;
}


/* Replaces the requested id or name of the type with the full id. */
static gboolean
resolve_type(MdMdevWrite *self, MdSysfsDir *parent, GError **error)
{
    char *id = md_mdev_types_resolve(parent, self->type_id, self->type_name, error);

    if (id == NULL) {
        g_prefix_error(error, "parent '%s': ", self->name);
        return FALSE;
    }
    g_free(self->type_id);
    self->type_id = id;
    g_clear_pointer(&self->type_name, g_free);
    return TRUE;
}


gboolean
md_mdev_write_prepare_create(gpointer write, GError **error)
{
    MdMdevWrite *self = write;
    g_autoptr(MdSysfsDir) parent = md_probe_open(self->name, self->path, self->inode, error);

    return parent != NULL && resolve_type(self, parent, error);
}


/* Creates the device and sets its attributes. */
static gboolean
make_device(MdMdevWrite *self, MdSysfsDir *parent, GError **error)
{
    g_autofree char *attribute =
        g_build_filename(MD_ATTR_MDEV_TYPES, self->type_id, MD_ATTR_TYPE_CREATE, NULL);
    g_autoptr(GError) err = NULL;

    if (!md_sysfs_dir_write(parent, attribute, self->uuid, &err)) {
        explain_create_error(self, parent, md_error_get_errno(err), error);
        return FALSE;
    }
    return set_up_device(self, parent, error);
}


gboolean
md_mdev_write_create(gpointer write, GError **error)
{
    MdMdevWrite *self = write;
    g_autoptr(MdSysfsDir) parent = md_probe_open(self->name, self->path, self->inode, error);
    g_autofree char *path = NULL;
    gboolean ok = FALSE;

    if (parent == NULL || !resolve_type(self, parent, error))
        return FALSE;

    /* A device without attributes is complete as soon as it exists. */
    if (self->state_dir == NULL || self->attrs->len == 0)
        return make_device(self, parent, error);

    path = g_build_filename(self->path, self->uuid, NULL);
    md_unfinished_begin(self->state_dir, path, self->type_id);
    ok = make_device(self, parent, error);
    md_unfinished_end(self->state_dir, path);
    return ok;
}


static void
set_refusal(GError **error, int errnum)
{
    md_error_set(error, VIR_ERR_INTERNAL_ERROR, "the driver refused: %s", g_strerror(errnum));
}


/* Checks the write permission first: a user without it often cannot find out whether the device is
 * in use. */
static gboolean
check_removable(MdMdevWrite *self, MdSysfsDir *device, GError **error)
{
    if (!md_sysfs_dir_may_write(device, MD_ATTR_MDEV_REMOVE) && errno == EACCES) {
        md_error_set(error, VIR_ERR_INTERNAL_ERROR, "cannot write to its attribute '%s': %s",
                     MD_ATTR_MDEV_REMOVE, g_strerror(EACCES));
        return FALSE;
    }
    return md_vfio_use_check_free(self->roots, device, error);
}


gboolean
md_mdev_write_prepare_remove(gpointer write, GError **error)
{
    MdMdevWrite *self = write;
    g_autoptr(MdSysfsDir) device = md_probe_open(self->name, self->path, self->inode, error);

    if (device == NULL || !check_removable(self, device, error))
        return FALSE;
    /* A device that was registered before it was complete may lack a type. */
    if (self->type_id == NULL)
        self->type_id = md_sysfs_dir_read_link(device, MD_ATTR_MDEV_TYPE);
    if (self->type_id == NULL)
        md_error_set(error, VIR_ERR_INTERNAL_ERROR, "cannot read its type");
    return self->type_id != NULL;
}


gboolean
md_mdev_write_remove(gpointer write, GError **error)
{
    MdMdevWrite *self = write;
    g_autoptr(MdSysfsDir) device = md_probe_open(self->name, self->path, self->inode, error);
    g_autoptr(GError) err = NULL;

    if (device == NULL || !check_removable(self, device, error))
        return FALSE;

    if (md_sysfs_dir_write(device, MD_ATTR_MDEV_REMOVE, "1", &err))
        return TRUE;
    if (md_error_is_gone(err))
        md_error_set(error, VIR_ERR_NO_NODE_DEVICE, "no node device with matching name '%s'",
                     self->name);
    else
        set_refusal(error, md_error_get_errno(err));
    return FALSE;
}
