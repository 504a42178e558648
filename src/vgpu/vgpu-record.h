/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Records of the vGPUs that this daemon or a previous one has created: one file per function, in a
 * directory that does not survive a reboot, as the types of functions do not. A record keeps the
 * UUID, which the driver does not know, and tells the next daemon whether the creation was
 * completed. A record applies to one function and one type: it has no effect for a function that
 * was removed and appeared again, or that has another type by now.
 */
#pragma once

#include <glib.h>

typedef enum {
    MD_VGPU_CREATING, /* parameters may be missing */
    MD_VGPU_COMPLETE,
    MD_VGPU_STUCK, /* the driver failed to release the function, and must not be asked again */
    MD_VGPU_N_STATES,
} MdVgpuState;

typedef struct {
    guint64 inode;  /* of the function's sysfs directory */
    guint32 number; /* of the type */
    char *uuid;
    MdVgpuState state;
} MdVgpuRecord;

/* `address` is the kernel's name of the function. Failures are logged: a vGPU without a record has
 * another UUID after a restart of the daemon. */

/* Replaces the record of the function, not atomically. A vGPU without parameters is complete as
 * soon as it exists. */
void md_vgpu_record_write(const char *state_dir, const char *address, const MdVgpuRecord *record);

/* Changes the state of the function's record from MD_VGPU_CREATING to MD_VGPU_COMPLETE,
 * atomically. */
void md_vgpu_record_complete(const char *state_dir, const char *address);

/* Removes the record of the function, if any. */
void md_vgpu_record_remove(const char *state_dir, const char *address);

/* The record of this function with this type, or NULL. */
MdVgpuRecord *
md_vgpu_record_read(const char *state_dir, const char *address, guint64 inode, guint32 number);

void md_vgpu_record_free(MdVgpuRecord *self);

/* The UUID of a vGPU without a record, which is equal on all hosts: UUID version 5 of the address
 * in the X.500 namespace, as in OpenNebula. */
char *md_vgpu_record_make_uuid(const char *address);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdVgpuRecord, md_vgpu_record_free)
