/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Formats documents at once if they need no answer from a driver or script; most documents need
 * none. */
#pragma once

#include "backend/backend.h"
#include "conf/cap-mdev.h"

/* The capability of an active mediated device whose attributes scripts may report; NULL for any
 * other device. */
const MdCapMdev *
md_document_get_scripted(const MdDriverContext *context, const MdNodeDeviceDef *def);

/* Like md_documents_make(), but returns the document; G_IO_ERROR_WOULD_BLOCK if an answer from a
 * driver or script is needed. */
char *md_document_make_now(const MdDriverContext *context,
                           MdNodeDeviceDef *def,
                           guint64 inode,
                           GError **error);
