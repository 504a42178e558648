/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The document of a device, made afresh each time: what the kernel says now, read on a worker where
 * a driver has to be asked, and what mdevctl's scripts tell of its attributes if there are any.
 *
 * Clients of one user who want the same document share one job if it has not begun yet: neither a
 * script nor the reading, so that each document says what held after it was asked for. A job is
 * taken back when all of its clients have gone.
 */
#pragma once

#include "backend/backend.h"

/* What is under way. One per driver. */
typedef struct _MdDocuments MdDocuments;

/* `context` must outlive it. */
MdDocuments *md_documents_new(const MdDriverContext *context);
void md_documents_free(MdDocuments *self);

/*
 * `def`: the device as it is, or as it is defined to be; `inode` as of MdNodeDevice. `done` is
 * called once, with VIR_ERR_RESOURCE_BUSY, maybe before this returns, if driver or scripts could
 * not be asked because too many others are.
 */
void md_documents_make(MdDocuments *self,
                       MdNodeDeviceDef *def,
                       guint64 inode,
                       MdOwner *owner,
                       MdDocumentFunc done,
                       gpointer user_data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdDocuments, md_documents_free)
