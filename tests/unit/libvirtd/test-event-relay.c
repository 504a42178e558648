/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A client is told every change once, over any number of connections to the daemon. */
#include "config.h"

#include "libvirtd/event-relay.h"

#define LIFECYCLE VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE
#define UPDATE    VIR_NODE_DEVICE_EVENT_ID_UPDATE

typedef struct {
    MdFeed *feed;
    MdEventCallback *callback;
    GString *told;
    guint n_freed;
} Client;

static const char *const words[] = { "created", "deleted", "defined", "undefined" };

/* The device of the next call; libvirt's own objects would need a connection. */
static const char *current_device;


static virNodeDevicePtr
get_node_device(virConnectPtr conn G_GNUC_UNUSED, const char *name)
{
    current_device = name;
    /* NULL would be an error; nobody looks into the object. */
    return (virNodeDevicePtr)&current_device;
}


/* These replace libvirt's functions in this program. */
int
virNodeDeviceFree(virNodeDevicePtr device G_GNUC_UNUSED)
{
    return 0;
}


int
virConnectRef(virConnectPtr conn G_GNUC_UNUSED)
{
    return 0;
}


int
virConnectClose(virConnectPtr conn G_GNUC_UNUSED)
{
    return 0;
}


static const MdSymbols symbols = { .get_node_device = get_node_device };


static void
on_lifecycle(virConnectPtr conn G_GNUC_UNUSED,
             virNodeDevicePtr device G_GNUC_UNUSED,
             int event,
             int detail G_GNUC_UNUSED,
             void *data)
{
    Client *client = data;

    g_string_append_printf(client->told, "%s %s;", words[event], current_device);
}


static void
on_update(virConnectPtr conn G_GNUC_UNUSED, virNodeDevicePtr device G_GNUC_UNUSED, void *data)
{
    Client *client = data;

    g_string_append_printf(client->told, "update %s;", current_device);
}


static void
on_free(void *data)
{
    Client *client = data;

    client->n_freed++;
}


static void
client_init(Client *self, int event)
{
    *self = (Client){ 0 };
    self->feed = md_feed_new(&symbols);
    self->told = g_string_new(NULL);
    self->callback =
        md_event_callback_new(NULL, NULL, event,
                              event == UPDATE ? on_update
                                              : VIR_NODE_DEVICE_EVENT_CALLBACK(on_lifecycle),
                              self, on_free);
    md_feed_add(self->feed, self->callback);
}


static void
client_clear(Client *self)
{
    md_feed_remove(self->feed, self->callback);
    md_event_callback_unref(self->callback);
    g_assert_cmpuint(self->n_freed, ==, 1);
    md_feed_unref(self->feed);
    g_string_free(self->told, TRUE);
}


static void
assert_told(Client *client, const char *expected)
{
    g_assert_cmpstr(client->told->str, ==, expected);
    g_string_truncate(client->told, 0);
}


/* `text` names active devices; those in capitals are persistent as well. */
static void
go_on(Client *client, guint connection, const char *text)
{
    g_autoptr(GHashTable) states = md_states_new();

    for (; *text != '\0'; text++) {
        char name[] = { g_ascii_tolower(*text), '\0' };

        md_states_apply(states, name, VIR_NODE_DEVICE_EVENT_CREATED);
        if (g_ascii_isupper(*text))
            md_states_apply(states, name, VIR_NODE_DEVICE_EVENT_DEFINED);
    }
    md_feed_go_on(client->feed, connection, states);
}


static void
test_first_connection(void)
{
    Client client;
    guint connection = 0;

    client_init(&client, LIFECYCLE);
    connection = md_feed_hold(client.feed);
    md_feed_tell(client.feed, connection, LIFECYCLE, "b", VIR_NODE_DEVICE_EVENT_CREATED);
    md_feed_tell(client.feed, connection, LIFECYCLE, "c", VIR_NODE_DEVICE_EVENT_CREATED);
    assert_told(&client, "");
    /* What exists at first is no news; `c` has come after the list was made. */
    go_on(&client, connection, "ab");
    assert_told(&client, "created c;");
    md_feed_tell(client.feed, connection, LIFECYCLE, "a", VIR_NODE_DEVICE_EVENT_DELETED);
    md_feed_tell(client.feed, connection, UPDATE, "b", 0);
    assert_told(&client, "deleted a;");
    client_clear(&client);
}


static void
test_renewed(void)
{
    Client client;
    guint first = 0;
    guint second = 0;

    client_init(&client, LIFECYCLE);
    first = md_feed_hold(client.feed);
    go_on(&client, first, "aBc");
    md_feed_tell(client.feed, first, LIFECYCLE, "c", VIR_NODE_DEVICE_EVENT_DEFINED);
    assert_told(&client, "defined c;");

    second = md_feed_hold(client.feed);
    /* Late events of the lost connection are part of the difference. */
    md_feed_tell(client.feed, first, LIFECYCLE, "a", VIR_NODE_DEVICE_EVENT_DELETED);
    /* The device has come and gone after the list; the list contains `d` already. */
    md_feed_tell(client.feed, second, LIFECYCLE, "d", VIR_NODE_DEVICE_EVENT_CREATED);
    md_feed_tell(client.feed, second, LIFECYCLE, "e", VIR_NODE_DEVICE_EVENT_CREATED);
    md_feed_tell(client.feed, second, LIFECYCLE, "e", VIR_NODE_DEVICE_EVENT_DELETED);
    go_on(&client, second, "bCd");
    assert_told(&client, "deleted a;undefined b;created d;created e;deleted e;");
    client_clear(&client);
}


/* The second connection was lost before the event loop has seen it. */
static void
test_lost_again(void)
{
    Client client;
    guint first = 0;
    guint second = 0;
    guint third = 0;

    client_init(&client, LIFECYCLE);
    first = md_feed_hold(client.feed);
    go_on(&client, first, "a");
    second = md_feed_hold(client.feed);
    md_feed_tell(client.feed, second, LIFECYCLE, "c", VIR_NODE_DEVICE_EVENT_CREATED);
    third = md_feed_hold(client.feed);
    go_on(&client, second, "ab");
    assert_told(&client, "");
    md_feed_tell(client.feed, second, LIFECYCLE, "d", VIR_NODE_DEVICE_EVENT_CREATED);
    go_on(&client, third, "b");
    assert_told(&client, "deleted a;created b;");
    client_clear(&client);
}


static void
test_updates(void)
{
    Client client;
    guint connection = 0;

    client_init(&client, UPDATE);
    connection = md_feed_hold(client.feed);
    md_feed_tell(client.feed, connection, UPDATE, "a", 0);
    go_on(&client, connection, "a");
    md_feed_tell(client.feed, connection, UPDATE, "a", 0);
    md_feed_tell(client.feed, connection, LIFECYCLE, "b", VIR_NODE_DEVICE_EVENT_CREATED);
    assert_told(&client, "update a;update a;");
    client_clear(&client);
}


static void
test_removed(void)
{
    Client client;
    guint connection = 0;

    client_init(&client, LIFECYCLE);
    connection = md_feed_hold(client.feed);
    go_on(&client, connection, "");
    md_feed_remove(client.feed, client.callback);
    md_feed_tell(client.feed, connection, LIFECYCLE, "a", VIR_NODE_DEVICE_EVENT_CREATED);
    assert_told(&client, "");
    client_clear(&client);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/feed/first-connection", test_first_connection);
    g_test_add_func("/feed/renewed", test_renewed);
    g_test_add_func("/feed/lost-again", test_lost_again);
    g_test_add_func("/feed/updates", test_updates);
    g_test_add_func("/feed/removed", test_removed);
    return g_test_run();
}
