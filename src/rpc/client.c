/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "rpc/client.h"

#include "rpc/keepalive.h"
#include "rpc/receive-queue.h"
#include "rpc/rounds.h"
#include "rpc/send-queue.h"
#include "util/source.h"

/* Bytes taken from a socket at once. */
#define CHUNK 16384

/* What the kernel keeps for a client that does not read, as it is charged to the daemon: bytes, of
 * which it makes twice as many. */
#define SEND_BUFFER 32768

/* Messages handed out before the other clients have a turn, and microseconds after which no further
 * one is. */
#define MESSAGES_PER_TURN 4
#define TURN_TIME         250

/*
 * What a client may leave unread before it gets no more answers: frames, and bytes with what frames
 * cost beside theirs. One answer may be as long as it likes.
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
    uid_t user; /* whose turn it uses */

    MdConnection *connection;
    gsize counted; /* of what is held, as the connection knows it */

    MdReceiveQueue *received;
    gsize in_hand; /* what the message that is being handed out costs */
    guint n_calls;
    gboolean started;
    gboolean reading; /* messages may be handed out */
    gboolean alone;   /* until a call has been answered */
    gboolean in_turn; /* what has changed is looked at when the turn ends */
    GSource *in;
    MdRoundsPlace place; /* among those that have something to go on with */
    GIOCondition ready;  /* what the socket is ready for since the last turn */
    GSource *half_frame; /* timeout */

    GBytes *pong;
    MdSendQueue *queue;
    GSource *out;
    GSource *unread; /* timeout: the client has to read before anything goes on */
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
    md_rounds_leave(&self->place);
    md_source_clear(&self->half_frame);
    md_source_clear(&self->out);
    md_source_clear(&self->unread);
    g_clear_pointer(&self->keepalive, md_keepalive_free);
    g_clear_pointer(&self->received, md_receive_queue_free);
    md_send_queue_clear(self->queue);
    md_connection_release(self->connection, self->counted);
    self->counted = 0;
    md_connection_close(self->connection);
}


/* Has the connection know what is held now; may end this client. */
static void
update_count(MdClient *self)
{
    gsize before = self->counted;

    if (self->closed)
        return;

    self->counted = md_receive_queue_get_cost(self->received) + md_send_queue_get_cost(self->queue);
    if (self->counted > before)
        md_connection_hold(self->connection, self->counted - before);
    else
        md_connection_release(self->connection, before - self->counted);
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

    if (!self->closed)
        release(self);
    self->closed = TRUE;
    g_clear_pointer(&self->queue, md_send_queue_free);
    g_clear_pointer(&self->connection, md_connection_unref);
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
    self->received = md_receive_queue_new();
    self->pong = encode_keepalive(MD_KEEPALIVE_PONG);
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
    self->funcs->closed(self, self->data);
    g_object_unref(self);
}


void
md_client_cut_off(MdClient *self, const char *cause)
{
    g_info("cutting off a client: %s", cause);
    md_client_close(self);
}


/* Sends what the socket takes. */
static void
flush(MdClient *self)
{
    g_autoptr(GError) error = NULL;

    if (self->closed)
        return;

    if (!md_send_queue_flush(self->queue, &error))
        md_client_cut_off(self, error->message);
    else if (self->close_when_sent && md_send_queue_count(self->queue) == 0)
        md_client_close(self);
    update_count(self);
}


/* One frame may be as long as it likes; more of them must have been left unread. */
static gboolean
has_no_room(MdClient *self, GBytes *frame)
{
    return md_send_queue_count(self->queue) > 0 &&
           md_send_queue_get_cost(self->queue) + md_send_queue_get_frame_cost(frame) >
               self->settings->max_queued_bytes;
}


void
md_client_send(MdClient *self, GBytes *frame)
{
    g_autoptr(MdClient) guard G_GNUC_UNUSED = g_object_ref(self);

    if (has_no_room(self, frame))
        flush(self);
    if (self->closed)
        return;
    if (has_no_room(self, frame)) {
        md_client_cut_off(self, "too much is left unread");
        return;
    }

    md_send_queue_push(self->queue, frame);
    /* Mostly there is room. Whoever sends does not expect to lose the client by it: an error comes
     * again when the loop next looks at the socket. */
    if (!self->in_turn)
        md_send_queue_flush(self->queue, NULL);
    update_count(self);
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
    if (header->proc == MD_KEEPALIVE_PING && md_send_queue_peek_last(self->queue) != self->pong)
        md_client_send(self, self->pong);
    return TRUE;
}


/* A client that does not read its answers gets no more of them; events may come on top. */
static gboolean
has_unread(MdClient *self)
{
    return md_send_queue_count(self->queue) >= UNREAD_FRAMES ||
           md_send_queue_get_cost(self->queue) >
               MIN(UNREAD_BYTES, self->settings->max_queued_bytes / 2);
}


static gboolean
may_hand_out(MdClient *self)
{
    return !self->closed && self->reading && !self->alone &&
           self->n_calls < self->settings->max_client_requests;
}


static gboolean
can_hand_out(MdClient *self)
{
    return may_hand_out(self) && !has_unread(self);
}


/* Makes messages of what has been read. A call that is under way alone may change the limit. */
static void
parse(MdClient *self)
{
    while (!self->closed) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MdMessage) message = md_receive_queue_parse(self->received, !self->alone, &error);

        if (error != NULL)
            md_client_cut_off(self, error->message);
        if (message == NULL)
            return;

        md_source_clear(&self->half_frame);
        if (!handle_keepalive(self, &message->header))
            md_receive_queue_push(self->received, g_steal_pointer(&message));
    }
}


static void
hand_out(MdClient *self)
{
    gint64 end = g_get_monotonic_time() + TURN_TIME;

    for (guint i = 0; i < MESSAGES_PER_TURN && can_hand_out(self); i++) {
        g_autoptr(MdMessage) message = NULL;

        if (i > 0 && g_get_monotonic_time() >= end)
            return;
        message = md_receive_queue_pop(self->received);
        if (message == NULL)
            return;
        md_source_clear(&self->unread);
        self->in_hand = md_receive_queue_get_message_cost(message);
        self->funcs->message(self, message, self->data);
    }
}


/* One round for this client: what is there, in order, and the answers at once. */
static void
take_turn(MdClient *self)
{
    self->in_turn = TRUE;
    parse(self);
    hand_out(self);
    parse(self);
    flush(self);
    self->in_turn = FALSE;
    update_sources(self);
}


/* Takes what has come; may end this client. */
static void
receive(MdClient *self)
{
    g_autoptr(GError) error = NULL;
    char chunk[CHUNK];
    gssize got = g_socket_receive(self->socket, chunk, sizeof(chunk), NULL, &error);

    if (got == 0) {
        md_client_close(self);
    } else if (got > 0) {
        md_receive_queue_feed(self->received, (const guint8 *)chunk, (gsize)got);
        update_count(self);
    } else if (!g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
        md_client_cut_off(self, error->message);
    }
}


static void
on_turn(gpointer user_data)
{
    g_autoptr(MdClient) self = g_object_ref(user_data);
    gboolean readable = (self->ready & G_IO_IN) != 0;

    self->ready = 0;
    if (readable)
        receive(self);
    if (!self->closed)
        take_turn(self);
}


/* The loop need not look at the socket of a client that waits for its turn. */
static void
become_ready(MdClient *self, GIOCondition condition)
{
    self->ready |= condition;
    md_rounds_take(&self->place, self->user, on_turn, self);
    if (md_rounds_is_waiting(&self->place))
        update_sources(self);
}


static gboolean
on_readable(GSocket *socket G_GNUC_UNUSED, GIOCondition condition G_GNUC_UNUSED, gpointer user_data)
{
    g_autoptr(MdClient) self = g_object_ref(user_data);

    if (self->keepalive != NULL)
        md_keepalive_touch(self->keepalive);
    become_ready(self, G_IO_IN);
    return G_SOURCE_CONTINUE;
}


static gboolean
on_writable(GSocket *socket G_GNUC_UNUSED, GIOCondition condition G_GNUC_UNUSED, gpointer user_data)
{
    g_autoptr(MdClient) self = g_object_ref(user_data);

    become_ready(self, G_IO_OUT);
    return G_SOURCE_CONTINUE;
}


/* Whether a timeout still holds when the client has had its turn: it may wait for one, and if the
 * daemon has been held up, the loop may not have seen yet what has happened at the socket. */
static gboolean
is_late(MdClient *self, GSource *const *timeout, GIOCondition condition)
{
    const GSource *due = *timeout;

    self->ready |= g_socket_condition_check(self->socket, condition);
    md_rounds_leave(&self->place);
    on_turn(self);
    return !self->closed && *timeout == due;
}


static gboolean
on_half_frame(gpointer user_data)
{
    g_autoptr(MdClient) self = g_object_ref(user_data);

    if (is_late(self, &self->half_frame, G_IO_IN))
        md_client_cut_off(self, "it has sent half a frame and no more");
    return G_SOURCE_CONTINUE;
}


static gboolean
on_unread(gpointer user_data)
{
    g_autoptr(MdClient) self = g_object_ref(user_data);

    if (is_late(self, &self->unread, G_IO_OUT))
        md_client_cut_off(self, "it does not read, and nothing can go on before it does");
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


static void
set_timeout(MdClient *self, GSource **source, GSourceFunc func, gboolean wanted)
{
    if (!wanted)
        md_source_clear(source);
    else if (*source == NULL)
        *source = md_source_attach(g_timeout_source_new(self->settings->frame_timeout), func, self);
}


/* Whether a turn would do something before anything comes or leaves. */
static gboolean
can_go_on(MdClient *self)
{
    if (!md_receive_queue_is_empty(self->received))
        return can_hand_out(self);
    return md_receive_queue_is_deferred(self->received) && !self->alone;
}


/* Whether the client itself keeps what it has asked for, or its end, from being done. */
static gboolean
waits_for_reading(MdClient *self)
{
    if (self->close_when_sent)
        return md_send_queue_count(self->queue) > 0;
    return !md_receive_queue_is_empty(self->received) && may_hand_out(self) && has_unread(self);
}


/* Polls only for what can be gone on with, and for nothing while the client waits for its turn. */
static void
update_sources(MdClient *self)
{
    gboolean can_read = FALSE;
    gboolean is_waiting = FALSE;

    if (self->closed || self->in_turn)
        return;

    if (can_go_on(self))
        md_rounds_wait(&self->place, self->user, on_turn, self);
    else if (self->ready == 0)
        md_rounds_leave(&self->place);
    is_waiting = md_rounds_is_waiting(&self->place);

    can_read = self->started && !md_receive_queue_is_deferred(self->received);
    if (self->keepalive != NULL)
        md_keepalive_set_paused(self->keepalive, !can_read);
    set_socket_source(self, &self->in, G_IO_IN, on_readable, can_read && !is_waiting);
    set_socket_source(self, &self->out, G_IO_OUT, on_writable,
                      (md_send_queue_count(self->queue) > 0 || self->close_when_sent) &&
                          !is_waiting);

    set_timeout(self, &self->half_frame, on_half_frame,
                can_read && md_receive_queue_is_midway(self->received));
    set_timeout(self, &self->unread, on_unread, waits_for_reading(self));
}


MdClient *
md_client_new(GSocket *socket,
              const MdSettings *settings,
              MdConnection *connection,
              const MdClientFuncs *funcs,
              gpointer data)
{
    MdClient *self = g_object_new(MD_TYPE_CLIENT, NULL);

    self->socket = g_object_ref(socket);
    self->settings = settings;
    self->connection = md_connection_ref(connection);
    self->funcs = funcs;
    self->data = data;
    self->queue = md_send_queue_new(socket);
    g_socket_set_blocking(socket, FALSE);
    g_socket_set_option(socket, SOL_SOCKET, SO_SNDBUF, SEND_BUFFER, NULL);
    return self;
}


void
md_client_start(MdClient *self)
{
    self->started = TRUE;
    self->reading = TRUE;
    update_sources(self);
}


void
md_client_set_user(MdClient *self, uid_t user)
{
    self->user = user;
}


void
md_client_set_frame_limit(MdClient *self, gsize limit)
{
    if (!self->closed)
        md_receive_queue_set_limit(self->received, limit);
}


gsize
md_client_begin_call(MdClient *self)
{
    self->n_calls++;
    md_client_hold(self, self->in_hand);
    return self->in_hand;
}


void
md_client_end_call(MdClient *self, gsize cost)
{
    self->n_calls--;
    md_client_release(self, cost);
    update_sources(self);
}


void
md_client_hold(MdClient *self, gsize size)
{
    md_connection_hold(self->connection, size);
}


void
md_client_release(MdClient *self, gsize size)
{
    md_connection_release(self->connection, size);
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
    md_client_cut_off(data, "it does not answer the keepalive");
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
