/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Worker jobs that query an adapter, and that create or delete one of its virtual ports. A job uses
 * no state of the main loop: an MdVhbaWrite is immutable, and identifies the devices by the inodes
 * of their directories in sysfs, so a job never accesses another device at the same path.
 */
#pragma once

#include "registry/node-device.h"

typedef struct _MdVhbaWrite MdVhbaWrite;

/* Creates a port with these names on `parent`; if `fabric` is not NULL, only if the adapter is
 * connected to this fabric. */
MdVhbaWrite *md_vhba_write_new_create(MdNodeDevice *parent,
                                      const char *wwnn,
                                      const char *wwpn,
                                      const char *fabric);
/* Deletes the port of the adapter `device`. */
MdVhbaWrite *md_vhba_write_new_delete(MdNodeDevice *parent, MdNodeDevice *device);
void md_vhba_write_free(MdVhbaWrite *self);

/* MdWorkerFunc. Whether the parent is online, connected to the right fabric, and has free ports. */
gboolean md_vhba_write_check(gpointer write, GError **error);

/* MdWorkerFunc. */
gboolean md_vhba_write_create(gpointer write, GError **error);
gboolean md_vhba_write_delete(gpointer write, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdVhbaWrite, md_vhba_write_free)
