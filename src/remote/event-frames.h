/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Encodes events. Clients with the same callback id share one frame, which is encoded and stored
 * once.
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
