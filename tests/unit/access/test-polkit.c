/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks by polkit: all possible answers, errors and timeouts. */
#include "config.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <string.h>

#include "access/polkit.h"
#include "fake-authority.h"
#include "util/error.h"

#define ACTION "org.libvirt.unix.manage"
#define LONG   10000
#define SHORT  50

static const MdFairLimits limits = {
    .running = MD_POLKIT_MAX_ASKED,
    .running_per_owner = 60,
    .running_readers = 60,
    .running_per_reader = 4,
    .waiting = 300,
    .waiting_per_owner = 100,
};

/* One question and its answer. */
typedef struct {
    gboolean done;
    gboolean allowed;
    GError *error;
} Asked;


static void
asked_free(Asked *asked)
{
    g_clear_error(&asked->error);
    g_free(asked);
}


G_DEFINE_AUTOPTR_CLEANUP_FUNC(Asked, asked_free)


static void
on_answer(GObject *source, GAsyncResult *result, gpointer data)
{
    Asked *asked = data;

    g_assert_false(asked->done);
    asked->allowed = md_polkit_check_finish(MD_POLKIT(source), result, &asked->error);
    g_assert_true(asked->allowed == (asked->error == NULL));
    asked->done = TRUE;
}


static MdIdentity *
make_identity(guint64 start_time)
{
    MdIdentity *who = md_identity_new_from_params(NULL, 0, NULL);

    who->pid = 4242;
    who->uid = 65534;
    who->start_time = start_time;
    return who;
}


static Asked *
ask(MdPolkit *polkit, gboolean interactive, guint deadline, MdOwner *owner)
{
    g_autoptr(MdIdentity) who = make_identity(99);
    Asked *asked = g_new0(Asked, 1);

    md_polkit_check_async(polkit, who, ACTION, NULL, interactive, deadline, owner, on_answer,
                          asked);
    g_assert_false(asked->done);
    return asked;
}


static void
await(Asked *asked)
{
    while (!asked->done)
        g_main_context_iteration(NULL, TRUE);
}


static void
assert_refused(Asked *asked, int code, const char *words)
{
    await(asked);
    g_assert_error(asked->error, MD_ERROR, code);
    g_test_message("%s", asked->error->message);
    g_assert_nonnull(strstr(asked->error->message, words));
    g_assert_cmpint(md_error_get_from(asked->error), ==, VIR_FROM_POLKIT);
}


/* Checks that no source and no question remain. GDBus frees its own part asynchronously. */
static void
finish(MdPolkit *polkit)
{
    g_object_add_weak_pointer(G_OBJECT(polkit), (gpointer *)&polkit);
    g_object_unref(polkit);
    while (polkit != NULL)
        g_main_context_iteration(NULL, TRUE);
}


static void
test_question(Authority *authority, gconstpointer data G_GNUC_UNUSED)
{
    MdPolkit *polkit = md_polkit_new(&limits);
    g_autoptr(MdIdentity) who = make_identity(G_MAXUINT64);
    g_autoptr(Asked) asked = g_new0(Asked, 1);
    g_autoptr(GVariant) expected = NULL;
    GVariantBuilder details;

    g_variant_builder_init(&details, G_VARIANT_TYPE("a{ss}"));
    g_variant_builder_add(&details, "{ss}", "connect_driver", "nodedev");
    md_polkit_check_async(polkit, who, ACTION, g_variant_builder_end(&details), FALSE, LONG,
                          md_owner_get_daemon(), on_answer, asked);
    authority_await(authority, 1);
    expected = g_variant_new_parsed(
        "(('unix-process', {'pid': <uint32 4242>, 'start-time': <uint64 18446744073709551615>, "
        "'uid': <int32 65534>}), %s, {'connect_driver': 'nodedev'}, uint32 0, '')",
        ACTION);
    g_assert_true(
        g_variant_equal(g_dbus_method_invocation_get_parameters(authority->questions->pdata[0]),
                        expected));
    authority_answer(authority, authority_make_reply(TRUE, FALSE, FALSE));
    await(asked);
    g_assert_true(asked->allowed);
    finish(polkit);
}


static void
test_answers(Authority *authority, gconstpointer data G_GNUC_UNUSED)
{
    MdPolkit *polkit = md_polkit_new(&limits);
    g_autoptr(Asked) denied = ask(polkit, FALSE, LONG, md_owner_get_daemon());
    g_autoptr(Asked) challenged = ask(polkit, FALSE, LONG, md_owner_get_daemon());
    g_autoptr(Asked) dismissed = ask(polkit, TRUE, LONG, md_owner_get_daemon());

    authority_await(authority, 3);
    authority_answer(authority, authority_make_reply(FALSE, FALSE, FALSE));
    authority_answer(authority, authority_make_reply(FALSE, TRUE, FALSE));
    authority_answer(authority, authority_make_reply(FALSE, TRUE, TRUE));
    assert_refused(denied, VIR_ERR_AUTH_FAILED, "access denied by policy");
    assert_refused(challenged, VIR_ERR_AUTH_UNAVAILABLE,
                   "no polkit agent available to authenticate action '" ACTION "'");
    assert_refused(dismissed, VIR_ERR_AUTH_CANCELLED, "user cancelled");
    g_assert_true(md_polkit_is_answer(denied->error));
    g_assert_true(md_polkit_is_answer(challenged->error));
    g_assert_true(md_polkit_is_answer(dismissed->error));
    finish(polkit);
}


static void
test_malformed(Authority *authority, gconstpointer data G_GNUC_UNUSED)
{
    static const char *const replies[] = { "(true,)", "()", "('yes',)", "((true, false),)",
                                           "((true, false, {'a': <1>}),)" };
    MdPolkit *polkit = md_polkit_new(&limits);

    for (gsize i = 0; i < G_N_ELEMENTS(replies); i++) {
        g_autoptr(Asked) asked = ask(polkit, FALSE, LONG, md_owner_get_daemon());

        authority_await(authority, 1);
        authority_answer(authority, g_variant_new_parsed(replies[i]));
        assert_refused(asked, VIR_ERR_DBUS_SERVICE, "polkit failed to check '" ACTION "'");
        g_assert_false(md_polkit_is_answer(asked->error));
    }
    finish(polkit);
}


static void
test_error(Authority *authority, gconstpointer data G_GNUC_UNUSED)
{
    MdPolkit *polkit = md_polkit_new(&limits);
    g_autoptr(Asked) asked = ask(polkit, FALSE, LONG, md_owner_get_daemon());

    authority_await(authority, 1);
    g_dbus_method_invocation_return_dbus_error(g_ptr_array_steal_index(authority->questions, 0),
                                               "org.freedesktop.PolicyKit1.Error.Failed",
                                               "Action is not registered");
    assert_refused(asked, VIR_ERR_DBUS_SERVICE, ": Action is not registered");
    finish(polkit);
}


/* Ensures that the bus is connected, so that a question with a short deadline reaches the
 * authority. */
static void
connect_bus(Authority *authority, MdPolkit *polkit)
{
    g_autoptr(Asked) asked = ask(polkit, FALSE, LONG, md_owner_get_daemon());

    authority_await(authority, 1);
    authority_answer(authority, authority_make_reply(TRUE, FALSE, FALSE));
    await(asked);
}


/* A late answer is ignored. */
static void
test_hang(Authority *authority, gconstpointer data G_GNUC_UNUSED)
{
    MdPolkit *polkit = md_polkit_new(&limits);
    g_autoptr(Asked) asked = NULL;
    g_autoptr(Asked) second = NULL;

    connect_bus(authority, polkit);
    asked = ask(polkit, FALSE, SHORT, md_owner_get_daemon());
    assert_refused(asked, VIR_ERR_OPERATION_TIMEOUT, "did not answer in time");
    authority_await(authority, 1);
    authority_answer(authority, authority_make_reply(TRUE, FALSE, FALSE));
    second = ask(polkit, FALSE, LONG, md_owner_get_daemon());
    authority_await(authority, 1);
    authority_answer(authority, authority_make_reply(TRUE, FALSE, FALSE));
    await(second);
    g_assert_true(second->allowed);
    g_assert_cmpuint(authority->cancelled->len, ==, 0);
    finish(polkit);
}


/* A timeout cancels the password prompt. */
static void
test_taken_back(Authority *authority, gconstpointer data)
{
    gboolean by_deadline = GPOINTER_TO_INT(data);
    MdPolkit *polkit = md_polkit_new(&limits);
    g_autoptr(MdOwner) owner = md_owner_new(65534);
    g_autoptr(Asked) asked = NULL;
    g_autofree char *id = NULL;
    guint flags = 0;

    connect_bus(authority, polkit);
    asked = ask(polkit, TRUE, by_deadline ? SHORT : LONG, owner);
    authority_await(authority, 1);
    g_variant_get(g_dbus_method_invocation_get_parameters(authority->questions->pdata[0]),
                  "(@(sa{sv})&s@a{ss}us)", NULL, NULL, NULL, &flags, &id);
    g_assert_cmpuint(flags, ==, 1);
    g_assert_cmpstr(id, !=, "");
    if (!by_deadline)
        md_owner_leave(owner);
    assert_refused(asked, by_deadline ? VIR_ERR_OPERATION_TIMEOUT : VIR_ERR_OPERATION_ABORTED, "");
    while (authority->cancelled->len == 0)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpstr(authority->cancelled->pdata[0], ==, id);
    finish(polkit);
}


static void
test_cancelled_before(Authority *authority, gconstpointer data G_GNUC_UNUSED)
{
    MdPolkit *polkit = md_polkit_new(&limits);
    g_autoptr(MdOwner) owner = md_owner_new(65534);
    g_autoptr(Asked) asked = NULL;

    md_owner_leave(owner);
    asked = ask(polkit, FALSE, LONG, owner);
    assert_refused(asked, VIR_ERR_OPERATION_ABORTED, "");
    finish(polkit);
}


static void
test_absent(Authority *authority, gconstpointer data G_GNUC_UNUSED)
{
    MdPolkit *polkit = md_polkit_new(&limits);
    g_autoptr(Asked) asked = NULL;
    g_autoptr(Asked) second = NULL;

    authority_go(authority);
    asked = ask(polkit, FALSE, LONG, md_owner_get_daemon());
    assert_refused(asked, VIR_ERR_DBUS_SERVICE, "polkit failed to check");
    authority_come(authority);
    second = ask(polkit, FALSE, LONG, md_owner_get_daemon());
    authority_await(authority, 1);
    authority_answer(authority, authority_make_reply(TRUE, FALSE, FALSE));
    await(second);
    g_assert_true(second->allowed);
    finish(polkit);
}


/* The bus disconnects during a check, is absent for the next one, and is used again when it
 * returns. */
static void
test_bus_goes(Authority *authority, gconstpointer data G_GNUC_UNUSED)
{
    MdPolkit *polkit = md_polkit_new(&limits);
    g_autoptr(Asked) under_way = ask(polkit, FALSE, LONG, md_owner_get_daemon());
    g_autoptr(Asked) without = NULL;
    g_autoptr(Asked) again = NULL;

    authority_await(authority, 1);
    authority_go(authority);
    g_test_dbus_down(authority->bus);
    assert_refused(under_way, VIR_ERR_DBUS_SERVICE, "polkit");
    without = ask(polkit, FALSE, LONG, md_owner_get_daemon());
    assert_refused(without, VIR_ERR_DBUS_SERVICE, "polkit");

    g_clear_object(&authority->bus);
    authority->bus = g_test_dbus_new(G_TEST_DBUS_NONE);
    g_test_dbus_up(authority->bus);
    authority_come(authority);
    again = ask(polkit, FALSE, LONG, md_owner_get_daemon());
    authority_await(authority, 1);
    authority_answer(authority, authority_make_reply(TRUE, FALSE, FALSE));
    await(again);
    g_assert_true(again->allowed);
    finish(polkit);
}


/* A bus that accepts connections but never responds. */
static void
test_bus_hangs(void)
{
    g_autofree char *dir = g_dir_make_tmp("bus-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "bus", NULL);
    g_autofree char *address = g_strconcat("unix:path=", path, NULL);
    g_autoptr(GSocketListener) listener = g_socket_listener_new();
    g_autoptr(GSocketAddress) where = g_unix_socket_address_new(path);
    MdPolkit *polkit = md_polkit_new(&limits);
    g_autoptr(Asked) first = NULL;
    g_autoptr(Asked) second = NULL;

    g_assert_true(g_socket_listener_add_address(listener, where, G_SOCKET_TYPE_STREAM,
                                                G_SOCKET_PROTOCOL_DEFAULT, NULL, NULL, NULL));
    g_setenv("DBUS_SYSTEM_BUS_ADDRESS", address, TRUE);
    first = ask(polkit, FALSE, SHORT, md_owner_get_daemon());
    assert_refused(first, VIR_ERR_OPERATION_TIMEOUT, "in time");
    second = ask(polkit, FALSE, SHORT, md_owner_get_daemon());
    assert_refused(second, VIR_ERR_OPERATION_TIMEOUT, "in time");

    g_socket_listener_close(listener);
    g_assert_cmpint(g_unlink(path), ==, 0);
    g_assert_cmpint(g_rmdir(dir), ==, 0);
    finish(polkit);
}


/* A bus limits the pending calls of one connection. */
static void
test_many(Authority *authority, gconstpointer data G_GNUC_UNUSED)
{
    MdPolkit *polkit = md_polkit_new(&limits);
    g_autoptr(GPtrArray) asked = g_ptr_array_new_with_free_func((GDestroyNotify)asked_free);
    guint most = 0;

    for (guint i = 0; i < 3 * MD_POLKIT_MAX_ASKED; i++)
        g_ptr_array_add(asked, ask(polkit, FALSE, LONG, md_owner_get_daemon()));
    for (guint i = 0; i < asked->len; i++) {
        authority_await(authority, 1);
        most = MAX(most, authority->questions->len);
        authority_answer(authority, authority_make_reply(TRUE, FALSE, FALSE));
    }
    for (guint i = 0; i < asked->len; i++) {
        await(asked->pdata[i]);
        g_assert_true(((Asked *)asked->pdata[i])->allowed);
    }
    g_assert_cmpuint(most, <=, MD_POLKIT_MAX_ASKED);
    finish(polkit);
}


/* Asks `n` questions for a user. */
static GPtrArray *
ask_many(MdPolkit *polkit, MdOwner *owner, guint n)
{
    GPtrArray *asked = g_ptr_array_new_with_free_func((GDestroyNotify)asked_free);

    for (guint i = 0; i < n; i++)
        g_ptr_array_add(asked, ask(polkit, FALSE, LONG, owner));
    return asked;
}


static guint
count_done(GPtrArray *asked)
{
    guint n = 0;

    for (guint i = 0; i < asked->len; i++)
        n += ((const Asked *)asked->pdata[i])->done;
    return n;
}


/* However many checks of one user are queued, another user's is the next one sent to polkit; a
 * check above the limit is refused. */
static void
test_shares(Authority *authority, gconstpointer data G_GNUC_UNUSED)
{
    const guint most = limits.running_per_reader + limits.waiting_per_owner;
    MdPolkit *polkit = md_polkit_new(&limits);
    g_autoptr(MdOwner) anna = md_owner_new(1000);
    g_autoptr(MdOwner) bert = md_owner_new(1001);
    g_autoptr(GPtrArray) many = ask_many(polkit, anna, most);
    g_autoptr(Asked) refused = ask(polkit, FALSE, LONG, anna);
    g_autoptr(Asked) one = NULL;

    assert_refused(refused, VIR_ERR_RESOURCE_BUSY,
                   "too many polkit checks are waiting for user 1000: 100");
    authority_await(authority, limits.running_per_reader);
    one = ask(polkit, FALSE, LONG, bert);
    authority_await(authority, limits.running_per_reader + 1);
    g_assert_cmpuint(authority->questions->len, ==, limits.running_per_reader + 1);
    for (guint i = 0; i <= limits.running_per_reader; i++)
        authority_answer(authority, authority_make_reply(TRUE, FALSE, FALSE));
    await(one);
    g_assert_true(one->allowed);
    g_assert_cmpuint(count_done(many), <=, limits.running_per_reader);

    /* Questions of a client that disconnects are dropped. */
    md_owner_leave(anna);
    for (guint i = 0; i < many->len; i++)
        await(many->pdata[i]);
    g_assert_cmpuint(authority->questions->len, <=, limits.running_per_reader);
    finish(polkit);
}


/* Without the start time, polkit would guess the process. */
static void
test_unknown(Authority *authority, gconstpointer data G_GNUC_UNUSED)
{
    MdPolkit *polkit = md_polkit_new(&limits);
    g_autoptr(MdIdentity) who = make_identity(0);
    g_autoptr(Asked) asked = g_new0(Asked, 1);

    md_polkit_check_async(polkit, who, ACTION, NULL, FALSE, LONG, md_owner_get_daemon(), on_answer,
                          asked);
    assert_refused(asked, VIR_ERR_DBUS_SERVICE, "is unknown or out of range");
    g_assert_cmpuint(authority->questions->len, ==, 0);
    finish(polkit);
}


/* polkit's protocol has no room for such a uid, and polkit would guess the user of a negative
 * one. */
static void
test_high_uid(Authority *authority, gconstpointer data G_GNUC_UNUSED)
{
    const gint64 uids[] = { G_MAXINT32 + G_GINT64_CONSTANT(1), G_MAXUINT32 };
    MdPolkit *polkit = md_polkit_new(&limits);

    for (gsize i = 0; i < G_N_ELEMENTS(uids); i++) {
        g_autoptr(MdIdentity) who = make_identity(99);
        g_autoptr(Asked) asked = g_new0(Asked, 1);

        who->uid = uids[i];
        md_polkit_check_async(polkit, who, ACTION, NULL, FALSE, SHORT, md_owner_get_daemon(),
                              on_answer, asked);
        assert_refused(asked, VIR_ERR_DBUS_SERVICE, "is unknown or out of range");
    }
    g_assert_cmpuint(authority->questions->len, ==, 0);
    finish(polkit);
}


#define ADD(name, data, func)                                                                      \
    g_test_add("/polkit/" name, Authority, data, authority_set_up, func, authority_tear_down)


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("question", NULL, test_question);
    ADD("answers", NULL, test_answers);
    ADD("malformed", NULL, test_malformed);
    ADD("error", NULL, test_error);
    ADD("hang", NULL, test_hang);
    ADD("taken-back/deadline", GINT_TO_POINTER(TRUE), test_taken_back);
    ADD("taken-back/cancelled", GINT_TO_POINTER(FALSE), test_taken_back);
    ADD("cancelled-before", NULL, test_cancelled_before);
    ADD("absent", NULL, test_absent);
    ADD("bus-goes", NULL, test_bus_goes);
    g_test_add_func("/polkit/bus-hangs", test_bus_hangs);
    ADD("many", NULL, test_many);
    ADD("shares", NULL, test_shares);
    ADD("unknown", NULL, test_unknown);
    ADD("high-uid", NULL, test_high_uid);
    return g_test_run();
}
