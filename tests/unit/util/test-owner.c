/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shares of users, and the notification when a client disconnects. */
#include "config.h"

#include <unistd.h>

#include "util/owner.h"

#include "../settle.h"

#define SOMEBODY 1000
#define ANOTHER  1001

static guint n_gone;


static void
on_gone(gpointer data)
{
    n_gone++;
    if (data != NULL)
        md_owner_unwatch(data);
}


static void
test_shares(void)
{
    g_autoptr(MdOwner) root = md_owner_new(0);
    g_autoptr(MdOwner) self = md_owner_new(geteuid());
    g_autoptr(MdOwner) user = md_owner_new(SOMEBODY);
    g_autoptr(MdOwner) unknown = md_owner_new(MD_OWNER_UNKNOWN);
    MdOwner *daemon = md_owner_get_daemon();

    g_assert_cmpuint(md_owner_get_share(user), ==, SOMEBODY);
    g_assert_true(md_owner_is_privileged(root));
    g_assert_true(md_owner_is_privileged(self));
    g_assert_true(md_owner_is_privileged(daemon));
    g_assert_false(md_owner_is_privileged(user));
    g_assert_false(md_owner_is_privileged(unknown));
    g_assert_cmpuint(md_owner_get_share(daemon), !=, md_owner_get_share(root));
    g_assert_cmpuint(md_owner_get_share(daemon), !=, md_owner_get_share(self));
    g_assert_cmpuint(md_owner_get_share(daemon), !=, md_owner_get_share(unknown));

    g_assert_true(md_owner_is_writer(root));
    g_assert_false(md_owner_is_writer(user));
    md_owner_set_writer(user);
    g_assert_true(md_owner_is_writer(user));
}


/* There is one share per name of each kind, and per uid. */
static void
test_names(void)
{
    guint64 fred = md_owner_share_from_name("sasl", "fred");
    g_autofree char *user = md_owner_describe_share(SOMEBODY);
    g_autofree char *unknown = md_owner_describe_share(MD_OWNER_UNKNOWN);
    g_autofree char *remote = md_owner_describe_share(fred);
    g_autofree char *same = md_owner_describe_share(md_owner_share_from_name("sasl", "fred"));
    g_autoptr(MdOwner) owner = md_owner_new(fred);

    g_assert_cmpuint(fred, !=, md_owner_share_from_name("sasl", "jane"));
    g_assert_cmpuint(fred, !=, md_owner_share_from_name("saslf", "red"));
    g_assert_cmpuint(fred, >, MD_OWNER_UNKNOWN);
    g_assert_cmpuint(fred, !=, md_owner_get_share(md_owner_get_daemon()));
    g_assert_false(md_owner_is_privileged(owner));
    g_assert_false(md_owner_is_writer(owner));
    g_assert_cmpstr(user, ==, "user 1000");
    g_assert_cmpstr(unknown, ==, "an unknown user");
    g_assert_cmpstr(remote, ==, same);
}


/* A client stays the same owner, whatever its identity. */
static void
test_gone(void)
{
    g_autoptr(MdOwner) client = md_owner_new(0);
    g_autoptr(MdOwner) user = md_owner_new_for(client, SOMEBODY);
    g_autoptr(MdOwner) lasting = md_owner_new_lasting(user);
    g_autoptr(MdOwner) joint = md_owner_new_joint(user);
    MdOwnerWatch watches[4] = { 0 };

    n_gone = 0;
    md_owner_watch(client, &watches[0], on_gone, NULL);
    md_owner_watch(user, &watches[1], on_gone, NULL);
    md_owner_watch(lasting, &watches[2], on_gone, NULL);
    md_owner_watch(joint, &watches[3], on_gone, NULL);
    md_owner_leave(user);
    g_assert_cmpuint(n_gone, ==, 0);
    g_assert_true(md_owner_is_gone(client));
    g_assert_true(md_owner_is_gone(user));
    g_assert_false(md_owner_is_gone(lasting));
    g_assert_false(md_owner_is_gone(joint));
    settle();
    g_assert_cmpuint(n_gone, ==, 2);
    g_assert_cmpuint(md_owner_get_share(lasting), ==, SOMEBODY);
    g_assert_cmpuint(md_owner_get_share(joint), ==, SOMEBODY);

    md_owner_leave(joint);
    settle();
    g_assert_cmpuint(n_gone, ==, 3);
    md_owner_leave(md_owner_get_daemon());
    g_assert_false(md_owner_is_gone(md_owner_get_daemon()));
}


/* A change of identity before the first call keeps the client. */
static void
test_preparing(void)
{
    g_autoptr(MdOwner) user = md_owner_new(SOMEBODY);
    g_autoptr(MdOwner) preparing = NULL;

    md_owner_set_writer(user);
    preparing = md_owner_new_preparing(user);
    g_assert_cmpuint(md_owner_get_share(preparing), ==, SOMEBODY);
    g_assert_true(md_owner_is_writer(preparing));
    md_owner_set_begun(preparing);
    g_assert_false(md_owner_has_begun(user));
    md_owner_leave(user);
    g_assert_true(md_owner_is_gone(preparing));
}


/* A callback may remove other callbacks, and callbacks added during the notification run too. */
static void
test_watches(void)
{
    MdOwner *owner = md_owner_new(SOMEBODY);
    MdOwnerWatch watches[4] = { 0 };

    n_gone = 0;
    md_owner_watch(owner, &watches[0], on_gone, &watches[1]);
    md_owner_watch(owner, &watches[1], on_gone, NULL);
    md_owner_watch(owner, &watches[2], on_gone, NULL);
    md_owner_unwatch(&watches[2]);
    md_owner_unwatch(&watches[2]);
    md_owner_leave(owner);
    md_owner_leave(owner);
    md_owner_watch(owner, &watches[3], on_gone, NULL);
    md_owner_unref(owner);
    settle();
    g_assert_cmpuint(n_gone, ==, 2);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/owner/shares", test_shares);
    g_test_add_func("/owner/names", test_names);
    g_test_add_func("/owner/gone", test_gone);
    g_test_add_func("/owner/preparing", test_preparing);
    g_test_add_func("/owner/watches", test_watches);
    return g_test_run();
}
