/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "rpc/client.h"

#include "rpc/keepalive.h"
#include "util/source.h"

/* Bytes taken from a socket at once. */
#define CHUNK 65536

/* Messages handed out before the other clients have a turn. */
#define MESSAGES_PER_TURN 16

/*
 * Messages read ahead of their turn, so that a client with many slow calls has its pings answered.
 * Beyond this nothing is read until a call has been answered.
 */
#define HELD_MESSAGES 64
#define HELD_BYTES    (1024 * 1024)

/*
 * What a client may leave unread before it gets no more answers: frames, as small ones cost more
 * than their bytes, and bytes. One answer may be as long as it likes.
 */
#define UNREAD_FRAMES 1024
#define UNREAD_BYTES  (256 * 1024)

struct _MdClient {
    GObject parent;

    const MdSettings *settings;
    const MdClientFuncs *funcs;
    gpointer data;
    GSocket *socket;
    gboolean closed;

    MdMessageReader *reader;
    GQueue held; /* of MdMessage */
    gsize held_bytes;
    guint n_calls;
    gboolean reading; /* messages may be handed out */
    gboolean alone;   /* until a call has been answered */
    gboolean in_turn; /* what has changed is looked at when the turn ends */
    GSource *in;
    GSource *turn;       /* due at once: messages are held that may be handed out */
    GSource *half_frame; /* timeout */

    GBytes *pong;
    GQueue queue;      /* of GBytes */
    gsize queued;      /* bytes in the queue */
    gsize head_offset; /* bytes of its head that are sent */
    GSource *out;
    gboolean close_when_sent;

    gboolean has_keepalive;
    MdKeepalive *keepalive; /* NULL: no pings */
};

G_DEFINE_FINAL_TYPE(MdClient, md_client, G_TYPE_OBJECT)

static void update_sources(MdClient *self);


static void
release(MdClient *self)
{
    md_source_clear(&self->in);
    md_source_clear(&self->turn);
    md_source_clear(&self->half_frame);
    md_source_clear(&self->out);
    g_clear_pointer(&self->keepalive, md_keepalive_free);
    g_queue_clear_full(&self->held, (GDestroyNotify)md_message_free);
    g_queue_clear_full(&self->queue, (GDestroyNotify)g_bytes_unref);
    self->held_bytes = 0;
    self->queued = 0;
}


static GBytes *
encode_keepalive(int procedure)
{
    const md_header header = { .prog = MD_PROGRAM_KEEPALIVE,
                               .vers = MD_PROGRAM_VERSION,
                               .proc = procedure,
                               .type = MD_MESSAGE_EVENT };

    return md_message_encode(&header, NULL, NULL, NULL);
}


static void
md_client_dispose(GObject *object)
{
    MdClient *self = MD_CLIENT(object);

    self->closed = TRUE;
    release(self);
    g_clear_pointer(&self->reader, md_message_reader_free);
    g_clear_pointer(&self->pong, g_bytes_unref);
    g_clear_object(&self->socket);
    G_OBJECT_CLASS(md_client_parent_class)->dispose(object);
}


static void
md_client_class_init(MdClientClass *klass)
{
    G_OBJECT_CLASS(klass)->dispose = md_client_dispose;
}


static void
md_client_init(MdClient *self)
{
    self->reader = md_message_reader_new();
    self->pong = encode_keepalive(MD_KEEPALIVE_PONG);
    g_queue_init(&self->held);
    g_queue_init(&self->queue);
}


void
md_client_close(MdClient *self)
{
    if (self->closed)
        return;

    g_object_ref(self);
    self->closed = TRUE;
    release(self);
    g_socket_close(self->socket, NULL);
    if (self->funcs != NULL)
        self->funcs->closed(self, self->data);
    g_object_unref(self);
}


static void
cut_off(MdClient *self, const char *cause)
{
    g_info("cutting off a client: %s", cause);
    md_client_close(self);
}


/* Sends what the socket takes; FALSE if it takes no more now, or never. */
static gboolean
send_queued(MdClient *self, GError **error)
{
    while (!g_queue_is_empty(&self->queue)) {
        GBytes *head = g_queue_peek_head(&self->queue);
        gsize size = 0;
        const char *bytes = g_bytes_get_data(head, &size);
        gssize sent = g_socket_send(self->socket, bytes + self->head_offset,
                                    size - self->head_offset, NULL, error);

        if (sent < 0)
            return FALSE;
        self->head_offset += (gsize)sent;
        self->queued -= (gsize)sent;
        if (self->head_offset == size) {
            g_bytes_unref(g_queue_pop_head(&self->queue));
            self->head_offset = 0;
        }
    }
    return TRUE;
}


static void
flush(MdClient *self)
{
    g_autoptr(GError) error = NULL;

    if (self->closed)
        return;
    if (!send_queued(self, &error)) {
        if (!g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
            cut_off(self, error->message);
    } else if (self->close_when_sent) {
        md_client_close(self);
    }
}


void
md_client_send(MdClient *self, GBytes *frame)
{
    g_autoptr(MdClient) guard G_GNUC_UNUSED = g_object_ref(self);
    gsize size = g_bytes_get_size(frame);

    if (self->closed)
        return;

    /* One frame may be as long as it likes; more of them must have been left unread. */
    if (self->queued > 0 && self->queued + size > self->settings->max_queued_bytes)
        flush(self);
    if (self->queued > 0 && self->queued + size > self->settings->max_queued_bytes) {
        cut_off(self, "too much is left unread");
        return;
    }
    if (self->closed)
        return;

    g_queue_push_tail(&self->queue, g_bytes_ref(frame));
    self->queued += size;
    /* Mostly there is room. Whoever sends does not expect to lose the client by it: an error comes
     * again when the loop next looks at the socket. */
    if (!self->in_turn)
        send_queued(self, NULL);
    update_sources(self);
}


/* FALSE if a message is not the keepalive's. */
static gboolean
handle_keepalive(MdClient *self, const md_header *header)
{
    if (header->prog != MD_PROGRAM_KEEPALIVE || header->vers != MD_PROGRAM_VERSION ||
        header->type != MD_MESSAGE_EVENT)
        return FALSE;

    /* One pong answers all pings that came before it has been read. */
    if (header->proc == MD_KEEPALIVE_PING && g_queue_peek_tail(&self->queue) != self->pong)
        md_client_send(self, self->pong);
    return TRUE;
}


static gboolean
can_hold(MdClient *self)
{
    return self->held.length < HELD_MESSAGES && self->held_bytes < HELD_BYTES;
}


/* A client that does not read its answers gets no more of them; events may come on top. */
static gboolean
can_hand_out(MdClient *self)
{
    return self->reading && !self->alone && self->n_calls < self->settings->max_client_requests &&
           self->queue.length < UNREAD_FRAMES &&
           self->queued <= MIN(UNREAD_BYTES, self->settings->max_queued_bytes / 2);
}


/* Makes messages of what has been read. */
static void
parse(MdClient *self)
{
    while (!self->closed && can_hold(self)) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MdMessage) message = md_message_reader_next(self->reader, &error);

        if (error != NULL) {
            cut_off(self, error->message);
            return;
        }
        if (message == NULL)
            return;

        md_source_clear(&self->half_frame);
        if (!handle_keepalive(self, &message->header)) {
            self->held_bytes += g_bytes_get_size(message->payload);
            g_queue_push_tail(&self->held, g_steal_pointer(&message));
        }
    }
}


static void
hand_out(MdClient *self)
{
    for (guint i = 0; i < MESSAGES_PER_TURN && can_hand_out(self); i++) {
        g_autoptr(MdMessage) message = g_queue_pop_head(&self->held);

        if (message == NULL)
            return;
        self->held_bytes -= g_bytes_get_size(message->payload);
        self->funcs->message(self, message, self->data);
        if (self->closed)
            return;
    }
}


/* One round for this client: what is there, in order, and the answers at once. */
static void
take_turn(MdClient *self)
{
    self->in_turn = TRUE;
    parse(self);
    if (!self->closed)
        hand_out(self);
    if (!self->closed)
        parse(self);
    flush(self);
    self->in_turn = FALSE;
    update_sources(self);
}


static gboolean
on_turn(gpointer user_data)
{
    g_autoptr(MdClient) self = g_object_ref(user_data);

    md_source_clear(&self->turn);
    take_turn(self);
    return G_SOURCE_REMOVE;
}


static gboolean
on_readable(GSocket *socket, GIOCondition condition G_GNUC_UNUSED, gpointer user_data)
{
    g_autoptr(MdClient) self = g_object_ref(user_data);
    g_autoptr(GError) error = NULL;
    char chunk[CHUNK];
    gssize got = g_socket_receive(socket, chunk, sizeof(chunk), NULL, &error);

    if (got == 0) {
        md_client_close(self);
    } else if (got > 0) {
        if (self->keepalive != NULL)
            md_keepalive_touch(self->keepalive);
        md_message_reader_feed(self->reader, (const guint8 *)chunk, (gsize)got);
        take_turn(self);
    } else if (!g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
        cut_off(self, error->message);
    }
    return G_SOURCE_CONTINUE;
}


static gboolean
on_writable(GSocket *socket G_GNUC_UNUSED, GIOCondition condition G_GNUC_UNUSED, gpointer user_data)
{
    g_autoptr(MdClient) self = g_object_ref(user_data);

    flush(self);
    update_sources(self);
    return G_SOURCE_CONTINUE;
}


static gboolean
on_half_frame(gpointer user_data)
{
    cut_off(user_data, "it has sent half a frame and no more");
    return G_SOURCE_CONTINUE;
}


static void
set_socket_source(MdClient *self,
                  GSource **source,
                  GIOCondition condition,
                  GSocketSourceFunc func,
                  gboolean wanted)
{
    if (!wanted)
        md_source_clear(source);
    else if (*source == NULL)
        *source = md_source_attach(g_socket_create_source(self->socket, condition, NULL),
                                   G_SOURCE_FUNC(func), self);
}


/* Waits for exactly what can be gone on with. */
static void
update_sources(MdClient *self)
{
    gboolean can_read = FALSE;

    if (self->closed || self->in_turn)
        return;

    can_read = can_hold(self);
    if (self->keepalive != NULL)
        md_keepalive_set_paused(self->keepalive, !can_read);
    set_socket_source(self, &self->in, G_IO_IN, on_readable, self->funcs != NULL && can_read);
    set_socket_source(self, &self->out, G_IO_OUT, on_writable,
                      !g_queue_is_empty(&self->queue) || self->close_when_sent);

    if (g_queue_is_empty(&self->held) || !can_hand_out(self))
        md_source_clear(&self->turn);
    else if (self->turn == NULL)
        self->turn = md_source_attach(g_timeout_source_new(0), on_turn, self);

    if (!can_read || !md_message_reader_is_midway(self->reader))
        md_source_clear(&self->half_frame);
    else if (self->half_frame == NULL)
        self->half_frame = md_source_attach(g_timeout_source_new(self->settings->frame_timeout),
                                            on_half_frame, self);
}


MdClient *
md_client_new(GSocket *socket, const MdSettings *settings)
{
    MdClient *self = g_object_new(MD_TYPE_CLIENT, NULL);

    self->socket = g_object_ref(socket);
    self->settings = settings;
    g_socket_set_blocking(socket, FALSE);
    return self;
}


void
md_client_start(MdClient *self, const MdClientFuncs *funcs, gpointer data)
{
    self->funcs = funcs;
    self->data = data;
    self->reading = TRUE;
    update_sources(self);
}


void
md_client_begin_call(MdClient *self)
{
    self->n_calls++;
}


void
md_client_end_call(MdClient *self)
{
    self->n_calls--;
    update_sources(self);
}


void
md_client_set_alone(MdClient *self, gboolean alone)
{
    self->alone = alone;
    update_sources(self);
}


guint
md_client_count_calls(MdClient *self)
{
    return self->n_calls;
}


static void
on_ping_due(gpointer data)
{
    g_autoptr(GBytes) ping = encode_keepalive(MD_KEEPALIVE_PING);

    md_client_send(data, ping);
}


static void
on_dead(gpointer data)
{
    cut_off(data, "it does not answer the keepalive");
}


static void
restart_keepalive(MdClient *self)
{
    static const MdKeepaliveFuncs funcs = { on_ping_due, on_dead };

    g_clear_pointer(&self->keepalive, md_keepalive_free);
    if (self->has_keepalive && self->settings->keepalive_interval > 0)
        self->keepalive = md_keepalive_new(self->settings->keepalive_interval,
                                           self->settings->keepalive_count, &funcs, self);
}


void
md_client_enable_keepalive(MdClient *self)
{
    if (self->closed || self->has_keepalive)
        return;

    self->has_keepalive = TRUE;
    restart_keepalive(self);
}


void
md_client_reload(MdClient *self)
{
    if (self->closed)
        return;

    restart_keepalive(self);
    update_sources(self);
}


void
md_client_stop_reading(MdClient *self)
{
    self->reading = FALSE;
    update_sources(self);
}


void
md_client_close_when_sent(MdClient *self)
{
    self->reading = FALSE;
    self->close_when_sent = TRUE;
    update_sources(self);
}
