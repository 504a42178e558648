/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A polkit whose replies the test chooses; see the header. */
#include "config.h"

#include "fake-authority.h"

#define NAME "org.freedesktop.PolicyKit1"
#define PATH "/org/freedesktop/PolicyKit1/Authority"

static const char interface[] =
    "<node><interface name='org.freedesktop.PolicyKit1.Authority'>"
    "<method name='CheckAuthorization'>"
    "<arg type='(sa{sv})' direction='in'/><arg type='s' direction='in'/>"
    "<arg type='a{ss}' direction='in'/><arg type='u' direction='in'/>"
    "<arg type='s' direction='in'/><arg type='(bba{ss})' direction='out'/></method>"
    "<method name='CancelCheckAuthorization'><arg type='s' direction='in'/></method>"
    "</interface></node>";


static void
on_call(GDBusConnection *connection G_GNUC_UNUSED,
        const char *sender G_GNUC_UNUSED,
        const char *path G_GNUC_UNUSED,
        const char *name G_GNUC_UNUSED,
        const char *method,
        GVariant *parameters,
        GDBusMethodInvocation *invocation,
        gpointer data)
{
    Authority *self = data;
    const char *id = NULL;

    if (g_str_equal(method, "CheckAuthorization")) {
        g_ptr_array_add(self->questions, invocation);
        return;
    }
    g_variant_get(parameters, "(&s)", &id);
    g_ptr_array_add(self->cancelled, g_strdup(id));
    g_dbus_method_invocation_return_value(invocation, NULL);
}


static void
on_owned(GDBusConnection *connection G_GNUC_UNUSED, const char *name G_GNUC_UNUSED, gpointer data)
{
    ((Authority *)data)->owned = TRUE;
}


void
authority_come(Authority *self)
{
    static const GDBusInterfaceVTable table = { on_call, NULL, NULL, { NULL } };

    g_setenv("DBUS_SYSTEM_BUS_ADDRESS", g_test_dbus_get_bus_address(self->bus), TRUE);
    self->connection =
        g_dbus_connection_new_for_address_sync(g_test_dbus_get_bus_address(self->bus),
                                               G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                                   G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                               NULL, NULL, NULL);
    g_assert_nonnull(self->connection);
    g_assert_cmpuint(g_dbus_connection_register_object(self->connection, PATH,
                                                       self->info->interfaces[0], &table, self,
                                                       NULL, NULL),
                     !=, 0);
    self->owned = FALSE;
    self->owner = g_bus_own_name_on_connection(self->connection, NAME, G_BUS_NAME_OWNER_FLAGS_NONE,
                                               on_owned, NULL, self, NULL);
    while (!self->owned)
        g_main_context_iteration(NULL, TRUE);
}


void
authority_go(Authority *self)
{
    if (self->connection == NULL)
        return;

    g_bus_unown_name(self->owner);
    g_dbus_connection_close_sync(self->connection, NULL, NULL);
    g_clear_object(&self->connection);
    g_ptr_array_set_size(self->questions, 0);
}


void
authority_set_up(Authority *self, gconstpointer data G_GNUC_UNUSED)
{
    self->bus = g_test_dbus_new(G_TEST_DBUS_NONE);
    self->info = g_dbus_node_info_new_for_xml(interface, NULL);
    self->questions = g_ptr_array_new_with_free_func(g_object_unref);
    self->cancelled = g_ptr_array_new_with_free_func(g_free);
    g_test_dbus_up(self->bus);
    authority_come(self);
}


void
authority_tear_down(Authority *self, gconstpointer data G_GNUC_UNUSED)
{
    authority_go(self);
    g_test_dbus_down(self->bus);
    /* Questions that have arrived meanwhile are freed with the array. */
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_object_unref(self->bus);
    g_dbus_node_info_unref(self->info);
    g_ptr_array_unref(self->questions);
    g_ptr_array_unref(self->cancelled);
}


void
authority_await(Authority *self, guint n)
{
    while (self->questions->len < n)
        g_main_context_iteration(NULL, TRUE);
}


void
authority_answer(Authority *self, GVariant *reply)
{
    GDBusMethodInvocation *question = g_ptr_array_steal_index(self->questions, 0);
    g_autoptr(GDBusMessage) message =
        g_dbus_message_new_method_reply(g_dbus_method_invocation_get_message(question));

    /* g_dbus_method_invocation_return_value() would reject a reply of the wrong type. */
    g_dbus_message_set_body(message, reply);
    g_assert_true(g_dbus_connection_send_message(self->connection, message,
                                                 G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, NULL));
    g_object_unref(question);
}


GVariant *
authority_make_reply(gboolean authorized, gboolean challenge, gboolean dismissed)
{
    GVariantBuilder details;

    g_variant_builder_init(&details, G_VARIANT_TYPE("a{ss}"));
    if (dismissed)
        g_variant_builder_add(&details, "{ss}", "polkit.dismissed", "true");
    return g_variant_new("((bba{ss}))", authorized, challenge, &details);
}
