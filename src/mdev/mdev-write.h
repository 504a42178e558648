/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The writes that create and remove a mediated device, as worker jobs that do not access
 * the main loop's state. They write through the open directory of the device that was looked up.
 * Jobs of one MdMdevWrite run one after the other; between them, the main loop may read the
 * results.
 */
#pragma once

#include "kernel/sysfs.h"
#include "registry/node-device.h"
#include "util/roots.h"

typedef struct _MdMdevWrite MdMdevWrite;

/* A write that creates the device described by `def` on `parent`, with a random UUID if `def` has
 * none. */
MdMdevWrite *md_mdev_write_new_create(MdNodeDevice *parent, const MdNodeDeviceDef *def);
/* Keeps a record of the device in `directory` until its attributes are set, see unfinished.h. */
void md_mdev_write_set_state_dir(MdMdevWrite *self, const char *directory);
/* A write that removes the device. */
MdMdevWrite *md_mdev_write_new_remove(MdNodeDevice *device, MdRoots *roots);
/* Thread-safe reference count. */
MdMdevWrite *md_mdev_write_ref(MdMdevWrite *self);
void md_mdev_write_unref(MdMdevWrite *self);

/* The UUID in lower case with dashes, which is the name of the device's directory. */
const char *md_mdev_write_get_uuid(MdMdevWrite *self);

/* The full id of the type. If the device is to be created, it is known only after a job has
 * resolved the type. */
const char *md_mdev_write_get_type(MdMdevWrite *self);

/* Whether the device was created, and removed again because an attribute could not be written. */
gboolean md_mdev_write_is_withdrawn(MdMdevWrite *self);

/* MdWorkerFunc. Resolves the type. */
gboolean md_mdev_write_prepare_create(gpointer write, GError **error);

/* MdWorkerFunc. Reads the type if it is unknown. Fails if the device is in use through VFIO. */
gboolean md_mdev_write_prepare_remove(gpointer write, GError **error);

/* MdWorkerFunc. Resolves the type, writes the UUID, then the attributes in order. If an attribute
 * cannot be written, removes the device again and fails with an error that names the attribute. */
gboolean md_mdev_write_create(gpointer write, GError **error);

/* MdWorkerFunc. Fails at once if the device is in use through VFIO, because the write would block
 * until all users have closed it. */
gboolean md_mdev_write_remove(gpointer write, GError **error);

/* The write_attrs() of MdDefinitionOps. */
gboolean md_mdev_write_attrs(MdSysfsDir *dir,
                             const MdNodeDeviceDef *def,
                             GPtrArray *attrs,
                             guint *n_written,
                             GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdMdevWrite, md_mdev_write_unref)
