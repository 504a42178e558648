/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Logs one line for each device that appears or disappears, and for each definition that is added
 * or removed, if caused by others: another program, the kernel, an administrator with an editor.
 * Changes made by the daemon are logged by the caller, who knows on whose behalf they are made.
 */
#pragma once

#include "registry/registry.h"

typedef struct _MdChangeLog MdChangeLog;

/* Logs nothing before md_change_log_start(): devices and definitions found at the start are no
 * changes. */
MdChangeLog *md_change_log_new(MdRegistry *registry);
void md_change_log_free(MdChangeLog *self);
void md_change_log_start(MdChangeLog *self);

/* From begin to end, changes of the device of this name are the daemon's own. For a device that has
 * no name before its creation, pass its alias (see MdCapKind). Calls nest. */
void md_change_log_begin(MdChangeLog *self, const char *name);
void md_change_log_end(MdChangeLog *self, const char *name);
