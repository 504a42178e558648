/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A document that needs nobody to be asked: most documents are read in place, without waiting. */
#pragma once

#include "backend/backend.h"
#include "conf/cap-mdev.h"

/* The capability of an active mediated device whose attributes scripts tell, NULL for all others.
 */
const MdCapMdev *
md_document_get_scripted(const MdDriverContext *context, const MdNodeDeviceDef *def);

/* As md_documents_make(). G_IO_ERROR_WOULD_BLOCK if a driver or a script has to be asked. */
char *md_document_make_now(const MdDriverContext *context,
                           MdNodeDeviceDef *def,
                           guint64 inode,
                           GError **error);
