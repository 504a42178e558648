/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writing and removing files of definitions off the main loop. What is asked for one file happens
 * in the order of the calls; different files do not wait for each other.
 */
#pragma once

#include <gio/gio.h>

#include "conf/definition.h"
#include "util/owner.h"

/*
 * `definition` NULL removes the file. Errors are those of definition-file.h and of
 * md_definition_format_for_file(); VIR_ERR_INVALID_ARG if parent or UUID cannot be names of files
 * there; and those of util/worker.h, whose `deadline` it is.
 */
void md_definition_write_async(const char *directory,
                               const char *parent_addr,
                               const char *uuid,
                               MdDefinition *definition,
                               guint deadline,
                               MdOwner *owner,
                               GAsyncReadyCallback callback,
                               gpointer user_data);
gboolean md_definition_write_finish(GAsyncResult *result, GError **error);
