/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A function of a card, as seen by jobs on workers, which do not access the registry. */
#pragma once

#include "registry/node-device.h"
#include "vendor/vendor.h"

typedef struct {
    char *name;          /* of the function's device: pci_0000_3d_00_4 */
    char *path;          /* in sysfs */
    const char *address; /* the kernel's name, within `path`: 0000:3d:00.4 */
    guint64 inode;
} MdVgpuTarget;

MdVgpuTarget *md_vgpu_target_new(const MdNodeDevice *function);
void md_vgpu_target_free(MdVgpuTarget *self);

/* A function opened for the calls of its vendor. */
typedef struct {
    MdSysfsDir *dir;
    const MdVendor *vendor;
    gpointer card;
    gboolean borrows_card; /* `card` belongs to another function's access */
} MdVgpuAccess;

/* Opens a function and its card; borrows the card of `sibling`, which must outlive the result,
 * unless this is NULL. VIR_ERR_NO_NODE_DEVICE if the function has gone;
 * VIR_ERR_OPERATION_UNSUPPORTED if its driver does not offer vGPUs at the moment. */
MdVgpuAccess *
md_vgpu_access_open(const MdVgpuTarget *target, const MdVgpuAccess *sibling, GError **error);
/* Whether the function still has the vGPU with this id of a type. VIR_ERR_NO_NODE_DEVICE if not. */
gboolean md_vgpu_access_check_type(const MdVgpuAccess *self,
                                   const MdVgpuTarget *target,
                                   const char *type_id,
                                   GError **error);

/* Sets parameters (of MdMdevAttr) in order, up to the first failure, which names the parameter;
 * adds the number of parameters set to `n_set`. */
gboolean md_vgpu_access_set_parameters(const MdVgpuAccess *self,
                                       GPtrArray *attrs,
                                       guint *n_set,
                                       GError **error);
void md_vgpu_access_free(MdVgpuAccess *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdVgpuTarget, md_vgpu_target_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdVgpuAccess, md_vgpu_access_free)
