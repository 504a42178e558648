/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes and removes definition files on workers. Operations on one file run in the order of the
 * calls; operations on different files do not wait for each other. */
#pragma once

#include <gio/gio.h>

#include "conf/definition.h"
#include "util/owner.h"

/* `definition` NULL: removes the file. Errors are those of definition-file.h, of
 * md_definition_format_for_file(), and of util/worker.h, which enforces `deadline`;
 * VIR_ERR_INVALID_ARG if the parent or the UUID is not a valid file name. */
void md_definition_write_async(const char *directory,
                               const char *parent_addr,
                               const char *uuid,
                               MdDefinition *definition,
                               guint deadline,
                               MdOwner *owner,
                               GAsyncReadyCallback callback,
                               gpointer user_data);
gboolean md_definition_write_finish(GAsyncResult *result, GError **error);
