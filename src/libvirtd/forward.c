/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "libvirtd/event-loop.h"
#include "libvirtd/forward.h"
#include "libvirtd/gate.h"
#include "libvirtd/last-error.h"

/* libvirt calls the functions of a driver without a context. */
static struct {
    const MdSymbols *symbols;
    MdPool *pool;
    MdGate gates[2]; /* by kind */
} forwards = {
    .gates = {
        [MD_FORWARD_QUERY] = { MD_FORWARD_QUERIES_MAX, MD_FORWARD_QUERIES_TIMEOUT },
        [MD_FORWARD_CHANGE] = { MD_FORWARD_CHANGES_MAX, MD_FORWARD_CHANGES_TIMEOUT },
    },
};


void
md_forward_init(const MdSymbols *symbols, const char *socket)
{
    forwards.symbols = symbols;
    forwards.pool = md_pool_new(socket);
}


/* Releases the uplink and leaves the gate. Preserves the thread's last error. */
static void
forward_finish(MdForward *self)
{
    self->is_done = TRUE;
    if (self->uplink != NULL)
        md_pool_release(forwards.pool, g_steal_pointer(&self->uplink));
    md_gate_leave(&forwards.gates[self->kind]);
}


gboolean
md_forward_enter(MdForward *self)
{
    MdCaller *caller = NULL;

    self->is_entered = TRUE;
    if (!md_gate_enter(&forwards.gates[self->kind])) {
        self->is_done = TRUE;
        md_last_error_raise(forwards.symbols, VIR_ERR_RESOURCE_BUSY,
                            "resource busy: the node-device daemon has not answered %u calls",
                            forwards.gates[self->kind].max);
        return FALSE;
    }
    caller = md_caller_new_current(forwards.symbols);
    if (caller == NULL) {
        forward_finish(self);
        return FALSE;
    }
    self->uplink = md_pool_acquire(forwards.pool, caller);
    return TRUE;
}


void
md_forward_leave(MdForward *self)
{
    forward_finish(self);
}


gboolean
md_forward_begin(MdForward *self)
{
    if (self->is_done)
        return FALSE;
    if (!self->is_entered && !md_forward_enter(self))
        return FALSE;
    self->n_attempts++;
    self->conn = md_uplink_connect(self->uplink);
    if (self->conn == NULL) {
        forward_finish(self);
        return FALSE;
    }
    return TRUE;
}


/* Whether a failed call is repeated on a new connection. */
static gboolean
forward_is_repeatable(MdForward *self)
{
    return self->kind == MD_FORWARD_QUERY && self->n_attempts == 1 &&
           virConnectIsAlive(self->conn) != 1;
}


void
md_forward_end(MdForward *self, gboolean success)
{
    /* libvirt's functions below reset the last error. */
    virErrorPtr error = success ? NULL : virSaveLastError();
    gboolean is_repeated = !success && forward_is_repeatable(self);

    if (self->device != NULL)
        virNodeDeviceFree(g_steal_pointer(&self->device));
    virConnectClose(g_steal_pointer(&self->conn));
    /* The daemon sends the events of a change before its reply, and libvirtd must do the same. */
    if (self->kind == MD_FORWARD_CHANGE && md_uplink_wants_events(self->uplink))
        md_event_loop_wait();
    if (!is_repeated)
        forward_finish(self);
    md_last_error_restore(forwards.symbols, error);
}


virNodeDevicePtr
md_forward_begin_on_device(MdForward *self, virNodeDevicePtr device)
{
    while (md_forward_begin(self)) {
        self->device = forwards.symbols->get_node_device(self->conn, virNodeDeviceGetName(device));
        if (self->device != NULL)
            return self->device;
        md_forward_end(self, FALSE);
    }
    return NULL;
}


virNodeDevicePtr
md_forward_convert_device(virConnectPtr conn, virNodeDevicePtr device)
{
    virNodeDevicePtr returned = NULL;
    virErrorPtr error = NULL;

    if (device == NULL)
        return NULL;
    returned = forwards.symbols->get_node_device(conn, virNodeDeviceGetName(device));
    if (returned == NULL)
        error = virSaveLastError();
    virNodeDeviceFree(device);
    md_last_error_restore(forwards.symbols, error);
    return returned;
}


MdUplink *
md_forward_ref_uplink(MdForward *self)
{
    md_pool_ref(forwards.pool, self->uplink);
    return self->uplink;
}


void
md_forward_release_uplink(MdUplink *uplink)
{
    md_pool_release(forwards.pool, uplink);
}
