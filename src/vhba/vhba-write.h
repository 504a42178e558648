/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is asked of and written to the adapter below which a virtual port is made or ended, as jobs
 * for a worker: an object never changes, and touches nothing of the main loop. Jobs work through
 * the directory of the very devices that were looked up.
 */
#pragma once

#include "registry/node-device.h"

typedef struct _MdVhbaWrite MdVhbaWrite;

/* A port with these names below `parent`; `fabric`: only if that adapter is of this one. */
MdVhbaWrite *md_vhba_write_new_create(MdNodeDevice *parent,
                                      const char *wwnn,
                                      const char *wwpn,
                                      const char *fabric);
/* Ends the port of the adapter `device`. */
MdVhbaWrite *md_vhba_write_new_delete(MdNodeDevice *parent, MdNodeDevice *device);
void md_vhba_write_free(MdVhbaWrite *self);

/* MdWorkerFunc. Whether the parent is connected, of the right fabric, and has room. */
gboolean md_vhba_write_check(gpointer write, GError **error);

/* MdWorkerFunc. */
gboolean md_vhba_write_create(gpointer write, GError **error);
gboolean md_vhba_write_delete(gpointer write, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdVhbaWrite, md_vhba_write_free)
