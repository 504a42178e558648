/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stops the server: running calls are answered, then the clients are disconnected or handed over.
 */
#include "config.h"

#include "remote/server-private.h"

#include <libvirt/libvirt.h>

#include "util/notify.h"
#include "util/source.h"

/* Milliseconds for clients to read their last replies. */
#define FLUSH_TIMEOUT 5000

/* Milliseconds for running calls to end before the clients are handed over without their
 * replies. */
#define CALLS_TIMEOUT 5000


static gboolean
entry_is_authenticated(const MdServerEntry *entry)
{
    return entry->session != NULL && md_session_is_authenticated(entry->session);
}


void
md_server_finish_stop(MdServer *self)
{
    g_autoptr(GTask) stop = g_steal_pointer(&self->stop);

    md_source_clear(&self->deadline);
    md_source_clear(&self->calls_timer);
    g_task_return_boolean(stop, TRUE);
}


static gboolean
on_deadline(gpointer user_data)
{
    md_server_close_clients(user_data);
    return G_SOURCE_REMOVE;
}


/* Notifies and disconnects the client. Its session may end during this function, because a client
 * that does not read is disconnected. */
static void
entry_dismiss(MdServerEntry *entry, gpointer data G_GNUC_UNUSED)
{
    g_autoptr(MdSession) session = NULL;

    if (!entry_is_authenticated(entry)) {
        md_client_close(entry->client);
        return;
    }
    session = md_session_ref(entry->session);
    md_session_notify_closed(session, VIR_CONNECT_CLOSE_REASON_EOF);
    md_session_close_when_sent(session);
}


/* The same, unless a call of the client is running. */
static void
entry_dismiss_if_idle(MdServerEntry *entry, gpointer data)
{
    if (entry_is_authenticated(entry) && md_client_count_calls(entry->client) > 0)
        md_client_stop_reading(entry->client);
    else
        entry_dismiss(entry, data);
}


/* Disconnects the remaining clients, once all calls have been answered. */
static void
server_dismiss_clients(MdServer *self)
{
    md_dispatch_set_idle_func(self->dispatch, NULL, NULL);
    if (md_server_count_clients(self) == 0) {
        md_server_finish_stop(self);
        return;
    }

    self->deadline = md_source_attach(g_timeout_source_new(FLUSH_TIMEOUT), on_deadline, self);
    md_server_for_each_entry(self, entry_dismiss, NULL);
}


static gboolean
on_hand_over(gpointer user_data)
{
    MdServer *self = user_data;

    md_source_clear(&self->handing_over);
    md_source_clear(&self->calls_timer);
    md_dispatch_leave_calls(self->dispatch);
    if (md_server_hand_over(self))
        md_server_close_clients(self);
    server_dismiss_clients(self);
    return G_SOURCE_REMOVE;
}


/* Whether the calls without a reply are left to the next daemon. While devices are not known yet,
 * no call can have begun to change one. */
static gboolean
may_hand_over(MdServer *self)
{
    return self->impatient || md_dispatch_is_holding(self->dispatch) ||
           md_dispatch_count_calls(self->dispatch) == md_dispatch_count_logins(self->dispatch);
}


/* Hands over the clients in the next iteration of the main loop, because the last call may end
 * while events are being delivered. */
void
md_server_end_stop_if_idle(MdServer *self)
{
    if (self->stop == NULL || self->deadline != NULL)
        return;

    if (!self->hands_over) {
        if (md_dispatch_count_calls(self->dispatch) == 0)
            server_dismiss_clients(self);
    } else if (may_hand_over(self) && self->handing_over == NULL) {
        self->handing_over = md_source_attach_turns(on_hand_over, self);
    }
}


static gboolean
on_calls_timeout(gpointer user_data)
{
    MdServer *self = user_data;

    md_source_clear(&self->calls_timer);
    g_message("Handing over the clients without the replies to %u calls",
              md_dispatch_count_calls(self->dispatch));
    self->impatient = TRUE;
    md_server_end_stop_if_idle(self);
    return G_SOURCE_REMOVE;
}


static void
entry_stop_serving(MdServerEntry *entry, gpointer data G_GNUC_UNUSED)
{
    /* Calls that have not begun are left to the next daemon. Without a next daemon, they must be
     * answered, even if the client still waits for its turn. */
    if (entry->server->hands_over)
        md_client_stop_reading(entry->client);
    else
        md_client_hand_out(entry->client);
}


void
md_server_stop_async(MdServer *self, GAsyncReadyCallback callback, gpointer user_data)
{
    g_return_if_fail(self->stop == NULL);

    g_clear_pointer(&self->listeners, g_ptr_array_unref);
    self->idle_timeout = 0;
    md_source_clear(&self->idle);
    self->hands_over = md_notify_can_store();
    md_server_for_each_entry(self, entry_stop_serving, NULL);

    self->stop = g_task_new(self, NULL, callback, user_data);
    g_task_set_source_tag(self->stop, md_server_stop_async);
    if (self->hands_over)
        self->calls_timer =
            md_source_attach(g_timeout_source_new(CALLS_TIMEOUT), on_calls_timeout, self);
    else
        /* Clients without running calls are disconnected at once. */
        md_server_for_each_entry(self, entry_dismiss_if_idle, NULL);
    md_server_end_stop_if_idle(self);
}


void
md_server_stop_finish(MdServer *self, GAsyncResult *result)
{
    g_return_if_fail(g_task_is_valid(result, self));

    g_task_propagate_boolean(G_TASK(result), NULL);
}
