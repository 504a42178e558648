/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "rpc/client-private.h"

/* Bytes read from a socket at once. */
#define CHUNK 16384

/* Size of the kernel's send buffer in bytes. The kernel doubles this value, and charges the memory
 * to the daemon. */
#define SEND_BUFFER 32768

/* Maximum number of messages handed out per turn, and microseconds after which the turn ends. */
#define MESSAGES_PER_TURN 4
#define TURN_TIME         50

/*
 * Maximum unread output, in frames and in bytes including the frames' overhead, before a client's
 * calls wait. A single reply may be of any length.
 */
#define UNREAD_FRAMES 1024
#define UNREAD_BYTES  (256 * 1024)

G_DEFINE_FINAL_TYPE(MdClient, md_client, G_TYPE_OBJECT)

static void update_sources(MdClient *self);
static void on_turn(gpointer user_data);


static void
release_served(MdClient *self)
{
    md_polled_set(&self->polled, g_socket_get_fd(self->socket), 0, NULL, NULL, NULL);
    md_rounds_leave(&self->place);
    md_deadline_clear(&self->half_frame);
    md_deadline_clear(&self->unread);
    g_clear_pointer(&self->keepalive, md_keepalive_free);
    g_clear_pointer(&self->received, md_receive_queue_free);
    md_send_queue_clear(self->queue);
    md_connection_release(self->connection, self->counted);
    self->counted = 0;
    md_connection_close(self->connection);
}


void
md_client_update_count(MdClient *self)
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


static void
md_client_dispose(GObject *object)
{
    MdClient *self = MD_CLIENT(object);

    if (!self->closed)
        release_served(self);
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
    self->pong = md_client_make_pong();
}


void
md_client_close(MdClient *self)
{
    if (self->closed)
        return;

    g_object_ref(self);
    self->closed = TRUE;
    release_served(self);
    g_socket_close(self->socket, NULL);
    self->funcs->closed(self, self->data);
    g_object_unref(self);
}


void
md_client_cut_off(MdClient *self, const char *cause)
{
    g_info("Disconnecting client: %s", cause);
    md_client_close(self);
}


/* Sends as much as the socket accepts. */
static void
flush_output(MdClient *self)
{
    g_autoptr(GError) error = NULL;

    if (self->closed)
        return;

    if (!md_send_queue_flush(self->queue, &error))
        md_client_cut_off(self, error->message);
    else if (self->close_when_sent && md_send_queue_count(self->queue) == 0)
        md_client_close(self);
    md_client_update_count(self);
}


/* A single frame may be of any length; the limit applies from the second unread frame on. */
static gboolean
has_no_room(MdClient *self, GBytes *frame)
{
    return md_send_queue_count(self->queue) > 0 &&
           md_send_queue_get_cost(self->queue) + md_send_queue_get_frame_cost(frame) >
               self->settings->max_queued_bytes;
}


/*
 * Sends at once if possible, because the socket usually has room. Ignores errors until the main
 * loop next checks the socket, because callers do not expect the client to be disconnected here.
 * After some frames in one iteration of the main loop, waits for a turn, so that an event for a
 * thousand clients of one user does not delay other users.
 */
static void
send_now_or_in_turn(MdClient *self)
{
    if (!md_rounds_may_send_now()) {
        self->ready |= G_IO_OUT;
        md_rounds_enqueue(&self->place, self->share, on_turn, self);
        return;
    }
    md_send_queue_flush(self->queue, NULL);
}


void
md_client_send(MdClient *self, GBytes *frame)
{
    g_autoptr(MdClient) guard G_GNUC_UNUSED = g_object_ref(self);

    if (has_no_room(self, frame))
        flush_output(self);
    if (self->closed)
        return;
    if (has_no_room(self, frame)) {
        md_client_cut_off(self, "too many unread replies and events");
        return;
    }

    md_send_queue_push(self->queue, frame);
    if (!self->in_turn)
        send_now_or_in_turn(self);
    md_client_update_count(self);
    update_sources(self);
}


/* Whether the client must read replies before its next call. Events are still sent. */
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


static void
stop_timeout(MdClient *self, MdDeadline *timeout)
{
    md_deadline_clear(timeout);
    if (self->overdue == timeout)
        self->overdue = NULL;
}


/* Parses the input into messages. While a call runs alone, the frame limit may still change. */
static void
parse_input(MdClient *self)
{
    while (!self->closed) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MdMessage) message = md_receive_queue_parse(self->received, !self->alone, &error);

        if (error != NULL)
            md_client_cut_off(self, error->message);
        if (message == NULL)
            return;

        stop_timeout(self, &self->half_frame);
        if (!md_client_handle_keepalive(self, &message->header))
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
        stop_timeout(self, &self->unread);
        self->in_hand = md_receive_queue_get_message_cost(message);
        self->funcs->message(self, message, self->data);
    }
}


/* One turn of this client: handles pending messages in order, and sends immediate replies. */
static void
run_turn(MdClient *self)
{
    self->in_turn = TRUE;
    parse_input(self);
    hand_out(self);
    parse_input(self);
    flush_output(self);
    self->in_turn = FALSE;
    update_sources(self);
}


/* Reads available input; may end this client. */
static void
receive_input(MdClient *self)
{
    g_autoptr(GError) error = NULL;
    char chunk[CHUNK];
    gssize got = g_socket_receive(self->socket, chunk, sizeof(chunk), NULL, &error);

    if (got == 0) {
        /* A client that has only shut down its writing side still receives its replies. */
        self->ended = TRUE;
        if ((g_socket_condition_check(self->socket, G_IO_HUP) & G_IO_HUP) != 0)
            md_client_close(self);
    } else if (got > 0) {
        md_receive_queue_feed(self->received, (const guint8 *)chunk, (gsize)got);
        md_client_update_count(self);
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
        receive_input(self);
    if (!self->closed)
        run_turn(self);
}


static void
on_ready(GIOCondition condition, gpointer user_data)
{
    g_autoptr(MdClient) self = g_object_ref(user_data);

    if ((condition & G_IO_HUP) != 0) {
        md_client_close(self);
        return;
    }
    if ((condition & G_IO_IN) != 0 && self->keepalive != NULL)
        md_keepalive_touch(self->keepalive);
    self->ready |= condition;
    md_rounds_run_or_enqueue(&self->place, self->share, on_turn, self);
    /* The main loop need not poll the socket of a client that waits for its turn. */
    if (md_rounds_is_waiting(&self->place))
        update_sources(self);
}


/* Gives the client a turn at once, and disconnects it unless this turn clears the timeout: the
 * client may have been waiting for its turn, or a delayed main loop may not have seen its input
 * yet. */
static void
end_late(MdClient *self, const MdDeadline *timeout, GIOCondition condition, const char *cause)
{
    g_autoptr(MdClient) guard G_GNUC_UNUSED = g_object_ref(self);

    self->overdue = timeout;
    self->ready |= g_socket_condition_check(self->socket, condition);
    md_rounds_leave(&self->place);
    on_turn(self);
    if (!self->closed && self->overdue == timeout)
        md_client_cut_off(self, cause);
    self->overdue = NULL;
}


static void
on_half_frame(gpointer user_data)
{
    MdClient *self = user_data;

    end_late(self, &self->half_frame, G_IO_IN, "incomplete message timed out");
}


static void
on_unread(gpointer user_data)
{
    MdClient *self = user_data;

    end_late(self, &self->unread, G_IO_OUT, "it does not read its replies");
}


/* Sets or clears a deadline. An expired deadline is not set again before end_late() has handled
 * it. */
static void
set_timeout(MdClient *self, MdDeadline *timeout, void (*passed)(gpointer data), gboolean wanted)
{
    if (!wanted)
        stop_timeout(self, timeout);
    else if (timeout->due == 0 && self->overdue != timeout)
        md_deadline_set(timeout, self->settings->frame_timeout, passed, self);
}


/* Whether a turn would have an effect without new input or output. */
static gboolean
needs_turn(MdClient *self)
{
    /* Closing does not require a writable socket. */
    if (self->close_when_sent && md_send_queue_count(self->queue) == 0)
        return TRUE;
    if (!md_receive_queue_is_empty(self->received))
        return can_hand_out(self);
    return md_receive_queue_is_deferred(self->received) && !self->alone;
}


/* Whether the client blocks its own calls, or the end of the connection, by not reading. */
static gboolean
waits_for_reading(MdClient *self)
{
    if (self->close_when_sent)
        return md_send_queue_count(self->queue) > 0;
    return !md_receive_queue_is_empty(self->received) && may_hand_out(self) && has_unread(self);
}


void
md_client_hand_out(MdClient *self)
{
    g_autoptr(MdClient) guard G_GNUC_UNUSED = g_object_ref(self);

    while (!self->closed && needs_turn(self))
        run_turn(self);
}


/*
 * The conditions to poll the socket for: input and, while output is queued, room for it; if neither
 * is wanted, only a hang-up. While the client waits for its turn, conditions known to be true are
 * omitted, and G_IO_OUT is not added, because a change of the conditions costs a system call.
 */
static GIOCondition
get_wanted(MdClient *self, gboolean can_read)
{
    GIOCondition wanted = can_read ? G_IO_IN : 0;

    if (md_rounds_is_waiting(&self->place))
        return wanted & ~self->ready;
    if (md_send_queue_count(self->queue) > 0)
        wanted |= G_IO_OUT;
    return wanted != 0 ? wanted : G_IO_HUP;
}


/* Whether all messages received have been answered. An incomplete frame does not count. */
static gboolean
is_answered(MdClient *self)
{
    return self->n_calls == 0 && md_receive_queue_is_empty(self->received) &&
           !md_receive_queue_is_deferred(self->received);
}


/* Requests turns, and updates timeouts and the polled conditions, according to the client's
 * state. */
static void
update_sources(MdClient *self)
{
    g_autoptr(GError) error = NULL;
    gboolean can_read = FALSE;

    if (self->closed || self->in_turn)
        return;

    if (self->ended && is_answered(self)) {
        self->reading = FALSE;
        self->close_when_sent = TRUE;
    }
    if (needs_turn(self))
        md_rounds_enqueue(&self->place, self->share, on_turn, self);
    else if (self->ready == 0)
        md_rounds_leave(&self->place);

    can_read = self->started && !self->ended && !md_receive_queue_is_deferred(self->received);
    if (self->keepalive != NULL)
        md_keepalive_set_paused(self->keepalive, !can_read);
    set_timeout(self, &self->half_frame, on_half_frame,
                can_read && md_receive_queue_has_partial_frame(self->received));
    set_timeout(self, &self->unread, on_unread, waits_for_reading(self));
    if (!md_polled_set(&self->polled, g_socket_get_fd(self->socket), get_wanted(self, can_read),
                       on_ready, self, &error))
        md_client_cut_off(self, error->message);
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
    md_client_update_count(self);
}


void
md_client_set_share(MdClient *self, guint64 share)
{
    self->share = share;
}


gboolean
md_client_act_for(MdClient *self, guint64 share, gboolean privileged, GError **error)
{
    if (!md_connection_act_for(self->connection, share, privileged, error))
        return FALSE;

    md_client_set_share(self, share);
    return TRUE;
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


void
md_client_reload(MdClient *self)
{
    if (self->closed)
        return;

    md_client_restart_keepalive(self);
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
