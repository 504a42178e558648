/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libvirtd/last-error.h"
#include "libvirtd/subscription.h"
#include "libvirtd/uplink.h"

/* Inside libvirtd, libvirt opens a local connection to another daemon only with this form of URI.
 */
#define URI_FORMAT "nodedev+unix:///system?mode=direct&socket=%s"

/* Seconds between pings, and pings without an answer, until the connection is given up. */
#define KEEPALIVE_INTERVAL 5
#define KEEPALIVE_COUNT    3

struct MdUplink {
    MdCaller *caller;
    const char *socket;
    MdUplinkLostFunc on_lost;
    gpointer data;
    MdEventRelay *relay;

    GMutex mutex; /* held while the connection is opened, subscribed to, and closed */
    virConnectPtr conn;
    MdSubscription subscription;
    gboolean is_subscribed; /* on `conn` */
    gint wants_events;      /* on any connection; atomic */
    gint is_lost;           /* atomic */
};


MdUplink *
md_uplink_new(MdCaller *caller, const char *socket, MdUplinkLostFunc on_lost, gpointer data)
{
    MdUplink *self = g_new0(MdUplink, 1);

    self->caller = caller;
    self->socket = socket;
    self->on_lost = on_lost;
    self->data = data;
    self->relay = md_event_relay_new(caller->symbols);
    self->subscription = (MdSubscription)MD_SUBSCRIPTION_NONE;
    g_mutex_init(&self->mutex);
    return self;
}


static void
uplink_report_lost(MdUplink *self)
{
    g_atomic_int_set(&self->is_lost, TRUE);
    self->on_lost(self->data);
}


/* libvirt holds a lock during this call that virConnectUnregisterCloseCallback() takes as well. */
static void
on_close(virConnectPtr conn G_GNUC_UNUSED, int reason G_GNUC_UNUSED, void *data)
{
    uplink_report_lost(data);
}


static void
uplink_unsubscribe(MdUplink *self)
{
    md_subscription_end(&self->subscription, self->conn);
    if (self->is_subscribed)
        virConnectUnregisterCloseCallback(self->conn, on_close);
    self->is_subscribed = FALSE;
}


static void
uplink_close(MdUplink *self)
{
    if (self->conn == NULL)
        return;
    uplink_unsubscribe(self);
    virConnectClose(g_steal_pointer(&self->conn));
}


void
md_uplink_free(MdUplink *self)
{
    uplink_close(self);
    md_event_relay_unref(self->relay);
    g_mutex_clear(&self->mutex);
    md_caller_free(self->caller);
    g_free(self);
}


const char *
md_uplink_get_key(MdUplink *self)
{
    return self->caller->key;
}


gboolean
md_uplink_is_trusted_socket(const char *path, char **reason)
{
    struct stat st;

    if (stat(path, &st) < 0) {
        *reason = g_strdup_printf("%s: %s", path, g_strerror(errno));
        return FALSE;
    }
    if (!S_ISSOCK(st.st_mode)) {
        *reason = g_strdup_printf("%s is not a socket", path);
        return FALSE;
    }
    if (st.st_uid != 0 && st.st_uid != geteuid()) {
        *reason = g_strdup_printf("%s belongs to user %u", path, st.st_uid);
        return FALSE;
    }
    return TRUE;
}


static gboolean
uplink_delegate(MdUplink *self, virConnectPtr conn)
{
    MdCaller *caller = self->caller;

    return caller->n_params == 0 ||
           virConnectSetIdentity(conn, caller->params, (int)caller->n_params, 0) == 0;
}


static virConnectPtr
uplink_open(MdUplink *self)
{
    g_autofree char *reason = NULL;
    g_autofree char *uri = g_strdup_printf(URI_FORMAT, self->socket);
    virConnectPtr conn = NULL;

    if (!md_uplink_is_trusted_socket(self->socket, &reason)) {
        md_last_error_raise(self->caller->symbols, VIR_ERR_OPERATION_FAILED,
                            "Unable to connect to the node-device daemon: %s", reason);
        return NULL;
    }
    conn = virConnectOpenAuth(uri, NULL, VIR_CONNECT_NO_ALIASES);
    if (conn == NULL)
        return NULL;
    if (!uplink_delegate(self, conn)) {
        virErrorPtr error = virSaveLastError();

        virConnectClose(conn);
        md_last_error_restore(self->caller->symbols, error);
        return NULL;
    }
    virConnectSetKeepAlive(conn, KEEPALIVE_INTERVAL, KEEPALIVE_COUNT);
    return conn;
}


/* With the lock held. */
static gboolean
uplink_ensure_open(MdUplink *self)
{
    if (self->conn != NULL && virConnectIsAlive(self->conn) != 1)
        uplink_close(self);
    if (self->conn == NULL)
        self->conn = uplink_open(self);
    return self->conn != NULL;
}


/* With the lock held, and an open connection. */
static gboolean
uplink_ensure_subscribed(MdUplink *self)
{
    virErrorPtr error = NULL;

    if (self->is_subscribed)
        return TRUE;
    g_atomic_int_set(&self->is_lost, FALSE);
    self->is_subscribed = virConnectRegisterCloseCallback(self->conn, on_close, self, NULL) == 0;
    if (self->is_subscribed && md_subscription_begin(&self->subscription, self->conn, self->relay))
        return TRUE;
    error = virSaveLastError();
    uplink_unsubscribe(self);
    md_last_error_restore(self->caller->symbols, error);
    return FALSE;
}


virConnectPtr
md_uplink_connect(MdUplink *self)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&self->mutex);

    if (!uplink_ensure_open(self))
        return NULL;
    /* The call does not fail if the subscription does: the pool tries again. */
    if (g_atomic_int_get(&self->wants_events) && !uplink_ensure_subscribed(self))
        uplink_report_lost(self);
    virConnectRef(self->conn);
    return self->conn;
}


gboolean
md_uplink_subscribe(MdUplink *self)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&self->mutex);

    if (!uplink_ensure_open(self) || !uplink_ensure_subscribed(self))
        return FALSE;
    g_atomic_int_set(&self->wants_events, TRUE);
    return TRUE;
}


gboolean
md_uplink_is_lost(MdUplink *self)
{
    return g_atomic_int_get(&self->is_lost) && g_atomic_int_get(&self->wants_events);
}


gboolean
md_uplink_wants_events(MdUplink *self)
{
    return g_atomic_int_get(&self->wants_events);
}


MdEventRelay *
md_uplink_get_relay(MdUplink *self)
{
    return self->relay;
}
