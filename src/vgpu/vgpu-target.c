/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "vgpu/vgpu-target.h"

#include <string.h>

#include "probe/probe.h"
#include "util/error.h"


MdVgpuTarget *
md_vgpu_target_new(const MdNodeDevice *function)
{
    MdVgpuTarget *self = g_new0(MdVgpuTarget, 1);

    self->name = g_strdup(function->def->name);
    self->path = g_strdup(function->def->path);
    self->address = strrchr(self->path, '/') + 1;
    self->inode = function->inode;
    return self;
}


void
md_vgpu_target_free(MdVgpuTarget *self)
{
    if (self == NULL)
        return;

    g_free(self->name);
    g_free(self->path);
    g_free(self);
}


MdVgpuAccess *
md_vgpu_access_open(const MdVgpuTarget *target, GError **error)
{
    g_autoptr(MdVgpuAccess) self = g_new0(MdVgpuAccess, 1);

    self->dir = md_probe_open(target->name, target->path, target->inode, error);
    if (self->dir == NULL)
        return NULL;
    self->vendor = md_vendor_find(self->dir);
    if (self->vendor == NULL) {
        md_error_set(error, VIR_ERR_OPERATION_UNSUPPORTED,
                     "the driver of function '%s' does not offer vGPUs at the moment",
                     target->name);
        return NULL;
    }
    self->card = md_vendor_open_card(self->vendor, self->dir, error);
    return self->card != NULL ? g_steal_pointer(&self) : NULL;
}


void
md_vgpu_access_free(MdVgpuAccess *self)
{
    if (self == NULL)
        return;

    if (self->card != NULL)
        self->vendor->close(self->card);
    md_sysfs_dir_free(self->dir);
    g_free(self);
}
