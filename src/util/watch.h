/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Watches directories with inotify and emits signals on the main loop:
 *
 *   "event" (int id, const char *name, MdWatchEvent event)
 *   "lost"  ()  events have been lost: everything must be read again
 *
 * An event only says where to look: the entry may have changed again.
 */
#pragma once

#include <glib-object.h>

typedef enum {
    MD_WATCH_BEGUN, /* created, or its mode changed; a file may still be written */
    MD_WATCH_DONE,  /* written and closed, moved in or out, or removed */
    MD_WATCH_GONE,  /* the directory itself, which ends the watch; `name` is NULL */
} MdWatchEvent;

#define MD_TYPE_WATCH (md_watch_get_type())
G_DECLARE_FINAL_TYPE(MdWatch, md_watch, MD, WATCH, GObject)

MdWatch *md_watch_new(void);

/* To be called once, before anything is watched. */
gboolean md_watch_start(MdWatch *self, GError **error);

/*
 * Watches an open directory, which may be closed afterwards. Returns an id greater than 0, or -1
 * with an error (the kernel's errno). A directory that is added again keeps its id. Any thread may
 * call this; events with the id may arrive before the call returns.
 */
int md_watch_add(MdWatch *self, int directory, GError **error);

/* No further event has this id. Unknown ids are ignored. */
void md_watch_remove(MdWatch *self, int id);

/* Emits pending events now, up to as many as one iteration of the main loop would. */
void md_watch_process(MdWatch *self);
