/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Formats the document of a device from current data: read from the kernel, on a worker if a driver
 * is involved, and from mdevctl's scripts if there are any.
 *
 * Clients of one user that request the same document share a job. A job that has begun accepts no
 * further clients, so each document reflects a state after its request. A job is cancelled when all
 * of its clients have disconnected.
 */
#pragma once

#include "backend/backend.h"

/* Running and queued jobs. One per driver. */
typedef struct _MdDocuments MdDocuments;

/* `context` must outlive the object. */
MdDocuments *md_documents_new(const MdDriverContext *context);
void md_documents_free(MdDocuments *self);

/*
 * `def`: the active device, or the device as defined; `inode` as in MdNodeDevice. Calls `done`
 * once, possibly before the function returns; with VIR_ERR_RESOURCE_BUSY if too many operations
 * wait for drivers or scripts.
 */
void md_documents_make(MdDocuments *self,
                       MdNodeDeviceDef *def,
                       guint64 inode,
                       MdOwner *owner,
                       MdDocumentFunc done,
                       gpointer user_data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdDocuments, md_documents_free)
