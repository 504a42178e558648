/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The writes that create and remove a vGPU, as worker jobs that do not access the main
 * loop's state. Only one write of a card runs at a time, because drivers do not lock between their
 * check and their change. Between two jobs of one write, the main loop may read the results.
 */
#pragma once

#include "conf/node-device.h"
#include "util/settings.h"
#include "vgpu/vgpu-record.h"
#include "vgpu/vgpu-target.h"

typedef struct _MdVgpuWrite MdVgpuWrite;

/* A write that creates the vGPU described by `def` on the first of `functions` (of MdNodeDevice)
 * that can take it, with a random UUID if `def` has none. */
MdVgpuWrite *md_vgpu_write_new_create(const MdSettings *settings,
                                      GPtrArray *functions,
                                      const MdNodeDeviceDef *def);
/* A write that removes the vGPU `def` of a function. */
MdVgpuWrite *md_vgpu_write_new_remove(const MdSettings *settings,
                                      const MdNodeDevice *function,
                                      const MdNodeDeviceDef *def);
/* Thread-safe reference count. */
MdVgpuWrite *md_vgpu_write_ref(MdVgpuWrite *self);
void md_vgpu_write_unref(MdVgpuWrite *self);

/* Results of a creation: the function, borrowed, the full id of the type, and the IOMMU group. They
 * are known once a job has chosen the function. */
const MdVgpuTarget *md_vgpu_write_get_target(MdVgpuWrite *self);
const char *md_vgpu_write_get_type(MdVgpuWrite *self);
int md_vgpu_write_get_group(MdVgpuWrite *self);
const char *md_vgpu_write_get_uuid(MdVgpuWrite *self);

/* Whether the removal failed only because a process of the vendor still holds the vGPU, as it does
 * shortly after the end of a guest. */
gboolean md_vgpu_write_is_busy(MdVgpuWrite *self);

/* Whether the vGPU of the write has gone, although the job may have failed. */
gboolean md_vgpu_write_is_gone(MdVgpuWrite *self);

/* MdWorkerFunc. Resolves the type and chooses the function. */
gboolean md_vgpu_write_prepare_create(gpointer write, GError **error);

/* MdWorkerFunc. Assigns the type, then sets the parameters in order. If a parameter cannot be set,
 * takes the type back and fails with an error that names the parameter. */
gboolean md_vgpu_write_create(gpointer write, GError **error);

/* MdWorkerFunc. Fails if the function is in use. */
gboolean md_vgpu_write_prepare_remove(gpointer write, GError **error);

/* MdWorkerFunc. Takes the type back; fails at once if the function is in use. May be repeated while
 * the vGPU is busy. After an I/O error, the driver must not be asked again, because it may have
 * freed the vGPU already: further attempts are refused. */
gboolean md_vgpu_write_remove(gpointer write, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdVgpuWrite, md_vgpu_write_unref)
