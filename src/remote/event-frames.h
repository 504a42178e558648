/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events as they are sent. Clients whose callbacks have the same id are sent the same frame, which
 * is then encoded and kept in memory once.
 */
#pragma once

#include <glib.h>

typedef struct _MdEventFrames MdEventFrames;

MdEventFrames *md_event_frames_new(void);
void md_event_frames_free(MdEventFrames *self);

/* Event and detail are those of registry/events.h. NULL with an error that names the event. */
GBytes *md_event_frames_get(
    MdEventFrames *self, const char *device, int event, int detail, int callback, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdEventFrames, md_event_frames_free)
