/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "libvirtd/event-loop.h"
#include "libvirtd/forward.h"
#include "libvirtd/gate.h"
#include "libvirtd/last-error.h"

/* libvirt calls a driver's functions without any context. */
static struct {
    const MdSymbols *symbols;
    MdPool *pool;
    MdGate gates[2]; /* by kind */
} upcalls = {
    .gates = {
        [MD_UPCALL_QUERY] = { MD_UPCALL_QUERIES_MAX, MD_UPCALL_QUERIES_PATIENCE },
        [MD_UPCALL_CHANGE] = { MD_UPCALL_CHANGES_MAX, MD_UPCALL_CHANGES_PATIENCE },
    },
};


void
md_upcall_init(const MdSymbols *symbols, const char *socket)
{
    upcalls.symbols = symbols;
    upcalls.pool = md_pool_new(socket);
}


/* Gives back everything, and keeps the thread's last error. */
static void
upcall_finish(MdUpcall *self)
{
    self->is_done = TRUE;
    if (self->uplink != NULL)
        md_pool_give_back(upcalls.pool, g_steal_pointer(&self->uplink));
    md_gate_leave(&upcalls.gates[self->kind]);
}


static gboolean
upcall_enter(MdUpcall *self)
{
    MdCaller *caller = NULL;

    if (!md_gate_enter(&upcalls.gates[self->kind])) {
        self->is_done = TRUE;
        md_last_error_raise(upcalls.symbols, VIR_ERR_RESOURCE_BUSY,
                            "resource busy: the node-device daemon has not answered %u calls",
                            upcalls.gates[self->kind].max);
        return FALSE;
    }
    caller = md_caller_new_current(upcalls.symbols);
    if (caller == NULL) {
        upcall_finish(self);
        return FALSE;
    }
    self->uplink = md_pool_take(upcalls.pool, caller);
    return TRUE;
}


gboolean
md_upcall_begin(MdUpcall *self)
{
    if (self->is_done)
        return FALSE;
    if (self->n_attempts++ == 0 && !upcall_enter(self))
        return FALSE;
    self->conn = md_uplink_connect(self->uplink);
    if (self->conn == NULL) {
        upcall_finish(self);
        return FALSE;
    }
    return TRUE;
}


/* Whether a failed call is repeated with another connection. */
static gboolean
upcall_is_repeatable(MdUpcall *self)
{
    return self->kind == MD_UPCALL_QUERY && self->n_attempts == 1 &&
           virConnectIsAlive(self->conn) != 1;
}


void
md_upcall_end(MdUpcall *self, gboolean success)
{
    /* libvirt's functions below forget the last error. */
    virErrorPtr error = success ? NULL : virSaveLastError();
    gboolean is_repeated = !success && upcall_is_repeatable(self);

    if (self->device != NULL)
        virNodeDeviceFree(g_steal_pointer(&self->device));
    virConnectClose(g_steal_pointer(&self->conn));
    /* The daemon has sent the events of a change before its reply, and so must libvirtd. */
    if (self->kind == MD_UPCALL_CHANGE && md_uplink_has_events(self->uplink))
        md_event_loop_wait();
    if (!is_repeated)
        upcall_finish(self);
    md_last_error_restore(upcalls.symbols, error);
}


virNodeDevicePtr
md_upcall_begin_on_device(MdUpcall *self, virNodeDevicePtr device)
{
    while (md_upcall_begin(self)) {
        self->device = upcalls.symbols->get_node_device(self->conn, virNodeDeviceGetName(device));
        if (self->device != NULL)
            return self->device;
        md_upcall_end(self, FALSE);
    }
    return NULL;
}


virNodeDevicePtr
md_upcall_return_device(virConnectPtr conn, virNodeDevicePtr device)
{
    virNodeDevicePtr returned = NULL;
    virErrorPtr error = NULL;

    if (device == NULL)
        return NULL;
    returned = upcalls.symbols->get_node_device(conn, virNodeDeviceGetName(device));
    if (returned == NULL)
        error = virSaveLastError();
    virNodeDeviceFree(device);
    md_last_error_restore(upcalls.symbols, error);
    return returned;
}


MdUplink *
md_upcall_keep_uplink(MdUpcall *self)
{
    md_pool_keep(upcalls.pool, self->uplink);
    return self->uplink;
}


void
md_upcall_give_back_uplink(MdUplink *uplink)
{
    md_pool_give_back(upcalls.pool, uplink);
}
