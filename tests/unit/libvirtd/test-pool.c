/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Threads meet here. */
/* The thread that renews lost connections; the connections are fakes. */
#include "config.h"

#include "libvirtd/pool.h"

#define N_RENEWALS 3

struct MdUplink {
    MdCaller *caller;
    MdUplinkLostFunc on_lost;
    gpointer data;
};

static GMutex mutex;
static GCond cond;
static gint64 renewals[N_RENEWALS]; /* monotonic times */
static guint n_renewals;


MdUplink *
md_uplink_new(MdCaller *caller,
              const char *socket G_GNUC_UNUSED,
              MdUplinkLostFunc on_lost,
              gpointer data)
{
    MdUplink *self = g_new0(MdUplink, 1);

    self->caller = caller;
    self->on_lost = on_lost;
    self->data = data;
    return self;
}


void
md_uplink_free(MdUplink *self)
{
    md_caller_free(self->caller);
    g_free(self);
}


const char *
md_uplink_get_key(MdUplink *self)
{
    return self->caller->key;
}


gboolean
md_uplink_is_lost(MdUplink *self G_GNUC_UNUSED)
{
    return TRUE;
}


/* The connection is lost again at once, until there have been enough. */
gboolean
md_uplink_subscribe(MdUplink *self)
{
    gboolean is_last = FALSE;

    g_mutex_lock(&mutex);
    renewals[n_renewals++] = g_get_monotonic_time();
    is_last = n_renewals == N_RENEWALS;
    g_cond_signal(&cond);
    g_mutex_unlock(&mutex);
    if (!is_last)
        self->on_lost(self->data);
    return TRUE;
}


/* A daemon that closes each connection as soon as it is subscribed to does not keep the thread
 * busy. */
static void
test_lost_again(void)
{
    static const MdSymbols symbols;
    MdPool *pool = md_pool_new("/none");
    MdCaller *caller = g_new0(MdCaller, 1);
    MdUplink *uplink = NULL;
    gint64 lost = g_get_monotonic_time();

    caller->symbols = &symbols;
    caller->key = g_strdup("key");
    uplink = md_pool_acquire(pool, caller);
    uplink->on_lost(uplink->data);

    g_mutex_lock(&mutex);
    while (n_renewals < N_RENEWALS)
        g_cond_wait(&cond, &mutex);
    g_mutex_unlock(&mutex);
    g_assert_cmpint(renewals[0] - lost, <, MD_POOL_RENEWAL_TIME);
    for (guint i = 1; i < N_RENEWALS; i++)
        g_assert_cmpint(renewals[i] - renewals[0], >=, i * MD_POOL_RENEWAL_TIME / 2);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pool/lost-again", test_lost_again);
    return g_test_run();
}
