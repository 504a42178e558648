/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which connections are accepted, evicted, delayed, or closed when memory runs out. */
#include "config.h"

#include <gio/gio.h>
#include <malloc.h>

#include "rpc/connections.h"
#include "util/error.h"

#include "../default-settings.h"
#include "../settle.h"

#define ROOT  0
#define ALICE 1000
#define BOB   1001
#define CAROL 1002

typedef struct {
    MdSettings *settings;
    MdConnections *table;
    GPtrArray *clients; /* of Client, in the order in which they connected */
} Fixture;

typedef struct {
    Fixture *fixture;
    uid_t uid;
    MdConnection *connection; /* NULL: closed */
    MdConnectionState state;
    gboolean started;
    gsize held;
} Client;


/* Replaces the C library's; counts the calls that return memory to the system. */
static guint n_trimmed;


int
malloc_trim(size_t pad G_GNUC_UNUSED)
{
    n_trimmed++;
    return 0;
}


static void
client_close(Client *client)
{
    MdConnection *connection = g_steal_pointer(&client->connection);

    if (connection == NULL)
        return;
    md_connection_release(connection, client->held);
    md_connection_close(connection);
    md_connection_unref(connection);
}


static void
client_free(Client *client)
{
    client_close(client);
    g_free(client);
}


static void
on_start(gpointer data)
{
    ((Client *)data)->started = TRUE;
}


static MdConnectionState
on_get_state(gpointer data)
{
    return ((Client *)data)->state;
}


static void
on_evict(gpointer data, const char *cause)
{
    g_assert_nonnull(cause);
    client_close(data);
}


static void
set_up(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    static const MdConnectionFuncs funcs = { on_start, on_get_state, on_evict };

    fixture->settings = default_settings_load();
    fixture->table = md_connections_new(fixture->settings, &funcs);
    fixture->clients = g_ptr_array_new_with_free_func((GDestroyNotify)client_free);
}


static void
tear_down(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_ptr_array_unref(fixture->clients);
    g_assert_cmpuint(md_connections_count(fixture->table), ==, 0);
    g_assert_cmpuint(md_connections_get_held(fixture->table), ==, 0);
    md_connections_unref(fixture->table);
    md_settings_free(fixture->settings);
}


/* Returns NULL if the client is refused. */
static Client *
admit(Fixture *fixture, uid_t uid, gboolean read_only, gboolean anonymous, gboolean scarce)
{
    const MdConnectionPeer peer = { uid, uid == ROOT, read_only, anonymous };
    Client *client = g_new0(Client, 1);

    client->fixture = fixture;
    client->uid = uid;
    client->state = MD_CONNECTION_IDLE;
    client->connection = md_connections_admit(fixture->table, &peer, scarce, client);
    if (client->connection == NULL) {
        g_free(client);
        return NULL;
    }
    g_ptr_array_add(fixture->clients, client);
    md_connection_start(client->connection);
    return client;
}


static Client *
admit_writer(Fixture *fixture, uid_t uid)
{
    return admit(fixture, uid, FALSE, FALSE, FALSE);
}


static Client *
admit_anonymous(Fixture *fixture, uid_t uid)
{
    return admit(fixture, uid, FALSE, TRUE, FALSE);
}


static guint
count(Fixture *fixture, uid_t uid)
{
    guint n = 0;

    for (guint i = 0; i < fixture->clients->len; i++) {
        const Client *client = g_ptr_array_index(fixture->clients, i);

        n += client->uid == uid && client->connection != NULL ? 1 : 0;
    }
    return n;
}


/* Lets silent connections pass the time after which they count as silent. */
static void
outlast_grace(void)
{
    gint64 end = g_get_monotonic_time() + MD_CONNECTIONS_GRACE * 1000;

    while (g_get_monotonic_time() < end) {
        g_autoptr(GSource) alarm = g_timeout_source_new(20);

        g_source_set_dummy_callback(alarm);
        g_source_attach(alarm, NULL);
        g_main_context_iteration(NULL, TRUE);
        g_source_destroy(alarm);
    }
}


/* The limit of one user does not affect others. */
static void
test_per_user(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    fixture->settings->max_clients_per_user = 3;
    for (guint i = 0; i < 3; i++)
        g_assert_nonnull(admit_writer(fixture, ALICE));
    g_assert_null(admit_writer(fixture, ALICE));
    g_assert_nonnull(admit_writer(fixture, BOB));
    for (guint i = 0; i < 10; i++)
        g_assert_nonnull(admit_writer(fixture, ROOT));

    client_close(g_ptr_array_index(fixture->clients, 0));
    g_assert_nonnull(admit_writer(fixture, ALICE));
}


/* A user with more connections is evicted for one with fewer, until both have the same number. */
static void
test_full(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    fixture->settings->max_clients = 6;
    for (guint i = 0; i < 6; i++)
        g_assert_nonnull(admit_writer(fixture, ALICE));
    g_assert_null(admit_writer(fixture, ALICE));
    for (guint i = 0; i < 3; i++)
        g_assert_nonnull(admit_writer(fixture, BOB));
    g_assert_null(admit_writer(fixture, BOB));
    g_assert_cmpuint(count(fixture, ALICE), ==, 3);
    for (guint i = 0; i < 2; i++)
        g_assert_nonnull(admit_writer(fixture, CAROL));
    g_assert_null(admit_writer(fixture, CAROL));
    g_assert_cmpuint(md_connections_count(fixture->table), ==, 6);
}


/* Eviction order: never opened, then idle before busy, newer before older. */
static void
test_order(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    const MdConnectionState states[] = { MD_CONNECTION_BUSY, MD_CONNECTION_SILENT,
                                         MD_CONNECTION_IDLE, MD_CONNECTION_SILENT,
                                         MD_CONNECTION_IDLE, MD_CONNECTION_BUSY };
    const guint order[] = { 1, 3, 4, 2, 5 };

    fixture->settings->max_clients = G_N_ELEMENTS(states);
    for (guint i = 0; i < G_N_ELEMENTS(states); i++)
        admit_writer(fixture, ALICE)->state = states[i];
    outlast_grace();
    for (guint i = 0; i < G_N_ELEMENTS(order); i++) {
        const Client *victim = g_ptr_array_index(fixture->clients, order[i]);

        g_assert_nonnull(victim->connection);
        g_assert_nonnull(admit_writer(fixture, ROOT));
        g_assert_null(victim->connection);
    }
}


static void
test_root(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    fixture->settings->max_clients = 2;
    g_assert_nonnull(admit_writer(fixture, ALICE));
    g_assert_nonnull(admit_writer(fixture, BOB));
    for (guint i = 0; i < 2 + MD_CONNECTIONS_ROOT_RESERVE; i++)
        g_assert_nonnull(admit_writer(fixture, ROOT));
    g_assert_cmpuint(count(fixture, ALICE) + count(fixture, BOB), ==, 0);
    g_assert_null(admit_writer(fixture, ROOT));
    g_assert_null(admit_writer(fixture, ALICE));
}


/* Readers leave places to others, and evict none of them. */
static void
test_readers(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    fixture->settings->max_clients = 8;
    for (guint i = 0; i < 6; i++)
        g_assert_nonnull(admit(fixture, ALICE, TRUE, FALSE, FALSE));
    g_assert_null(admit(fixture, ALICE, TRUE, FALSE, FALSE));
    for (guint i = 0; i < 2; i++)
        g_assert_nonnull(admit_writer(fixture, BOB));
    g_assert_cmpuint(count(fixture, ALICE), ==, 6);
    g_assert_nonnull(admit(fixture, CAROL, TRUE, FALSE, FALSE));
    g_assert_cmpuint(count(fixture, ALICE), ==, 5);
    g_assert_cmpuint(count(fixture, BOB), ==, 2);
}


/* Many users with one connection each, as a user with subordinate ids can simulate. */
static void
test_many_users(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    fixture->settings->max_clients = 10;
    for (guint i = 0; i < 10; i++)
        admit_writer(fixture, 100000 + i)->state =
            i == 4 ? MD_CONNECTION_SILENT : MD_CONNECTION_IDLE;
    g_assert_null(admit_writer(fixture, ALICE));
    outlast_grace();
    g_assert_nonnull(admit_writer(fixture, ALICE));
    g_assert_cmpuint(count(fixture, 100004), ==, 0);
    g_assert_null(admit_writer(fixture, BOB));
    g_assert_nonnull(admit_writer(fixture, ROOT));
}


/* Without free descriptors, only root is accepted, unless another connection is closed. */
static void
test_scarce(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_assert_null(admit(fixture, ALICE, FALSE, FALSE, TRUE));
    g_assert_nonnull(admit(fixture, ROOT, FALSE, FALSE, TRUE));
    for (guint i = 0; i < 3; i++)
        g_assert_nonnull(admit_writer(fixture, ALICE));
    g_assert_nonnull(admit(fixture, BOB, FALSE, FALSE, TRUE));
    g_assert_nonnull(admit(fixture, ROOT, FALSE, FALSE, TRUE));
    g_assert_cmpuint(count(fixture, ALICE), ==, 1);
}


/* Excess logins wait, and are accepted in turns between users. */
static void
test_anonymous(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    Client *clients[6] = { NULL };

    fixture->settings->max_anonymous_clients = 2;
    for (guint i = 0; i < 4; i++)
        clients[i] = admit_anonymous(fixture, ALICE);
    clients[4] = admit_anonymous(fixture, BOB);
    clients[5] = admit_anonymous(fixture, BOB);
    g_assert_true(clients[0]->started && clients[1]->started);
    for (guint i = 2; i < 6; i++)
        g_assert_false(clients[i]->started);
    g_assert_true(admit_writer(fixture, ALICE)->started);

    md_connection_set_authenticated(clients[0]->connection);
    g_assert_true(clients[4]->started);
    client_close(clients[2]);
    client_close(clients[1]);
    g_assert_true(clients[3]->started);
    g_assert_false(clients[5]->started);
    client_close(clients[4]);
    g_assert_true(clients[5]->started);
}


/* A login does not wait for a user with several silent connections; a client with a pending
 * password prompt is not evicted. */
static void
test_anonymous_silent(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    Client *clients[3] = { NULL };
    Client *bob = NULL;

    fixture->settings->max_anonymous_clients = 3;
    for (guint i = 0; i < 3; i++)
        clients[i] = admit_anonymous(fixture, ALICE);
    clients[0]->state = MD_CONNECTION_BUSY;
    clients[1]->state = MD_CONNECTION_SILENT;
    clients[2]->state = MD_CONNECTION_SILENT;
    bob = admit_anonymous(fixture, BOB);
    g_assert_false(bob->started);
    g_assert_cmpuint(count(fixture, ALICE), ==, 3);

    while (!bob->started)
        g_main_context_iteration(NULL, TRUE);
    g_assert_null(clients[1]->connection);
    g_assert_nonnull(clients[0]->connection);
    g_assert_nonnull(clients[2]->connection);
}


static void
hold(Client *client, gsize size)
{
    client->held += size;
    md_connection_hold(client->connection, size);
}


/* The largest connection of the largest user is closed, even if another connection has just
 * grown. */
static void
test_memory(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    Client *root = admit_writer(fixture, ROOT);
    Client *big = admit_writer(fixture, ALICE);
    Client *small = admit_writer(fixture, ALICE);
    Client *bob = admit_writer(fixture, BOB);

    fixture->settings->max_memory = 1000;
    hold(root, 500);
    hold(small, 100);
    hold(bob, 180);
    hold(big, 120);
    g_assert_cmpuint(md_connections_get_held(fixture->table), ==, 900);
    hold(bob, 30);
    g_assert_cmpuint(count(fixture, ALICE), ==, 2);
    hold(bob, 80);
    g_assert_null(bob->connection);
    hold(root, 300);
    g_assert_null(big->connection);
    g_assert_nonnull(small->connection);
    g_assert_nonnull(root->connection);
    g_assert_cmpuint(md_connections_get_held(fixture->table), ==, 900);
    hold(root, 200);
    g_assert_null(small->connection);
    hold(root, 1);
    g_assert_null(root->connection);
}


/* Memory of a closed connection counts until released. */
static void
test_memory_of_closed(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    Client *gone = admit_writer(fixture, ALICE);
    Client *bob = admit_writer(fixture, BOB);
    MdConnection *connection = md_connection_ref(gone->connection);

    fixture->settings->max_memory = 1000;
    md_connection_hold(connection, 600);
    client_close(gone);
    g_assert_cmpuint(md_connections_get_held(fixture->table), ==, 600);
    hold(bob, 300);
    g_assert_nonnull(bob->connection);
    md_connection_release(connection, 600);
    g_assert_cmpuint(md_connections_get_held(fixture->table), ==, 300);
    md_connection_unref(connection);
}


/* Running calls keep their memory; no other connection is closed for that reason. */
static void
test_memory_of_calls(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    Client *root = admit_writer(fixture, ROOT);
    Client *bob = admit_writer(fixture, BOB);
    Client *first = admit_writer(fixture, ALICE);
    Client *second = NULL;
    g_autoptr(MdConnection) evicted = md_connection_ref(first->connection);

    fixture->settings->max_memory = 1000;
    hold(root, 100);
    hold(bob, 100);
    md_connection_hold(first->connection, 700);
    second = admit_writer(fixture, ALICE);
    hold(second, 50);
    hold(bob, 100);
    g_assert_null(first->connection);
    g_assert_cmpuint(md_connections_get_held(fixture->table), ==, 1050);
    g_assert_nonnull(second->connection);
    hold(root, 10);
    g_assert_null(second->connection);
    hold(bob, 10);
    hold(root, 10);
    g_assert_nonnull(bob->connection);
    g_assert_nonnull(root->connection);
    md_connection_release(evicted, 700);
    g_assert_cmpuint(md_connections_get_held(fixture->table), ==, 330);
}


static gboolean
act_for(Client *client, uid_t uid, GError **error)
{
    if (!md_connection_act_for(client->connection, uid, uid == ROOT, error))
        return FALSE;
    client->uid = uid;
    return TRUE;
}


/* A connection of root counts for the user it acts for, within that user's limit. */
static void
test_act_for(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;
    Client *proxy = NULL;

    fixture->settings->max_clients = 5;
    fixture->settings->max_clients_per_user = 3;
    admit_writer(fixture, ALICE);
    for (guint i = 0; i < 2; i++)
        g_assert_true(act_for(admit_writer(fixture, ROOT), ALICE, NULL));
    g_assert_null(admit_writer(fixture, ALICE));

    proxy = admit_writer(fixture, ROOT);
    g_assert_false(act_for(proxy, ALICE, &error));
    g_assert_error(error, MD_ERROR, VIR_ERR_RESOURCE_BUSY);
    g_assert_nonnull(strstr(error->message, "3 connections"));
    g_assert_true(act_for(proxy, ROOT, NULL));

    for (guint i = 0; i < 2; i++)
        g_assert_nonnull(admit_writer(fixture, BOB));
    g_assert_cmpuint(count(fixture, ALICE), ==, 2);
    g_assert_nonnull(proxy->connection);
}


/* Memory in use moves to that user as well. */
static void
test_act_for_memory(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    Client *bob = admit_writer(fixture, BOB);
    Client *proxy = admit_writer(fixture, ROOT);
    Client *root = admit_writer(fixture, ROOT);

    fixture->settings->max_memory = 1000;
    hold(bob, 300);
    hold(proxy, 400);
    g_assert_true(act_for(proxy, ALICE, NULL));
    hold(root, 200);
    hold(proxy, 50);
    hold(bob, 100);
    g_assert_null(proxy->connection);
    g_assert_nonnull(bob->connection);
    g_assert_nonnull(root->connection);
    g_assert_cmpuint(md_connections_get_held(fixture->table), ==, 600);
}


static void
release(Client *client, gsize size)
{
    client->held -= size;
    md_connection_release(client->connection, size);
}


/* Memory is returned once per 8 MiB released, however many connections close at once. */
static void
test_trimmed(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    const gsize part = 1 << 20;
    Client *stays = admit_writer(fixture, ALICE);
    Client *goes = admit_writer(fixture, BOB);

    n_trimmed = 0;
    for (guint i = 0; i < 100; i++) {
        hold(stays, 7 * part);
        release(stays, 7 * part);
        settle();
    }
    hold(stays, 16 * part);
    hold(goes, 30 * part);
    release(stays, 8 * part - 1);
    settle();
    g_assert_cmpuint(n_trimmed, ==, 0);

    release(stays, 1);
    settle();
    g_assert_cmpuint(n_trimmed, ==, 1);

    release(stays, 7 * part);
    settle();
    g_assert_cmpuint(n_trimmed, ==, 1);
    client_close(goes);
    g_assert_cmpuint(n_trimmed, ==, 1);
    settle();
    g_assert_cmpuint(n_trimmed, ==, 2);

    /* Cancels nothing: memory that is held again has been released again. */
    hold(stays, 8 * part);
    release(stays, 8 * part);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, func) g_test_add("/connections/" path, Fixture, NULL, set_up, func, tear_down)
    ADD("per-user", test_per_user);
    ADD("full", test_full);
    ADD("order", test_order);
    ADD("root", test_root);
    ADD("readers", test_readers);
    ADD("many-users", test_many_users);
    ADD("scarce", test_scarce);
    ADD("anonymous", test_anonymous);
    ADD("anonymous/silent", test_anonymous_silent);
    ADD("memory", test_memory);
    ADD("memory/of-closed", test_memory_of_closed);
    ADD("memory/of-calls", test_memory_of_calls);
    ADD("memory/trimmed", test_trimmed);
    ADD("act-for", test_act_for);
    ADD("act-for/memory", test_act_for_memory);
    return g_test_run();
}
