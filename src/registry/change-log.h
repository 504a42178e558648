/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Logs one line for each device that appears or disappears, and for each definition that is added
 * or removed, if caused by others: another program, the kernel, an administrator with an editor.
 * Changes made by the daemon are logged by the caller, who knows on whose behalf they are made.
 */
#pragma once

#include "registry/registry.h"

typedef struct _MdChangeLog MdChangeLog;

/* Logs nothing until md_change_log_start(): what exists at the start is not a change. */
MdChangeLog *md_change_log_new(MdRegistry *registry);
void md_change_log_free(MdChangeLog *self);
void md_change_log_start(MdChangeLog *self);

/* From begin to end, changes of the device of this name are the daemon's own. A device being
 * created may have no name yet; then the alias of its kind (MdCapKind) is passed. Calls nest. */
void md_change_log_begin(MdChangeLog *self, const char *name);
void md_change_log_end(MdChangeLog *self, const char *name);
