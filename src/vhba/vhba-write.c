/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "vhba/vhba-write.h"

#include <errno.h>

#include "probe/fc-host.h"
#include "probe/probe.h"
#include "util/error.h"

/* The device that was looked up, identified by its inode. */
typedef struct {
    char *name; /* NULL: none */
    char *path;
    guint64 inode;
} Place;

struct _MdVhbaWrite {
    Place parent;
    Place device;
    char *wwnn;
    char *wwpn;
    char *fabric;
};


static void
place_set(Place *place, const MdNodeDevice *device)
{
    place->name = g_strdup(device->def->name);
    place->path = g_strdup(device->def->path);
    place->inode = device->inode;
}


static void
place_clear(Place *place)
{
    g_free(place->name);
    g_free(place->path);
}


MdVhbaWrite *
md_vhba_write_new_create(MdNodeDevice *parent,
                         const char *wwnn,
                         const char *wwpn,
                         const char *fabric)
{
    MdVhbaWrite *self = g_new0(MdVhbaWrite, 1);

    place_set(&self->parent, parent);
    self->wwnn = g_strdup(wwnn);
    self->wwpn = g_strdup(wwpn);
    self->fabric = g_strdup(fabric);
    return self;
}


MdVhbaWrite *
md_vhba_write_new_delete(MdNodeDevice *parent, MdNodeDevice *device)
{
    MdVhbaWrite *self = g_new0(MdVhbaWrite, 1);

    place_set(&self->parent, parent);
    place_set(&self->device, device);
    return self;
}


void
md_vhba_write_free(MdVhbaWrite *self)
{
    if (self == NULL)
        return;

    place_clear(&self->parent);
    place_clear(&self->device);
    g_free(self->wwnn);
    g_free(self->wwpn);
    g_free(self->fabric);
    g_free(self);
}


static gboolean
check_free_ports(MdSysfsDir *parent, const char *name, GError **error)
{
    guint max = 0;
    guint in_use = 0;

    if (!md_fc_host_read_vports(parent, NULL, &max, &in_use)) {
        md_error_set(error, VIR_ERR_INTERNAL_ERROR, "cannot read the virtual port limits of '%s'",
                     name);
        return FALSE;
    }
    if (in_use >= max) {
        md_error_set(error, VIR_ERR_INTERNAL_ERROR, "all %u virtual ports of '%s' are in use", max,
                     name);
        return FALSE;
    }
    return TRUE;
}


gboolean
md_vhba_write_check(gpointer write, GError **error)
{
    MdVhbaWrite *self = write;
    const Place *place = &self->parent;
    g_autoptr(MdSysfsDir) parent = md_probe_open(place->name, place->path, place->inode, error);
    g_autofree char *fabric = NULL;

    if (parent == NULL)
        return FALSE;

    fabric = self->fabric != NULL ? md_fc_host_read_fabric(parent) : NULL;
    if (g_strcmp0(fabric, self->fabric) != 0) {
        md_error_set(error, VIR_ERR_INTERNAL_ERROR, "'%s' is connected to another fabric",
                     place->name);
        return FALSE;
    }
    if (!md_fc_host_is_online(parent)) {
        md_error_set(error, VIR_ERR_INTERNAL_ERROR, "'%s' is not online", place->name);
        return FALSE;
    }
    return check_free_ports(parent, place->name, error);
}


gboolean
md_vhba_write_create(gpointer write, GError **error)
{
    MdVhbaWrite *self = write;
    const Place *place = &self->parent;
    g_autoptr(MdSysfsDir) parent = md_probe_open(place->name, place->path, place->inode, error);
    g_autoptr(GError) err = NULL;
    int errnum = 0;

    if (parent == NULL)
        return FALSE;
    if (md_fc_host_write_create(parent, self->wwnn, self->wwpn, &err))
        return TRUE;

    /* Drivers return arbitrary errnos, so the number of free ports is read to find the cause. */
    errnum = md_error_get_errno(err);
    if (errnum == ENODEV || errnum == ENOENT || check_free_ports(parent, place->name, error))
        g_propagate_error(error, g_steal_pointer(&err));
    else
        g_prefix_error(error, "%s: ", g_strerror(errnum));
    return FALSE;
}


gboolean
md_vhba_write_delete(gpointer write, GError **error)
{
    MdVhbaWrite *self = write;
    const Place *place = &self->device;
    g_autoptr(MdSysfsDir) device = md_probe_open(place->name, place->path, place->inode, error);
    g_autoptr(MdSysfsDir) parent = NULL;
    g_autofree char *wwnn = NULL;
    g_autofree char *wwpn = NULL;

    if (device == NULL)
        return FALSE;
    if (!md_fc_host_is_named(device) || !md_fc_host_read_names(device, &wwnn, &wwpn)) {
        md_error_set(error, VIR_ERR_INTERNAL_ERROR, "its world-wide names are unknown");
        return FALSE;
    }
    place = &self->parent;
    parent = md_probe_open(place->name, place->path, place->inode, error);
    return parent != NULL && md_fc_host_write_delete(parent, wwnn, wwpn, error);
}
