/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Internals of the vGPUs, shared by vgpus.c (looks), vgpu-watch.c (when to look) and vgpu.c
 * (operations). */
#pragma once

#include "vgpu/vgpu-cards.h"
#include "vgpu/vgpu-target.h"
#include "vgpu/vgpus.h"

struct _MdVgpus {
    const MdDriverContext *context;
    MdVgpuCards *cards;
    GHashTable *creating; /* UUIDs of the vGPUs that are being created, borrowed */
    gboolean freed;       /* running looks have no effect */
    guint poll;           /* timer */
};

/* Looks at all functions of a card soon. `lists`: also reads which types they can take. */
void md_vgpus_look_at_card(MdVgpus *self, MdVgpuCard *card, gboolean lists);

/* Whether all functions of a card are registered as parents. */
gboolean md_vgpus_is_complete(MdVgpus *self, const MdVgpuCard *card);

/* Begin and end of a write to functions (of MdNodeDevice). */
void md_vgpus_begin_write(MdVgpus *self, GPtrArray *functions);
void md_vgpus_end_write(MdVgpus *self, GPtrArray *functions);

/* Registers the vGPU that a write has created. NULL if the function has gone, even if another one
 * has its path, or offers no vGPUs any more, or if a signal handler has removed the vGPU. */
MdNodeDevice *md_vgpus_add(MdVgpus *self,
                           const MdVgpuTarget *target,
                           const char *type_id,
                           const char *uuid,
                           int iommu_group,
                           GPtrArray *attrs);
/* Removes the vGPU of the function at a path, if it is registered. */
void md_vgpus_remove(MdVgpus *self, const char *path);

/* Start and stop of the events and timers that cause looks. */
void md_vgpu_watch_start(MdVgpus *self);
void md_vgpu_watch_stop(MdVgpus *self);

/* After a write: looks at all functions of the card, whose choice may have changed. */
void md_vgpu_watch_look_soon(MdVgpus *self, MdVgpuCard *card);
