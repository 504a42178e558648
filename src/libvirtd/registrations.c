/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "libvirtd/forward.h"
#include "libvirtd/last-error.h"
#include "libvirtd/registrations.h"
#include "libvirtd/subscribe.h"

typedef struct {
    MdEventCallback *callback;
    MdUplink *uplink; /* referenced in the pool */
} Registration;

static struct {
    const MdSymbols *symbols;
    GMutex mutex;
    GHashTable *by_id; /* id of the callback -> Registration */
} registrations;


void
md_registrations_init(const MdSymbols *symbols)
{
    registrations.symbols = symbols;
    registrations.by_id = g_hash_table_new(NULL, NULL);
}


/*
 * When libvirtd closes a client, it deregisters the client's callbacks, but not those that are
 * still being registered. Such a callback would keep the client and its uplink for ever.
 */
static gboolean
client_is_gone(MdLibvirtClient *client)
{
    const MdSymbols *symbols = registrations.symbols;
    gboolean is_gone = FALSE;

    symbols->lock(client);
    is_gone = symbols->is_closed(client);
    symbols->unlock(client);
    return is_gone;
}


static int
registration_add(MdEventCallback *callback, MdUplink *uplink)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&registrations.mutex);
    Registration *self = g_new0(Registration, 1);

    self->callback = callback;
    self->uplink = uplink;
    g_hash_table_insert(registrations.by_id, GINT_TO_POINTER(callback->id), self);
    md_event_relay_add(md_uplink_get_relay(uplink), callback);
    return callback->id;
}


int
md_registrations_add(virConnectPtr conn,
                     virNodeDevicePtr device,
                     int event,
                     virConnectNodeDeviceEventGenericCallback func,
                     void *data,
                     virFreeCallback free_data)
{
    MdUplink *uplink = NULL;

    if (event != VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE && event != VIR_NODE_DEVICE_EVENT_ID_UPDATE) {
        md_last_error_raise(registrations.symbols, VIR_ERR_INVALID_ARG,
                            "invalid argument: unsupported event ID %d", event);
        return -1;
    }
    uplink = md_subscribe_current(registrations.symbols);
    if (uplink == NULL)
        return -1;
    if (client_is_gone(((MdLibvirtEventCallback *)data)->client)) {
        md_forward_release_uplink(uplink);
        md_last_error_raise(registrations.symbols, VIR_ERR_OPERATION_INVALID,
                            "Requested operation is not valid: the client has disconnected");
        return -1;
    }
    return registration_add(md_event_callback_new(conn, device, event, func, data, free_data),
                            uplink);
}


/* NULL: this connection has no such registration. */
static Registration *
registration_remove(virConnectPtr conn, int id)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&registrations.mutex);
    Registration *self = g_hash_table_lookup(registrations.by_id, GINT_TO_POINTER(id));

    if (self == NULL || self->callback->conn != conn)
        return NULL;
    g_hash_table_remove(registrations.by_id, GINT_TO_POINTER(id));
    return self;
}


int
md_registrations_remove(virConnectPtr conn, int id)
{
    g_autofree Registration *self = registration_remove(conn, id);

    if (self == NULL) {
        md_last_error_raise(registrations.symbols, VIR_ERR_INVALID_ARG,
                            "invalid argument: could not find event callback %d for deletion", id);
        return -1;
    }
    md_event_relay_remove(md_uplink_get_relay(self->uplink), self->callback);
    md_forward_release_uplink(self->uplink);
    md_event_callback_unref(self->callback);
    return 0;
}
