/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A client receives each change once, over any number of connections to the daemon. */
#include "config.h"

#include "libvirtd/event-relay.h"

#define LIFECYCLE VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE
#define UPDATE    VIR_NODE_DEVICE_EVENT_ID_UPDATE

typedef struct {
    MdEventRelay *relay;
    MdEventCallback *callback;
    GString *received;
    guint n_freed;
} Client;

static const char *const words[] = { "created", "deleted", "defined", "undefined" };

/* The device of the next call; libvirt's own objects would need a connection. */
static const char *current_device;


static virNodeDevicePtr
get_node_device(virConnectPtr conn G_GNUC_UNUSED, const char *name)
{
    current_device = name;
    /* NULL would be an error; the object itself is not used. */
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

    g_string_append_printf(client->received, "%s %s;", words[event], current_device);
}


static void
on_update(virConnectPtr conn G_GNUC_UNUSED, virNodeDevicePtr device G_GNUC_UNUSED, void *data)
{
    Client *client = data;

    g_string_append_printf(client->received, "update %s;", current_device);
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
    self->relay = md_event_relay_new(&symbols);
    self->received = g_string_new(NULL);
    self->callback =
        md_event_callback_new(NULL, NULL, event,
                              event == UPDATE ? on_update
                                              : VIR_NODE_DEVICE_EVENT_CALLBACK(on_lifecycle),
                              self, on_free);
    md_event_relay_add(self->relay, self->callback);
}


static void
client_clear(Client *self)
{
    md_event_relay_remove(self->relay, self->callback);
    md_event_callback_unref(self->callback);
    g_assert_cmpuint(self->n_freed, ==, 1);
    md_event_relay_unref(self->relay);
    g_string_free(self->received, TRUE);
}


static void
assert_received(Client *client, const char *expected)
{
    g_assert_cmpstr(client->received->str, ==, expected);
    g_string_truncate(client->received, 0);
}


/* `text` names active devices; those in capitals are persistent as well. */
static void
resume(Client *client, guint connection, const char *text)
{
    g_autoptr(GHashTable) states = md_states_new();

    for (; *text != '\0'; text++) {
        char name[] = { g_ascii_tolower(*text), '\0' };

        md_states_apply(states, name, VIR_NODE_DEVICE_EVENT_CREATED);
        if (g_ascii_isupper(*text))
            md_states_apply(states, name, VIR_NODE_DEVICE_EVENT_DEFINED);
    }
    md_event_relay_resume(client->relay, connection, states);
}


static void
test_first_connection(void)
{
    Client client;
    guint connection = 0;

    client_init(&client, LIFECYCLE);
    connection = md_event_relay_hold(client.relay);
    md_event_relay_notify(client.relay, connection, LIFECYCLE, "b", VIR_NODE_DEVICE_EVENT_CREATED);
    md_event_relay_notify(client.relay, connection, LIFECYCLE, "c", VIR_NODE_DEVICE_EVENT_CREATED);
    assert_received(&client, "");
    /* Devices that exist at first cause no events; `c` appears after the devices were listed. */
    resume(&client, connection, "ab");
    assert_received(&client, "created c;");
    md_event_relay_notify(client.relay, connection, LIFECYCLE, "a", VIR_NODE_DEVICE_EVENT_DELETED);
    md_event_relay_notify(client.relay, connection, UPDATE, "b", 0);
    assert_received(&client, "deleted a;");
    client_clear(&client);
}


static void
test_renewed(void)
{
    Client client;
    guint first = 0;
    guint second = 0;

    client_init(&client, LIFECYCLE);
    first = md_event_relay_hold(client.relay);
    resume(&client, first, "aBc");
    md_event_relay_notify(client.relay, first, LIFECYCLE, "c", VIR_NODE_DEVICE_EVENT_DEFINED);
    assert_received(&client, "defined c;");

    second = md_event_relay_hold(client.relay);
    /* The difference includes late events of the lost connection. */
    md_event_relay_notify(client.relay, first, LIFECYCLE, "a", VIR_NODE_DEVICE_EVENT_DELETED);
    /* `d` appeared before the devices were listed, `e` afterwards, and only for a moment. */
    md_event_relay_notify(client.relay, second, LIFECYCLE, "d", VIR_NODE_DEVICE_EVENT_CREATED);
    md_event_relay_notify(client.relay, second, LIFECYCLE, "e", VIR_NODE_DEVICE_EVENT_CREATED);
    md_event_relay_notify(client.relay, second, LIFECYCLE, "e", VIR_NODE_DEVICE_EVENT_DELETED);
    resume(&client, second, "bCd");
    assert_received(&client, "deleted a;undefined b;created d;created e;deleted e;");
    client_clear(&client);
}


/* The second connection is lost before the event loop resumes the relay with it. */
static void
test_lost_again(void)
{
    Client client;
    guint first = 0;
    guint second = 0;
    guint third = 0;

    client_init(&client, LIFECYCLE);
    first = md_event_relay_hold(client.relay);
    resume(&client, first, "a");
    second = md_event_relay_hold(client.relay);
    md_event_relay_notify(client.relay, second, LIFECYCLE, "c", VIR_NODE_DEVICE_EVENT_CREATED);
    third = md_event_relay_hold(client.relay);
    resume(&client, second, "ab");
    assert_received(&client, "");
    md_event_relay_notify(client.relay, second, LIFECYCLE, "d", VIR_NODE_DEVICE_EVENT_CREATED);
    resume(&client, third, "b");
    assert_received(&client, "deleted a;created b;");
    client_clear(&client);
}


static void
test_updates(void)
{
    Client client;
    guint connection = 0;

    client_init(&client, UPDATE);
    connection = md_event_relay_hold(client.relay);
    md_event_relay_notify(client.relay, connection, UPDATE, "a", 0);
    resume(&client, connection, "a");
    md_event_relay_notify(client.relay, connection, UPDATE, "a", 0);
    md_event_relay_notify(client.relay, connection, LIFECYCLE, "b", VIR_NODE_DEVICE_EVENT_CREATED);
    assert_received(&client, "update a;update a;");
    client_clear(&client);
}


/* After a lost connection, any remaining device may have changed. */
static void
test_updates_missed(void)
{
    Client client;
    guint connection = 0;

    client_init(&client, UPDATE);
    connection = md_event_relay_hold(client.relay);
    resume(&client, connection, "aB");
    assert_received(&client, "");
    connection = md_event_relay_hold(client.relay);
    md_event_relay_notify(client.relay, connection, UPDATE, "c", 0);
    resume(&client, connection, "bc");
    assert_received(&client, "update b;update c;");
    client_clear(&client);
}


static void
test_removed(void)
{
    Client client;
    guint connection = 0;

    client_init(&client, LIFECYCLE);
    connection = md_event_relay_hold(client.relay);
    resume(&client, connection, "");
    md_event_relay_remove(client.relay, client.callback);
    md_event_relay_notify(client.relay, connection, LIFECYCLE, "a", VIR_NODE_DEVICE_EVENT_CREATED);
    assert_received(&client, "");
    client_clear(&client);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/event-relay/first-connection", test_first_connection);
    g_test_add_func("/event-relay/renewed", test_renewed);
    g_test_add_func("/event-relay/lost-again", test_lost_again);
    g_test_add_func("/event-relay/updates", test_updates);
    g_test_add_func("/event-relay/updates-missed", test_updates_missed);
    g_test_add_func("/event-relay/removed", test_removed);
    return g_test_run();
}
