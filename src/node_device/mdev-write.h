/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The writes that make and end a mediated device, as jobs for a worker: each knows by itself all
 * that it needs and touches nothing of the main loop. It works through the directory of the very
 * device that was looked up.
 */
#pragma once

#include "node_device/node-device.h"

typedef struct _MdMdevWrite MdMdevWrite;

/* What `def` asks for, below `parent`; without a UUID in `def` a random one. */
MdMdevWrite *md_mdev_write_new_create(MdNodeDevice *parent, const MdNodeDeviceDef *def);
MdMdevWrite *md_mdev_write_new_remove(MdNodeDevice *device);
void md_mdev_write_free(MdMdevWrite *self);

/* Lower case with dashes: the name of the directory that will be there. */
const char *md_mdev_write_get_uuid(MdMdevWrite *self);

/*
 * MdWorkerFunc. Finds the type, writes the UUID, then the attributes in order; if one of them fails
 * the device is removed again and the error says which.
 */
gboolean md_mdev_write_create(gpointer write, GError **error);

/* MdWorkerFunc. Refused at once if a VFIO user holds the device, as the write would wait for that
 * user. */
gboolean md_mdev_write_remove(gpointer write, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdMdevWrite, md_mdev_write_free)
