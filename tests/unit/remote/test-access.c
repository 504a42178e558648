/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Authorization of calls by all layers, with simulated polkit and driver. */
#include "config.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <string.h>

#include "../access/fake-authority.h"
#include "peer.h"

#define LAST_PROCEDURE 500
#define NAME                                                                                       \
    "\0\0\0\x08"                                                                                   \
    "computer"
#define NAME_SIZE 12

typedef struct {
    Host host;
    Authority authority;
} Fixture;


static void
set_up(Fixture *fixture, gconstpointer data)
{
    authority_set_up(&fixture->authority, data);
    host_set_up(&fixture->host, data);
    fixture->host.settings->access_drivers = TRUE;
    host_start(&fixture->host);
}


static void
tear_down(Fixture *fixture, gconstpointer data)
{
    host_tear_down(&fixture->host, data);
    authority_tear_down(&fixture->authority, data);
}


/* Makes `peer` act for another user, which it must be permitted to do. */
static guint32
act_for(Peer *peer, guint uid)
{
    char names[][20] = { "unix-user-id", "process-id", "process-time" };
    md_param params[] = {
        { names[0], { 4, { .number_ul = uid } } },
        { names[1], { 3, { .number_l = 4242 } } },
        { names[2], { 4, { .number_ul = 99 } } },
    };
    const md_identity_args args = { { G_N_ELEMENTS(params), params }, 0 };

    return peer_call(peer, MD_PROC_SET_IDENTITY, MD_XDR(md_identity_args), &args);
}


/* The error code of the next reply; 0 on success. */
static int
receive_code(Peer *peer, char **text)
{
    g_autoptr(MdMessage) message = peer_receive(peer);
    md_error error = { 0 };

    g_assert_cmpint(message->header.type, ==, MD_MESSAGE_REPLY);
    if (message->header.status == MD_STATUS_OK)
        return 0;
    g_assert_true(md_message_decode(message, MD_XDR(md_error), &error, NULL));
    *text = g_strdup(*error.message);
    md_message_clear(MD_XDR(md_error), &error);
    return error.code;
}


/* Calls with any arguments; returns the error code, 0 on success. */
static int
call_raw(Peer *peer, int procedure, const char *payload, guint size, char **text)
{
    guint32 words[] = { GUINT32_TO_BE(MD_MESSAGE_LENGTH_MIN + size),
                        GUINT32_TO_BE(MD_PROGRAM_REMOTE),
                        GUINT32_TO_BE(MD_PROGRAM_VERSION),
                        GUINT32_TO_BE((guint32)procedure),
                        0,
                        GUINT32_TO_BE(++peer->serial),
                        0 };

    peer_send_bytes(peer, words, sizeof(words));
    peer_send_bytes(peer, payload, size);
    return receive_code(peer, text);
}


/* A call that identifies its device other than by name. */
static int
call_scsi_host(Peer *peer)
{
    const md_scsi_host_args args = { (char *)FAKE_DRIVER_WWNN, (char *)FAKE_DRIVER_WWPN, 0 };
    g_autofree char *text = NULL;

    peer_call(peer, MD_PROC_LOOK_UP_SCSI_HOST, MD_XDR(md_scsi_host_args), &args);
    return receive_code(peer, &text);
}


static gboolean
is_about_payload(const char *text)
{
    return text != NULL && strstr(text, "Unable to decode") != NULL;
}


/* Calls with the name of an existing device or without, followed by zeros until the arguments can
 * be decoded. */
static int
call_any(Peer *peer, int procedure)
{
    static const char payload[NAME_SIZE + 12] = NAME;
    g_autofree char *text = NULL;
    int code = VIR_ERR_RPC;

    for (guint zeros = 0; zeros <= 8 && (zeros == 0 || is_about_payload(text)); zeros += 4) {
        g_clear_pointer(&text, g_free);
        code = call_raw(peer, procedure, payload, NAME_SIZE + zeros, &text);
    }
    for (guint zeros = 0; zeros <= 12 && is_about_payload(text); zeros += 4) {
        g_clear_pointer(&text, g_free);
        code = call_raw(peer, procedure, payload + NAME_SIZE, zeros, &text);
    }
    if (is_about_payload(text))
        g_error("procedure %d: this test does not know its arguments", procedure);
    return code == VIR_ERR_RPC || code == VIR_ERR_NO_SUPPORT ? -1 : code;
}


/* Procedures that every connected user may call. */
static gboolean
is_free(int procedure)
{
    static const int free[] = { MD_PROC_AUTH_LIST,       MD_PROC_AUTH_SASL_INIT,
                                MD_PROC_AUTH_SASL_START, MD_PROC_AUTH_SASL_STEP,
                                MD_PROC_AUTH_POLKIT,     MD_PROC_CLOSE,
                                MD_PROC_IS_SECURE,       MD_PROC_SUPPORTS_FEATURE };

    for (gsize i = 0; i < G_N_ELEMENTS(free); i++) {
        if (free[i] == procedure)
            return TRUE;
    }
    return FALSE;
}


/* Detects procedures that are served although no permission is granted. */
static void
test_every_procedure(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(Peer) peer = peer_new_open(&fixture->host, FALSE);
    guint n_authorized = 0;

    peer_expect_reply(peer, act_for(peer, 65534), NULL, NULL);
    authority_go(&fixture->authority);
    for (int i = 1; i <= LAST_PROCEDURE; i++) {
        int code = -1;

        if (i == MD_PROC_LOOK_UP_SCSI_HOST)
            code = call_scsi_host(peer);
        else if (!is_free(i))
            code = call_any(peer, i);
        if (code == -1)
            continue;
        g_test_message("procedure %d: %d", i, code);
        g_assert_cmpint(code, ==, VIR_ERR_ACCESS_DENIED);
        n_authorized++;
    }
    g_assert_cmpuint(n_authorized, >=, 28);
    g_assert_cmpuint(fake_driver_count_waiting(fixture->host.driver), ==, 0);
}


/* A call is authorized as its original user to the end, and the client cannot become root again
 * meanwhile, whatever its user may do. */
static void
test_identity_changes(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    const md_list_all_args args = { 1, 0 };
    g_autoptr(Peer) peer = peer_new_open(&fixture->host, FALSE);
    Authority *authority = &fixture->authority;
    md_list_all_ret ret = { 0 };
    guint32 list = 0;
    guint32 identity = 0;

    peer_expect_reply(peer, act_for(peer, 65534), NULL, NULL);
    list = peer_call(peer, MD_PROC_LIST_ALL_DEVICES, MD_XDR(md_list_all_args), &args);
    identity = act_for(peer, 0);
    authority_await(authority, 2);
    g_ptr_array_add(authority->questions, g_ptr_array_steal_index(authority->questions, 0));
    authority_answer(authority, authority_make_reply(TRUE, FALSE, FALSE));
    peer_expect_error(peer, identity, VIR_ERR_OPERATION_DENIED, VIR_FROM_NONE,
                      "operation forbidden: this connection already acts for another user");

    authority_answer(authority, authority_make_reply(TRUE, FALSE, FALSE));
    authority_await(authority, 2);
    authority_answer(authority, authority_make_reply(TRUE, FALSE, FALSE));
    authority_answer(authority, authority_make_reply(FALSE, FALSE, FALSE));
    peer_expect_reply(peer, list, MD_XDR(md_list_all_ret), &ret);
    g_assert_cmpuint(ret.count, ==, 1);
    g_assert_cmpstr(ret.names.names_val[0], ==, "computer");
    md_message_clear(MD_XDR(md_list_all_ret), &ret);
}


static void
assert_question(Authority *authority, const char *permission, const char *device)
{
    GDBusMethodInvocation *question = NULL;
    g_autofree char *action = g_strconcat("org.libvirt.api.node-device.", permission, NULL);
    g_autofree char *text = NULL;

    authority_await(authority, 1);
    g_assert_cmpuint(authority->questions->len, ==, 1);
    question = g_ptr_array_index(authority->questions, 0);
    text = g_variant_print(g_dbus_method_invocation_get_parameters(question), FALSE);
    g_assert_nonnull(strstr(text, action));
    g_assert_nonnull(strstr(text, device));
}


static void
expect_question(Authority *authority, const char *permission, const char *device)
{
    assert_question(authority, permission, device);
    authority_answer(authority, authority_make_reply(TRUE, FALSE, FALSE));
}


/* The devices that a document affects are looked up again after each answer; permissions already
 * granted are not requested again. */
static void
test_affected(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    const md_text_args args = { (char *)"document", 0 };
    g_autoptr(Peer) peer = peer_new_open(&fixture->host, FALSE);
    Authority *authority = &fixture->authority;
    MdDriver *driver = fixture->host.driver;
    md_text_ret ret = { 0 };
    guint32 create = 0;

    peer_expect_reply(peer, act_for(peer, 65534), NULL, NULL);
    fake_driver_set_affected(driver, "parent", "first");
    create = peer_call(peer, MD_PROC_CREATE_XML, MD_XDR(md_text_args), &args);
    expect_question(authority, "write", "'new device'");
    expect_question(authority, "start", "'new device'");
    expect_question(authority, "getattr", "'parent'");
    expect_question(authority, "write", "'first'");
    fake_driver_set_affected(driver, "parent", "second");
    expect_question(authority, "start", "'first'");
    expect_question(authority, "write", "'second'");
    assert_question(authority, "start", "'second'");
    fake_driver_set_affected(driver, "parent", "first");
    authority_answer(authority, authority_make_reply(TRUE, FALSE, FALSE));
    wait_until(fake_driver_count_waiting(driver) == 1);
    fake_driver_end(driver, 0);
    peer_expect_reply(peer, create, MD_XDR(md_text_ret), &ret);
    md_message_clear(MD_XDR(md_text_ret), &ret);
}


/* A refused call has no effect. */
static void
test_affected_refused(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    static const struct {
        int procedure;
        const char *asked[6][2];
    } rows[] = {
        { MD_PROC_CREATE_XML,
          { { "write", "'new device'" },
            { "start", "'new device'" },
            { "getattr", "'parent'" },
            { "write", "'device'" },
            { "start", "'device'" } } },
        { MD_PROC_DEFINE_XML,
          { { "write", "'new device'" }, { "getattr", "'parent'" }, { "write", "'device'" } } },
    };
    const md_text_args args = { (char *)"document", 0 };
    g_autoptr(Peer) peer = peer_new_open(&fixture->host, FALSE);
    Authority *authority = &fixture->authority;

    peer_expect_reply(peer, act_for(peer, 65534), NULL, NULL);
    fake_driver_set_affected(fixture->host.driver, "parent", "device");
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        for (guint refused = 0; rows[i].asked[refused][0] != NULL; refused++) {
            guint32 call = peer_call(peer, rows[i].procedure, MD_XDR(md_text_args), &args);

            for (guint n = 0; n < refused; n++)
                expect_question(authority, rows[i].asked[n][0], rows[i].asked[n][1]);
            assert_question(authority, rows[i].asked[refused][0], rows[i].asked[refused][1]);
            authority_answer(authority, authority_make_reply(FALSE, FALSE, FALSE));
            peer_expect_error(peer, call, VIR_ERR_ACCESS_DENIED, VIR_FROM_ACCESS,
                              "access denied: 'nodedev' denied access");
        }
    }
    g_assert_cmpuint(fake_driver_count_waiting(fixture->host.driver), ==, 0);
}


/* A hung polkit delays events by one timeout in total, not by one for every few events. */
static void
test_many_events(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    const md_register_args all = { VIR_NODE_DEVICE_EVENT_ID_UPDATE, NULL };
    g_autoptr(Peer) peer = peer_new_open(&fixture->host, FALSE);
    g_autoptr(MdMessage) message = NULL;
    Authority *authority = &fixture->authority;
    md_int_ret ret = { 0 };
    guint32 serial = 0;

    peer_expect_reply(peer, act_for(peer, 65534), NULL, NULL);
    serial = peer_call(peer, MD_PROC_REGISTER_EVENT, MD_XDR(md_register_args), &all);
    authority_await(authority, 1);
    authority_answer(authority, authority_make_reply(TRUE, FALSE, FALSE));
    peer_expect_reply(peer, serial, MD_XDR(md_int_ret), &ret);

    fixture->host.settings->polkit_timeout = 50;
    for (guint i = 0; i < 1000; i++)
        fake_driver_emit(fixture->host.driver, "computer", VIR_NODE_DEVICE_EVENT_ID_UPDATE, 0);
    peer_expect_alive(peer);
    settle();
    g_assert_cmpuint(authority->questions->len, <=, 8);

    /* When polkit is back, events are delivered again. */
    while (authority->questions->len > 0)
        authority_answer(authority, authority_make_reply(TRUE, FALSE, FALSE));
    fixture->host.settings->polkit_timeout = 10000;
    fake_driver_emit(fixture->host.driver, "computer", VIR_NODE_DEVICE_EVENT_ID_UPDATE, 0);
    /* Questions about earlier events may still arrive. */
    while (message == NULL) {
        while (authority->questions->len > 0)
            authority_answer(authority, authority_make_reply(TRUE, FALSE, FALSE));
        run_briefly();
        message = peer_poll(peer);
    }
    g_assert_cmpint(message->header.proc, ==, MD_PROC_EVENT_UPDATE);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, func) g_test_add(path, Fixture, NULL, set_up, func, tear_down)
    ADD("/access/every-procedure", test_every_procedure);
    ADD("/access/identity-changes", test_identity_changes);
    ADD("/access/many-events", test_many_events);
    ADD("/access/affected", test_affected);
    ADD("/access/affected-refused", test_affected_refused);
    return g_test_run();
}
