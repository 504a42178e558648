/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When to look at functions. No event reports that a driver has begun to offer vGPUs, or that types
 * were assigned: a look follows each event near a function, and is repeated at growing intervals.
 */
#include "config.h"

#include <string.h>

#include "util/names.h"
#include "vgpu/vgpus-private.h"

/* Milliseconds before the first look: in the instant in which a driver creates its files, a reader
 * may hang for ever. */
#define FIRST_DELAY 100

/* Milliseconds between a write and the look at the siblings of its function. The reply to the
 * client comes first. */
#define SIBLINGS_DELAY 5

typedef struct {
    MdVgpus *vgpus;
    MdVgpuCard *card;
} Timer;


static gboolean
on_timer(gpointer data)
{
    const Timer *timer = data;
    MdVgpuCard *card = timer->card;
    gint64 now = g_get_monotonic_time();

    card->timer = 0;
    /* The look at the daemon's start has found everything. */
    if (!card->had_event && md_vgpus_is_complete(timer->vgpus, card))
        return G_SOURCE_REMOVE;
    md_vgpus_look_at_card(timer->vgpus, card, TRUE);
    card->had_event = FALSE;
    card->delay *= 2;
    if (!md_vgpus_is_complete(timer->vgpus, card) &&
        now + (gint64)card->delay * G_TIME_SPAN_MILLISECOND < card->end) {
        Timer *next = g_new0(Timer, 1);

        *next = *timer;
        card->timer = g_timeout_add_full(G_PRIORITY_DEFAULT, card->delay, on_timer, next, g_free);
    }
    return G_SOURCE_REMOVE;
}


/* Looks at all functions of the card at growing intervals from now on. */
static void
settle(MdVgpus *self, MdVgpuCard *card)
{
    Timer *timer = g_new0(Timer, 1);

    g_clear_handle_id(&card->timer, g_source_remove);
    timer->vgpus = self;
    timer->card = card;
    card->delay = FIRST_DELAY;
    card->end = g_get_monotonic_time() +
                (gint64)self->context->settings->vgpu_settle * G_TIME_SPAN_MILLISECOND;
    card->timer = g_timeout_add_full(G_PRIORITY_DEFAULT, card->delay, on_timer, timer, g_free);
}


static gboolean
on_soon(gpointer data)
{
    const Timer *timer = data;

    timer->card->soon = 0;
    md_vgpus_look_at_card(timer->vgpus, timer->card, TRUE);
    return G_SOURCE_REMOVE;
}


void
md_vgpu_watch_look_soon(MdVgpus *self, MdVgpuCard *card)
{
    Timer *timer = NULL;

    if (card->soon != 0)
        return;
    timer = g_new0(Timer, 1);
    timer->vgpus = self;
    timer->card = card;
    card->soon = g_timeout_add_full(G_PRIORITY_DEFAULT, SIBLINGS_DELAY, on_soon, timer, g_free);
}


static void
on_device(MdRegistry *registry G_GNUC_UNUSED, MdNodeDevice *device, MdVgpus *self)
{
    MdVgpuCard *card = md_vgpu_cards_add(self->cards, device);

    if (card != NULL)
        settle(self, card);
    else if (device->def->path != NULL && !device->def->shares_path &&
             md_vgpu_cards_find_function(self->cards, device->def->path) == NULL)
        md_vgpus_remove(self, device->def->path);
}


static void
on_deleted(MdRegistry *registry G_GNUC_UNUSED, MdNodeDevice *device, MdVgpus *self)
{
    md_vgpu_cards_remove(self->cards, device);
}


/* The function with a VFIO device at this path: FUNCTION/vfio-dev/vfio3. */
static MdVgpuFunction *
find_of_vfio(MdVgpus *self, const char *path)
{
    g_autofree char *above = g_path_get_dirname(path);
    g_autofree char *function = g_path_get_dirname(above);

    return g_str_has_suffix(above, "/" MD_ATTR_VFIO_DEV)
               ? md_vgpu_cards_find_function(self->cards, function)
               : NULL;
}


static void
on_event(MdInventory *inventory G_GNUC_UNUSED, const char *path, MdVgpus *self)
{
    MdVgpuCard *card = md_vgpu_cards_find(self->cards, path);
    const MdVgpuFunction *function = NULL;

    if (card == NULL) {
        function = md_vgpu_cards_find_function(self->cards, path);
        if (function == NULL)
            function = find_of_vfio(self, path);
        card = function != NULL ? function->card : NULL;
    }
    if (card != NULL) {
        card->had_event = TRUE;
        settle(self, card);
    }
}


static void
look_at_all_cards(MdVgpus *self)
{
    g_autoptr(GList) cards = g_hash_table_get_values(self->cards->by_path);

    for (GList *link = cards; link != NULL; link = link->next)
        md_vgpus_look_at_card(self, link->data, TRUE);
}


static void
on_compared(MdInventory *inventory G_GNUC_UNUSED, MdVgpus *self)
{
    look_at_all_cards(self);
}


static gboolean
on_poll(gpointer data)
{
    look_at_all_cards(data);
    return G_SOURCE_CONTINUE;
}


void
md_vgpu_watch_start(MdVgpus *self)
{
    MdRegistry *registry = self->context->registry;
    guint poll = self->context->settings->vgpu_poll;

    g_signal_connect(registry, "created", G_CALLBACK(on_device), self);
    g_signal_connect(registry, "updated", G_CALLBACK(on_device), self);
    g_signal_connect(registry, "deleted", G_CALLBACK(on_deleted), self);
    g_signal_connect(self->context->inventory, "event", G_CALLBACK(on_event), self);
    g_signal_connect(self->context->inventory, "compared", G_CALLBACK(on_compared), self);
    if (poll > 0)
        self->poll = g_timeout_add(poll, on_poll, self);
}


void
md_vgpu_watch_stop(MdVgpus *self)
{
    g_clear_handle_id(&self->poll, g_source_remove);
    g_signal_handlers_disconnect_by_data(self->context->registry, self);
    g_signal_handlers_disconnect_by_data(self->context->inventory, self);
    md_vgpu_cards_stop(self->cards);
}
