/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device as described by a document, before any action. */
#pragma once

#include "backend/backend.h"
#include "node_device/driver.h"

struct _MdDraft {
    MdNodeDeviceDef *def;
    const MdBackend *backend; /* serves the device */
};

/* The backend of a document, or NULL with an error. */
typedef const MdBackend *(*MdDraftFindBackend)(const MdDriverContext *context,
                                               const MdNodeDeviceDef *def,
                                               GError **error);

/* See md_driver_read_document(). `validate`: also validate the document against libvirt's
 * schema. */
void md_draft_read(const char *document,
                   gboolean validate,
                   MdDraftFindBackend find,
                   const MdDriverContext *context,
                   MdOwner *owner,
                   MdDraftFunc func,
                   gpointer user_data);
