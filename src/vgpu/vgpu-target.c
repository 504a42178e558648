/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "vgpu/vgpu-target.h"

#include <string.h>

#include "conf/cap-mdev.h"
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
md_vgpu_access_open(const MdVgpuTarget *target, const MdVgpuAccess *sibling, GError **error)
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
    self->borrows_card = sibling != NULL && sibling->vendor == self->vendor;
    self->card =
        self->borrows_card ? sibling->card : md_vendor_open_card(self->vendor, self->dir, error);
    return self->card != NULL ? g_steal_pointer(&self) : NULL;
}


gboolean
md_vgpu_access_check_type(const MdVgpuAccess *self,
                          const MdVgpuTarget *target,
                          const char *type_id,
                          GError **error)
{
    guint32 wanted = 0;
    guint32 present = 0;

    if (!self->vendor->read_assigned(self->card, self->dir, &present, error))
        return FALSE;
    if (md_vendor_parse_id(type_id, &wanted) == self->vendor && present == wanted)
        return TRUE;
    md_error_set(error, VIR_ERR_NO_NODE_DEVICE,
                 "function '%s' has no vGPU of type '%s': another program has removed it",
                 target->name, type_id);
    return FALSE;
}


gboolean
md_vgpu_access_set_parameters(const MdVgpuAccess *self,
                              GPtrArray *attrs,
                              guint *n_set,
                              GError **error)
{
    for (guint i = 0; i < attrs->len; i++) {
        const MdMdevAttr *attr = g_ptr_array_index(attrs, i);

        if (!self->vendor->set_parameter(self->card, self->dir, attr->name, attr->value, error)) {
            g_prefix_error(error, "attribute '%s': ", attr->name);
            return FALSE;
        }
        (*n_set)++;
    }
    return TRUE;
}


void
md_vgpu_access_free(MdVgpuAccess *self)
{
    if (self == NULL)
        return;

    if (self->card != NULL && !self->borrows_card)
        self->vendor->close(self->card);
    md_sysfs_dir_free(self->dir);
    g_free(self);
}
