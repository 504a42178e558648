/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "remote/event-frames.h"

#include <libvirt/libvirt.h>

#include "rpc/message.h"

/* Number of cached frames of the last event, by callback id. Ids begin at 0 in each session, so
 * most are small. */
#define SLOTS 8

struct _MdEventFrames {
    char *device; /* NULL: there has been no event */
    int event;
    int detail;
    GBytes *frames[SLOTS];
};


MdEventFrames *
md_event_frames_new(void)
{
    return g_new0(MdEventFrames, 1);
}


static void
event_frames_clear(MdEventFrames *self)
{
    g_clear_pointer(&self->device, g_free);
    for (guint i = 0; i < SLOTS; i++)
        g_clear_pointer(&self->frames[i], g_bytes_unref);
}


void
md_event_frames_free(MdEventFrames *self)
{
    if (self == NULL)
        return;

    event_frames_clear(self);
    g_free(self);
}


static GBytes *
encode_event(const char *device, int event, int detail, int callback, GError **error)
{
    const md_lifecycle_event lifecycle = { callback, (char *)device, detail, 0 };
    const md_update_event update = { callback, (char *)device };
    md_header header = { .prog = MD_PROGRAM_REMOTE,
                         .vers = MD_PROGRAM_VERSION,
                         .type = MD_MESSAGE_EVENT };

    if (event == VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE) {
        header.proc = MD_PROC_EVENT_LIFECYCLE;
        return md_message_encode(&header, MD_XDR(md_lifecycle_event), &lifecycle, error);
    }
    header.proc = MD_PROC_EVENT_UPDATE;
    return md_message_encode(&header, MD_XDR(md_update_event), &update, error);
}


static void
set_event(MdEventFrames *self, const char *device, int event, int detail)
{
    if (g_strcmp0(self->device, device) == 0 && self->event == event && self->detail == detail)
        return;

    event_frames_clear(self);
    self->device = g_strdup(device);
    self->event = event;
    self->detail = detail;
}


GBytes *
md_event_frames_get(
    MdEventFrames *self, const char *device, int event, int detail, int callback, GError **error)
{
    if (callback >= SLOTS)
        return encode_event(device, event, detail, callback, error);

    set_event(self, device, event, detail);
    if (self->frames[callback] == NULL)
        self->frames[callback] = encode_event(device, event, detail, callback, error);
    return self->frames[callback] != NULL ? g_bytes_ref(self->frames[callback]) : NULL;
}
