/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The document of a device, made afresh each time: what the kernel says now, read on a worker where
 * a driver has to be asked, and what mdevctl's scripts tell of its attributes if there are any.
 */
#pragma once

#include "node_device/backend.h"

/* `def`: the device as it is, or as it is defined to be; `inode` as of MdNodeDevice. `host` must
 * outlive it. */
void md_document_make_async(const MdBackendHost *host,
                            MdNodeDeviceDef *def,
                            guint64 inode,
                            MdOwner *owner,
                            GAsyncReadyCallback callback,
                            gpointer user_data);
char *md_document_make_finish(GAsyncResult *result, GError **error);
