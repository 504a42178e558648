/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hands over the clients at a restart of the service: the service manager keeps their sockets and
 * their state. */
#include "config.h"

#include "remote/server-private.h"

#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "protocol/text.h"
#include "util/fd.h"
#include "util/notify.h"


/* A number that identifies a socket in all processes, until the system reboots. 0: unknown. */
static guint64
get_cookie(int fd)
{
    guint64 cookie = 0;
    socklen_t size = sizeof(cookie);

    return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0 ? cookie : 0;
}


/* Adds pending events to the output, which is saved afterwards. May end the client. */
static void
entry_catch_up(MdServerEntry *entry, gpointer data G_GNUC_UNUSED)
{
    g_autoptr(MdSession) session = NULL;

    if (entry->session == NULL)
        return;
    session = md_session_ref(entry->session);
    md_session_catch_up(session);
}


/* Copies callbacks of the previous daemon that this daemon has not restored yet. */
static void
copy_callbacks(const md_handover_session *from, md_handover_session *to)
{
    guint n = from->callbacks.callbacks_len;
    md_handover_callback *copies = g_new0(md_handover_callback, n);

    for (guint i = 0; i < n; i++) {
        const md_handover_callback *callback = &from->callbacks.callbacks_val[i];

        copies[i] =
            (md_handover_callback){ callback->id, callback->event,
                                    md_maybe_text_new(md_maybe_text_get(callback->device)) };
    }
    to->callbacks.callbacks_len = n;
    to->callbacks.callbacks_val = copies;
    to->next_callback = from->next_callback;
}


static void
save_entry(const MdServerEntry *entry, md_handover_session *saved)
{
    saved->cookie = get_cookie(md_client_get_fd(entry->client));
    saved->monitor = entry->read_only;
    saved->since = entry->since;
    md_identity_save(entry->peer, &saved->peer);
    if (entry->session != NULL)
        md_session_save(entry->session, saved);
    if (entry->inherited != NULL)
        copy_callbacks(entry->inherited, saved);
    md_client_save(entry->client, &saved->client);
}


static void
save_device(const MdSnapshotDevice *device, md_handover_device *saved)
{
    saved->name = g_strdup(device->name);
    saved->consumed = md_maybe_text_new(device->consumed);
    saved->active = device->active;
    saved->defined = device->defined;
    saved->inode = device->inode;
    memcpy(saved->digest, device->digest, sizeof(saved->digest));
}


static void
save_devices(MdServer *self, md_handover *state)
{
    g_autoptr(GArray) devices = md_driver_take_snapshot(self->driver);
    guint n = MIN(devices->len, MD_HANDOVER_DEVICES_MAX);

    state->devices.md_handover_devices_len = n;
    state->devices.md_handover_devices_val = g_new0(md_handover_device, n);
    for (guint i = 0; i < n; i++)
        save_device(&g_array_index(devices, MdSnapshotDevice, i),
                    &state->devices.md_handover_devices_val[i]);
}


/* The descriptors of all clients, borrowed. */
static GArray *
list_fds(const GPtrArray *entries)
{
    GArray *fds = g_array_new(FALSE, FALSE, sizeof(int));

    for (guint i = 0; i < entries->len; i++) {
        const MdServerEntry *entry = entries->pdata[i];
        int fd = entry != NULL ? md_client_get_fd(entry->client) : -1;

        if (fd >= 0)
            g_array_append_val(fds, fd);
    }
    return fds;
}


static void
save_session(guint i, md_handover_session *saved, gpointer data)
{
    const GPtrArray *entries = data;

    save_entry(entries->pdata[i], saved);
}


/* Disconnects the client, and removes it from the array. */
static void
leave_out_session(guint i, gsize size, gpointer data)
{
    GPtrArray *entries = data;
    MdServerEntry *entry = g_steal_pointer(&entries->pdata[i]);
    g_autofree char *why =
        size > 0 ? g_strdup_printf("its state of %" G_GSIZE_FORMAT
                                   " bytes is the largest, and that of all clients is too large",
                                   size)
                 : g_strdup("its state is too large");

    md_client_cut_off(entry->client, why);
}


/* Saves the clients in this order, which the next daemon keeps, and the devices that the clients
 * know: if this daemon does not know the devices yet, those of the previous daemon. Returns the
 * descriptor of the file. */
static int
save_all(MdServer *self, GPtrArray *entries, GError **error)
{
    static const MdHandoverFuncs funcs = { save_session, leave_out_session };
    g_auto(md_handover) devices = { 0 };
    md_handover state = { .magic = MD_HANDOVER_MAGIC, .revision = MD_HANDOVER_REVISION };
    gboolean inherits = self->inherited.revision != 0;

    if (!inherits)
        save_devices(self, &devices);
    state.sessions.sessions_len = entries->len;
    state.devices = inherits ? self->inherited.devices : devices.devices;
    return md_handover_write(&state, self->settings->max_memory, &funcs, entries, error);
}


static void
remove_stored(void)
{
    md_notify_remove_stored(MD_PASSED_CLIENT);
    md_notify_remove_stored(MD_PASSED_STATE);
}


/* Stores the state first, because the service manager drops descriptors beyond its limit, and the
 * next daemon disconnects all clients if the state is missing. */
static gboolean
store_all(MdServer *self, GError **error)
{
    g_autoptr(GPtrArray) entries = md_server_list_entries(self);
    g_auto(MdFd) file = save_all(self, entries, error);
    g_autoptr(GArray) fds = NULL;

    if (file < 0)
        return FALSE;
    fds = list_fds(entries);
    if (md_notify_store(MD_PASSED_STATE, &file, 1, error) &&
        md_notify_store(MD_PASSED_CLIENT, (const int *)(void *)fds->data, fds->len, error)) {
        md_notify_wait();
        return TRUE;
    }
    remove_stored();
    return FALSE;
}


gboolean
md_server_hand_over(MdServer *self)
{
    g_autoptr(GError) error = NULL;

    md_server_for_each_entry(self, entry_catch_up, NULL);
    if (md_server_count_clients(self) == 0)
        return TRUE;
    if (!store_all(self, &error)) {
        g_warning("Failed to leave the clients to the next daemon: %s", error->message);
        return FALSE;
    }
    g_info("Left %u clients to the next daemon", md_server_count_clients(self));
    return TRUE;
}


/* NULL: not the socket of a client. Takes ownership of the descriptor. */
static GSocket *
open_passed(int fd)
{
    GSocket *socket = NULL;

    if (sd_is_socket(fd, AF_UNIX, SOCK_STREAM, 0) > 0)
        socket = g_socket_new_from_fd(fd, NULL);
    if (socket == NULL)
        close(fd);
    return socket;
}


/* cookie → GSocket */
static GHashTable *
open_all_passed(GArray *fds)
{
    GHashTable *sockets =
        g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_object_unref);

    for (guint i = 0; i < fds->len; i++) {
        int fd = g_steal_fd(&g_array_index(fds, int, i));
        guint64 cookie = get_cookie(fd);
        GSocket *socket = open_passed(fd);

        if (socket != NULL)
            g_hash_table_insert(sockets, g_memdup2(&cookie, sizeof(cookie)), socket);
    }
    return sockets;
}


/* Does nothing if the client has disconnected: the service manager drops its socket. Frees the
 * saved input and output, which the new client has copied. */
static void
take_over_session(MdServer *self, GHashTable *sockets, md_handover_session *saved)
{
    guint64 cookie = saved->cookie;
    g_autofree gpointer key = NULL;
    gpointer found = NULL;
    g_autoptr(GSocket) socket = NULL;
    g_autoptr(GError) error = NULL;
    MdIdentity *peer = NULL;

    if (!g_hash_table_steal_extended(sockets, &cookie, &key, &found))
        return;
    socket = found;
    peer = md_identity_new_saved_peer(&saved->peer, socket, &error);
    if (peer != NULL)
        md_server_admit(self, socket, peer, saved->monitor, FALSE, saved);
    else
        g_warning("Disconnecting client of the previous daemon: %s", error->message);
    md_handover_clear_client(&saved->client);
}


void
md_server_take_over(MdServer *self, MdPassedFds *passed)
{
    g_auto(MdFd) state = g_steal_fd(&passed->state);
    g_autoptr(GHashTable) sockets = NULL;
    g_autoptr(GError) error = NULL;

    if (state < 0 && passed->clients->len == 0)
        return;

    /* Otherwise the service manager would pass the same descriptors again after a crash, although
     * the state is outdated by then. */
    remove_stored();
    if (!md_handover_read(state, self->settings->max_memory, &self->inherited, &error)) {
        g_warning("Disconnecting %u clients of the previous daemon: %s", passed->clients->len,
                  error->message);
        md_handover_clear(&self->inherited);
        g_array_set_size(passed->clients, 0);
        return;
    }

    /* Frees the memory of the file, before the clients copy their parts. */
    close(g_steal_fd(&state));
    sockets = open_all_passed(passed->clients);
    for (guint i = 0; i < self->inherited.sessions.sessions_len; i++)
        take_over_session(self, sockets, &self->inherited.sessions.sessions_val[i]);
    g_info("Took over %u clients from the previous daemon", md_server_count_clients(self));
}


static void
entry_restore_callbacks(MdServerEntry *entry, gpointer data G_GNUC_UNUSED)
{
    const md_handover_session *inherited = g_steal_pointer(&entry->inherited);
    g_autoptr(MdClient) client = g_object_ref(entry->client);
    g_autoptr(MdSession) session = NULL;
    g_autoptr(GError) error = NULL;

    if (inherited == NULL)
        return;
    /* Callbacks may exceed the memory of all clients, which may end this one. */
    session = md_session_ref(entry->session);
    if (!md_session_restore_callbacks(session, inherited, &error))
        md_client_cut_off(client, error->message);
}


/* Names are borrowed. */
static GArray *
make_snapshot(const md_handover *state)
{
    GArray *devices = g_array_new(FALSE, FALSE, sizeof(MdSnapshotDevice));

    for (guint i = 0; i < state->devices.md_handover_devices_len; i++) {
        const md_handover_device *saved = &state->devices.md_handover_devices_val[i];
        MdSnapshotDevice device = { .name = saved->name,
                                    .consumed = md_maybe_text_get(saved->consumed),
                                    .active = saved->active,
                                    .defined = saved->defined,
                                    .inode = saved->inode };

        memcpy(device.digest, saved->digest, sizeof(device.digest));
        g_array_append_val(devices, device);
    }
    return devices;
}


void
md_server_end_take_over(MdServer *self)
{
    g_autoptr(GArray) before = NULL;

    if (self->inherited.revision == 0)
        return;

    md_server_for_each_entry(self, entry_restore_callbacks, NULL);
    before = make_snapshot(&self->inherited);
    md_driver_report_changes(self->driver, before);
    md_handover_clear(&self->inherited);
}
