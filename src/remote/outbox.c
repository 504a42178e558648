/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "remote/outbox.h"

#include "protocol/text.h"
#include "rpc/handover.h"
#include "util/error.h"

/* Maximum number of concurrent checks for one client's events. */
#define WINDOW 8

/* Number of frames from the front of the queue that are checked in advance. */
#define REACH 64

/* Overhead of a waiting frame beside its bytes. */
#define ITEM_COST 256

typedef enum {
    STATE_WAITING,
    STATE_ASKED,
    STATE_GRANTED,
    STATE_REFUSED,
} State;

/* A frame. A frame under authorization is also referenced by the pending check. */
typedef struct {
    MdOutbox *outbox; /* while polkit checks the frame */
    gint64 asked;     /* monotonic time of the request to polkit */
    State state;
    GBytes *frame;
    MdIdentity *who;
    MdOwner *owner;
    char *device;
    void (*sent)(gpointer data);
    gpointer data;
} Item;

struct _MdOutbox {
    MdClient *client;
    MdAccess *access;
    GQueue items; /* of Item, referenced */
    gsize held;   /* cost of `items` */
    guint n_asked;
    gboolean ended;
    gboolean closing;
};


static void
item_clear(Item *item)
{
    g_bytes_unref(item->frame);
    md_identity_unref(item->who);
    md_owner_unref(item->owner);
    g_free(item->device);
}


static void
item_unref(Item *item)
{
    g_rc_box_release_full(item, (GDestroyNotify)item_clear);
}


G_DEFINE_AUTOPTR_CLEANUP_FUNC(Item, item_unref)


static gsize
get_cost(const Item *item)
{
    return g_bytes_get_size(item->frame) + ITEM_COST;
}


MdOutbox *
md_outbox_new(MdClient *client, MdAccess *access)
{
    MdOutbox *self = g_rc_box_new0(MdOutbox);

    self->client = g_object_ref(client);
    self->access = g_object_ref(access);
    g_queue_init(&self->items);
    return self;
}


static void
outbox_clear(MdOutbox *self)
{
    g_object_unref(self->client);
    g_object_unref(self->access);
}


void
md_outbox_unref(MdOutbox *self)
{
    if (self != NULL)
        g_rc_box_release_full(self, (GDestroyNotify)outbox_clear);
}


/* Removes the first frame; sends it if polkit has authorized it. */
static void
outbox_release_first(MdOutbox *self)
{
    g_autoptr(Item) item = g_queue_pop_head(&self->items);

    self->held -= get_cost(item);
    md_client_release(self->client, get_cost(item));
    if (item->state == STATE_GRANTED)
        md_client_send(self->client, item->frame);
    if (item->sent != NULL)
        item->sent(item->data);
}


void
md_outbox_end(MdOutbox *self)
{
    g_autoptr(MdOutbox) guard G_GNUC_UNUSED = g_rc_box_acquire(self);

    self->ended = TRUE;
    while (!g_queue_is_empty(&self->items)) {
        ((Item *)g_queue_peek_head(&self->items))->state = STATE_REFUSED;
        outbox_release_first(self);
    }
}


static gboolean
is_decided(const Item *item)
{
    return item->state == STATE_GRANTED || item->state == STATE_REFUSED;
}


static void ask_more(MdOutbox *self);


static void
release_decided(MdOutbox *self)
{
    g_autoptr(MdOutbox) guard G_GNUC_UNUSED = g_rc_box_acquire(self);

    while (!g_queue_is_empty(&self->items) && is_decided(g_queue_peek_head(&self->items)))
        outbox_release_first(self);
    if (self->ended)
        return;
    if (!g_queue_is_empty(&self->items))
        ask_more(self);
    else if (self->closing)
        md_client_close_when_sent(self->client);
}


/* Called when polkit does not answer. Otherwise the frames of each further window would wait for
 * another timeout. */
static void
refuse_waiting(MdOutbox *self)
{
    for (GList *link = self->items.head; link != NULL; link = link->next) {
        Item *item = link->data;

        if (item->state == STATE_WAITING)
            item->state = STATE_REFUSED;
    }
}


static gboolean
has_timed_out(MdOutbox *self, const Item *item)
{
    gint64 timeout = md_access_get_settings(self->access)->polkit_timeout;

    return g_get_monotonic_time() - item->asked >= timeout * 1000;
}


static void
on_authorized(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(Item) item = data;
    g_autoptr(MdOutbox) self = g_steal_pointer(&item->outbox);
    g_autoptr(GError) error = NULL;
    gboolean granted = md_access_check_finish(MD_ACCESS(source), result, &error);

    self->n_asked--;
    if (self->ended)
        return;

    item->state = granted ? STATE_GRANTED : STATE_REFUSED;
    if (!granted) {
        g_debug("Event of '%s' not sent: %s", item->device, error->message);
        if (has_timed_out(self, item))
            refuse_waiting(self);
    }
    release_decided(self);
}


static void
ask_more(MdOutbox *self)
{
    GList *link = self->items.head;

    for (guint i = 0; i < REACH && link != NULL && self->n_asked < WINDOW; i++) {
        Item *item = link->data;

        if (item->state == STATE_WAITING) {
            item->state = STATE_ASKED;
            item->outbox = g_rc_box_acquire(self);
            item->asked = g_get_monotonic_time();
            self->n_asked++;
            md_access_check_async(self->access, item->who, MD_MAY_GETATTR, item->device,
                                  item->owner, on_authorized, g_rc_box_acquire(item));
        }
        link = link->next;
    }
}


static Item *
push_item(MdOutbox *self, GBytes *frame, State state)
{
    Item *item = g_rc_box_new0(Item);

    item->state = state;
    item->frame = g_bytes_ref(frame);
    g_queue_push_tail(&self->items, item);
    return item;
}


/* Accounts a queued frame. May disconnect the client, which drops all its frames. */
static void
count_item(MdOutbox *self, const Item *item)
{
    gsize cost = get_cost(item);

    self->held += cost;
    md_client_hold(self->client, cost);
}


void
md_outbox_send(MdOutbox *self, GBytes *frame, void (*sent)(gpointer data), gpointer data)
{
    Item *item = NULL;

    if (g_queue_is_empty(&self->items)) {
        md_client_send(self->client, frame);
        if (sent != NULL)
            sent(data);
        return;
    }
    item = push_item(self, frame, STATE_GRANTED);
    item->sent = sent;
    item->data = data;
    count_item(self, item);
}


void
md_outbox_send_if_visible(
    MdOutbox *self, MdIdentity *who, MdOwner *owner, const char *device, GBytes *frame)
{
    g_autoptr(MdOutbox) guard G_GNUC_UNUSED = g_rc_box_acquire(self);
    Item *item = NULL;

    if (md_access_is_exempt(self->access, who)) {
        md_outbox_send(self, frame, NULL, NULL);
        return;
    }
    if (self->ended)
        return;

    item = push_item(self, frame, STATE_WAITING);
    item->who = md_identity_ref(who);
    item->owner = md_owner_ref(owner);
    item->device = g_strdup(device);
    count_item(self, item);
    if (self->ended)
        return;
    if (self->held > md_access_get_settings(self->access)->max_queued_bytes) {
        g_info("Disconnecting client: too many events wait for polkit");
        md_client_close(self->client);
        return;
    }
    ask_more(self);
}


void
md_outbox_close_when_sent(MdOutbox *self)
{
    if (g_queue_is_empty(&self->items)) {
        md_client_close_when_sent(self->client);
        return;
    }
    self->closing = TRUE;
    md_client_stop_reading(self->client);
}


gboolean
md_outbox_is_closing(MdOutbox *self)
{
    return self->closing;
}


static void
save_item(const Item *item, md_handover_frame *saved)
{
    gsize size = 0;
    gconstpointer bytes = g_bytes_get_data(item->frame, &size);

    md_handover_save_bytes(&saved->bytes, bytes, size);
    if (item->state != STATE_GRANTED)
        saved->device = md_maybe_text_new(item->device);
}


void
md_outbox_save(MdOutbox *self, md_handover_session *state)
{
    guint n = 0;

    state->frames.frames_val = g_new0(md_handover_frame, self->items.length);
    for (GList *link = self->items.head; link != NULL; link = link->next) {
        const Item *item = link->data;

        if (item->state != STATE_REFUSED)
            save_item(item, &state->frames.frames_val[n++]);
    }
    state->frames.frames_len = n;
}


void
md_outbox_restore(MdOutbox *self, MdIdentity *who, MdOwner *owner, const md_handover_session *state)
{
    g_autoptr(MdOutbox) guard G_GNUC_UNUSED = g_rc_box_acquire(self);

    for (guint i = 0; i < state->frames.frames_len && !self->ended; i++) {
        const md_handover_frame *saved = &state->frames.frames_val[i];
        g_autoptr(GBytes) frame =
            g_bytes_new(saved->bytes.md_handover_bytes_val, saved->bytes.md_handover_bytes_len);

        if (saved->device != NULL)
            md_outbox_send_if_visible(self, who, owner, *saved->device, frame);
        else
            md_outbox_send(self, frame, NULL, NULL);
    }
}
