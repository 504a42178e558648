/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads which functions of a card have a vGPU, and which types they can take. No event reports a
 * change of either. For a worker. */
#pragma once

#include "util/settings.h"
#include "vgpu/vgpu-record.h"
#include "vgpu/vgpu-target.h"

/* One function. */
typedef struct {
    MdVgpuTarget *target;
    gboolean is_known;    /* the following has been read */
    gboolean is_offered;  /* the driver offers vGPUs on the function */
    guint32 number;       /* of the assigned type; 0: none */
    char *type_id;        /* of the assigned type, or NULL */
    MdVgpuRecord *record; /* of the vGPU; NULL: another program has created it */
    int iommu_group;      /* -1: none */
    gboolean has_choice;  /* `choice` has been read */
    guint64 choice;       /* differs if the function can take other types */
} MdVgpuSight;

typedef struct {
    GPtrArray *sights;   /* of MdVgpuSight */
    GPtrArray *accesses; /* of MdVgpuAccess: the first function, whose card the others borrow, and
                          * the current one */
    char *state_dir;
    gboolean lists; /* also reads which types the functions can take, and remembers them */
} MdVgpuLook;

/* Without functions; add them to `sights` by md_vgpu_look_add(). */
MdVgpuLook *md_vgpu_look_new(const MdSettings *settings, gboolean lists);
void md_vgpu_look_add(MdVgpuLook *self, const MdNodeDevice *function);
void md_vgpu_look_free(MdVgpuLook *self);

/* MdWorkerFunc on an MdVgpuLook. Succeeds even if a function cannot be read. */
gboolean md_vgpu_look_run(gpointer look, GError **error);
