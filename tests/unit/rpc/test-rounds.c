/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Users take turns, and so do the clients of each user. */
#include "config.h"

#include "rpc/rounds.h"

#include <sys/socket.h>
#include <unistd.h>

#include "util/polled.h"
#include "util/source.h"

#include "../settle.h"

typedef struct {
    MdRoundsPlace place;
    char name;
    guint again;           /* number of further turns that the client requests */
    MdRoundsPlace *leaves; /* another client's place, removed during the turn */
    uid_t uid;
} Client;

static GString *story;

/* New users in each test, because the turns of earlier tests still count. */
static uid_t anna, bert;


static void
begin(void)
{
    static uid_t last = 1000;

    anna = ++last;
    bert = ++last;
    story = g_string_new(NULL);
}


static void
on_turn(gpointer data)
{
    Client *client = data;

    g_string_append_c(story, client->name);
    if (client->leaves != NULL)
        md_rounds_leave(client->leaves);
    if (client->again-- > 1)
        md_rounds_enqueue(&client->place, client->uid, on_turn, client);
}


static void
wait_in_line(Client *client, char name, uid_t uid, guint turns)
{
    client->name = name;
    client->uid = uid;
    client->again = turns;
    md_rounds_enqueue(&client->place, uid, on_turn, client);
}


static void
test_turns(void)
{
    Client clients[5] = { 0 };

    begin();
    wait_in_line(&clients[0], 'a', anna, 2);
    wait_in_line(&clients[1], 'b', anna, 1);
    wait_in_line(&clients[2], 'c', anna, 3);
    wait_in_line(&clients[3], '1', bert, 2);
    wait_in_line(&clients[3], '1', bert, 2);
    g_assert_cmpstr(story->str, ==, "");
    g_assert_true(md_rounds_is_waiting(&clients[3].place));
    settle();
    g_assert_cmpstr(story->str, ==, "a1b1cacc");
    g_assert_false(md_rounds_is_waiting(&clients[3].place));
    g_string_free(story, TRUE);
}


static void
test_leave(void)
{
    Client clients[3] = { 0 };

    begin();
    wait_in_line(&clients[0], 'a', anna, 1);
    wait_in_line(&clients[1], 'b', anna, 1);
    wait_in_line(&clients[2], '1', bert, 1);
    clients[0].leaves = &clients[2].place;
    md_rounds_leave(&clients[1].place);
    md_rounds_leave(&clients[1].place);
    settle();
    g_assert_cmpstr(story->str, ==, "a");
    g_string_free(story, TRUE);
}


static gboolean
on_one_arrival(gpointer data)
{
    Client *clients = data;

    md_rounds_run_or_enqueue(&clients[0].place, anna, on_turn, &clients[0]);
    g_assert_cmpstr(story->str, ==, "a");
    return G_SOURCE_REMOVE;
}


/* A turn begins at once if no client waits. */
static void
test_take(void)
{
    Client clients[3] = { { .name = 'a' }, { .name = 'b' }, { .name = '1' } };
    GSource *source = NULL;

    begin();
    source = md_source_attach(g_idle_source_new(), on_one_arrival, clients);
    settle();
    md_source_clear(&source);

    md_rounds_enqueue(&clients[1].place, anna, on_turn, &clients[1]);
    md_rounds_run_or_enqueue(&clients[2].place, bert, on_turn, &clients[2]);
    g_assert_cmpstr(story->str, ==, "a");
    settle();
    g_assert_cmpstr(story->str, ==, "a1b");
    g_string_free(story, TRUE);
}


static void
on_long_turn(gpointer data)
{
    gint64 start = g_get_monotonic_time();

    on_turn(data);
    while (g_get_monotonic_time() - start < 1000)
        ;
}


static gboolean
on_three_arrivals(gpointer data)
{
    Client *clients = data;

    for (guint i = 0; i < 3; i++)
        md_rounds_run_or_enqueue(&clients[i].place, clients[i].uid, on_long_turn, &clients[i]);
    g_assert_cmpstr(story->str, ==, "a");
    g_assert_true(md_rounds_is_waiting(&clients[1].place));
    return G_SOURCE_REMOVE;
}


/* After a long turn, other clients wait until the main loop has checked for new input. */
static void
test_long(void)
{
    Client clients[3] = { { .name = 'a' }, { .name = 'b' }, { .name = '1' } };
    GSource *source = NULL;

    begin();
    clients[0].uid = clients[1].uid = anna;
    clients[2].uid = bert;
    source = md_source_attach(g_idle_source_new(), on_three_arrivals, clients);
    settle();
    md_source_clear(&source);
    g_assert_cmpstr(story->str, ==, "a1b");
    g_string_free(story, TRUE);
}


static Client late;
static GSource *arrival;


static gboolean
on_arrival(gpointer data G_GNUC_UNUSED)
{
    md_rounds_run_or_enqueue(&late.place, late.uid, on_turn, &late);
    return G_SOURCE_REMOVE;
}


/* The late client's input arrives during this turn. */
static void
on_first_turn(gpointer data)
{
    GSource *idle = g_idle_source_new();

    on_long_turn(data);
    g_source_set_priority(idle, G_PRIORITY_DEFAULT);
    arrival = md_source_attach(idle, on_arrival, NULL);
}


/* A new user is next. */
static void
test_arrival(void)
{
    Client crowd[4] = { 0 };

    begin();
    late = (Client){ .name = '1', .uid = bert };
    crowd[0] = (Client){ .name = 'a', .uid = anna };
    md_rounds_enqueue(&crowd[0].place, anna, on_first_turn, &crowd[0]);
    for (guint i = 1; i < G_N_ELEMENTS(crowd); i++) {
        crowd[i] = (Client){ .name = 'a', .uid = anna };
        md_rounds_enqueue(&crowd[i].place, anna, on_long_turn, &crowd[i]);
    }
    settle();
    md_source_clear(&arrival);
    g_assert_cmpstr(story->str, ==, "a1aaa");
    g_string_free(story, TRUE);
}


static void
on_last_turn(gpointer data)
{
    on_turn(data);
    g_free(data);
}


/* A client may be freed during its turn. */
static void
test_freed(void)
{
    Client *client = g_new0(Client, 1);

    begin();
    client->name = 'a';
    md_rounds_enqueue(&client->place, anna, on_last_turn, client);
    settle();
    g_assert_cmpstr(story->str, ==, "a");
    g_string_free(story, TRUE);
}


/* A user cannot get an earlier turn by leaving and waiting again. */
static void
test_coming_again(void)
{
    Client clients[3] = { 0 };

    begin();
    wait_in_line(&clients[0], 'a', anna, 1);
    settle();
    wait_in_line(&clients[0], 'a', anna, 1);
    wait_in_line(&clients[1], '1', bert, 2);
    settle();
    /* A user who does not wait saves up no turns. */
    wait_in_line(&clients[1], '1', bert, 3);
    wait_in_line(&clients[0], 'a', anna, 3);
    settle();
    g_assert_cmpstr(story->str, ==, "a1a11a1a1a");
    g_string_free(story, TRUE);
}


static int fds[2];
static MdPolled polled;


static void
on_byte(GIOCondition condition G_GNUC_UNUSED, gpointer data G_GNUC_UNUSED)
{
    char byte = 0;

    g_assert_cmpint(read(fds[0], &byte, 1), ==, 1);
    md_rounds_run_or_enqueue(&late.place, late.uid, on_turn, &late);
}


static void
on_speaking_turn(gpointer data)
{
    on_turn(data);
    g_assert_cmpint(write(fds[1], "x", 1), ==, 1);
}


/* A user who arrives during a turn is next, even if there is time for more turns in this
 * iteration. */
static void
test_arrival_during_turn(void)
{
    Client crowd[3] = { { .name = 'a' }, { .name = 'a' }, { .name = 'a' } };

    begin();
    late = (Client){ .name = '1', .uid = bert };
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
    g_assert_true(md_polled_set(&polled, fds[0], G_IO_IN, on_byte, NULL, NULL));
    md_rounds_enqueue(&crowd[0].place, anna, on_speaking_turn, &crowd[0]);
    for (guint i = 1; i < G_N_ELEMENTS(crowd); i++)
        md_rounds_enqueue(&crowd[i].place, anna, on_turn, &crowd[i]);
    settle();
    g_assert_cmpstr(story->str, ==, "a1aa");
    md_polled_set(&polled, fds[0], 0, NULL, NULL, NULL);
    close(fds[0]);
    close(fds[1]);
    g_string_free(story, TRUE);
}


static gboolean
pass_all(gpointer data)
{
    Client *client = data;

    for (guint i = 0; i < 32; i++)
        g_assert_true(md_rounds_may_send_now());
    g_assert_false(md_rounds_may_send_now());
    md_rounds_enqueue(&client->place, anna, on_turn, client);
    g_assert_false(md_rounds_may_send_now());
    return G_SOURCE_REMOVE;
}


/* A few frames are sent outside of turns, but none while a client waits. */
static void
test_pass(void)
{
    Client client = { .name = 'a' };
    GSource *idle = NULL;

    begin();
    idle = md_source_attach(g_idle_source_new(), pass_all, &client);
    settle();
    md_source_clear(&idle);
    g_assert_cmpstr(story->str, ==, "a");
    g_string_free(story, TRUE);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rounds/turns", test_turns);
    g_test_add_func("/rounds/leave", test_leave);
    g_test_add_func("/rounds/take", test_take);
    g_test_add_func("/rounds/coming-again", test_coming_again);
    g_test_add_func("/rounds/long", test_long);
    g_test_add_func("/rounds/arrival", test_arrival);
    g_test_add_func("/rounds/freed", test_freed);
    g_test_add_func("/rounds/arrival-during-turn", test_arrival_during_turn);
    g_test_add_func("/rounds/pass", test_pass);
    return g_test_run();
}
