/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Logs one line for each device that appears or disappears, and for each definition that is added
 * or removed. Changes made by the daemon are left out: the caller logs these, and knows on whose
 * behalf they are made. */
#pragma once

#include "registry/registry.h"

typedef struct _MdChangeLog MdChangeLog;

/* Logs nothing before md_change_log_start(), because the devices and definitions found at the start
 * are not changes. */
MdChangeLog *md_change_log_new(MdRegistry *registry);
void md_change_log_free(MdChangeLog *self);
void md_change_log_start(MdChangeLog *self);

/* From begin to end, changes of the device with this name count as the daemon's own. A device that
 * gets its name only when it is created is identified by its alias instead, see MdCapKind. Calls
 * nest. */
void md_change_log_begin(MdChangeLog *self, const char *name);
void md_change_log_end(MdChangeLog *self, const char *name);
