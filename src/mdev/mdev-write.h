/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The writes that make, change and end a mediated device, as jobs for a worker: each knows by
 * itself all that it needs and touches nothing of the main loop. It works through the directory of
 * the very device that was looked up. Jobs of one object run one after the other; between them the
 * main loop may ask what they have found out.
 */
#pragma once

#include "registry/node-device.h"
#include "util/roots.h"

typedef struct _MdMdevWrite MdMdevWrite;

/* What `def` asks for, below `parent`; without a UUID in `def` a random one. */
MdMdevWrite *md_mdev_write_new_create(MdNodeDevice *parent, const MdNodeDeviceDef *def);
/* While the device has not got all of its attributes, there is a note of it in `directory` (see
 * unfinished.h). */
void md_mdev_write_set_state_dir(MdMdevWrite *self, const char *directory);
MdMdevWrite *md_mdev_write_new_remove(MdNodeDevice *device, MdRoots *roots);
/* Writes `attrs` of MdMdevAttr (copied) into the device. */
MdMdevWrite *md_mdev_write_new_update(MdNodeDevice *device, GPtrArray *attrs);
/* Thread-safe reference count. */
MdMdevWrite *md_mdev_write_ref(MdMdevWrite *self);
void md_mdev_write_unref(MdMdevWrite *self);

/* Lower case with dashes: the name of the directory that will be there. */
const char *md_mdev_write_get_uuid(MdMdevWrite *self);

/* The full id of the type; of a device to be created, once a job has found it out. */
const char *md_mdev_write_get_type(MdMdevWrite *self);

/* Whether a device was created, refused an attribute, and was removed again. */
gboolean md_mdev_write_is_withdrawn(MdMdevWrite *self);

/* How many of the attributes have been written. */
guint md_mdev_write_count_written(MdMdevWrite *self);

/* MdWorkerFunc. Finds the type. */
gboolean md_mdev_write_prepare_create(gpointer write, GError **error);

/* MdWorkerFunc. Refuses if a VFIO user holds the device. */
gboolean md_mdev_write_prepare_remove(gpointer write, GError **error);

/*
 * MdWorkerFunc. Finds the type, writes the UUID, then the attributes in order; if one of them fails
 * the device is removed again and the error says which.
 */
gboolean md_mdev_write_create(gpointer write, GError **error);

/* MdWorkerFunc. Refused at once if a VFIO user holds the device, as the write would wait for that
 * user. */
gboolean md_mdev_write_remove(gpointer write, GError **error);

/* MdWorkerFunc. Writes the attributes in order, up to the first one that is refused. */
gboolean md_mdev_write_update(gpointer write, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdMdevWrite, md_mdev_write_unref)
