/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One line in the log for each device that comes or goes, and for each definition that is made or
 * removed, by somebody other than the daemon: another program, the kernel, an administrator with an
 * editor. What the daemon does itself is logged by its caller, who knows for whom it is done.
 */
#pragma once

#include "registry/registry.h"

typedef struct _MdChangeLog MdChangeLog;

/* Silent until md_change_log_start(): what is there at the start is no change. */
MdChangeLog *md_change_log_new(MdRegistry *registry);
void md_change_log_free(MdChangeLog *self);
void md_change_log_start(MdChangeLog *self);

/*
 * From begin to end, changes of the device of this name are the daemon's own. One that is being
 * created may have none yet; the alias of its kind (MdCapKind) takes the place. Calls nest.
 */
void md_change_log_begin(MdChangeLog *self, const char *name);
void md_change_log_end(MdChangeLog *self, const char *name);
