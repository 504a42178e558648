/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "rpc/rounds.h"

#include "util/polled.h"
#include "util/source.h"

/* Microseconds for clients per iteration of the main loop. */
#define ROUND_TIME 50

/* Maximum number of frames sent without a turn per iteration of the main loop. */
#define PASSED_MAX 32

/* A user's turns and waiting clients. */
typedef struct _MdRoundsShare {
    guint64 key;
    guint64 used;  /* number of turns; raised to `reached` when the user begins to wait */
    GQueue places; /* of MdRoundsPlace, linked by `link` */
} Share;

/* key → Share: users who wait, and users with more turns than `reached`. This and the following
 * variables belong to the process, because its only main loop is shared. */
static GHashTable *shares;

/* Of Share: users who wait, the one who has waited longest first. Short, because it has one entry
 * per user, not per client. */
static GQueue waiting = G_QUEUE_INIT;

/* The number of turns that the user being served had before this turn. */
static guint64 reached;

/* Always ready; exists while a client waits. */
static GSource *source;

/* The current iteration of the main loop, identified by its time, and the microseconds used by
 * clients in it. */
static gint64 loop_time;
static gint64 spent;

/* Frames sent without a turn in this iteration. */
static guint n_passed;


static gboolean
is_forgotten(gpointer key G_GNUC_UNUSED, gpointer value, gpointer data G_GNUC_UNUSED)
{
    Share *share = value;

    return g_queue_is_empty(&share->places) && share->used <= reached;
}


/* A user who begins to wait must not have fewer turns than the others, so that turns are not saved
 * up. */
static Share *
get_share(guint64 key)
{
    Share *share = NULL;

    if (shares == NULL)
        shares = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    share = g_hash_table_lookup(shares, &key);
    if (share == NULL) {
        g_hash_table_foreach_remove(shares, is_forgotten, NULL);
        share = g_new0(Share, 1);
        share->key = key;
        g_queue_init(&share->places);
        g_hash_table_insert(shares, &share->key, share);
    }
    if (g_queue_is_empty(&share->places))
        share->used = MAX(share->used, reached);
    return share;
}


void
md_rounds_leave(MdRoundsPlace *place)
{
    Share *share = g_steal_pointer(&place->share);

    if (share == NULL)
        return;

    g_queue_unlink(&share->places, &place->link);
    if (g_queue_is_empty(&share->places))
        g_queue_remove(&waiting, share);
    if (g_queue_is_empty(&waiting))
        md_source_clear(&source);
}


/* turn() may free `place`. */
static void
give_turn(MdRoundsPlace *place, Share *share)
{
    gint64 start = g_get_monotonic_time();

    reached = share->used++;
    place->turn(place->data);
    spent += g_get_monotonic_time() - start;
}


/* The user with the fewest turns is next; of several, the one who has waited longest. */
static void
give_next_turn(void)
{
    Share *next = NULL;
    MdRoundsPlace *place = NULL;

    for (GList *link = waiting.head; link != NULL; link = link->next) {
        Share *share = link->data;

        if (next == NULL || share->used < next->used)
            next = share;
    }
    place = g_queue_peek_head(&next->places);
    md_rounds_leave(place);
    give_turn(place, next);
}


/* Whether time for clients is left in this iteration of the main loop. */
static gboolean
has_time(void)
{
    GSource *current = g_main_current_source();
    gint64 now = current != NULL ? g_source_get_time(current) : g_get_monotonic_time();

    if (now != loop_time) {
        spent = 0;
        n_passed = 0;
    }
    loop_time = now;
    return spent < ROUND_TIME;
}


static gboolean on_round(gpointer data);


static void
need_source(void)
{
    if (source == NULL && !g_queue_is_empty(&waiting))
        source = md_source_attach_turns(on_round, NULL);
}


/* GLib dispatches the newest source last. By then, all clients with new input are waiting; so a new
 * source is attached for each iteration. */
static gboolean
on_round(gpointer data G_GNUC_UNUSED)
{
    while (!g_queue_is_empty(&waiting) && has_time()) {
        md_polled_process();
        /* Other clients may have left during md_polled_process(). */
        if (!g_queue_is_empty(&waiting))
            give_next_turn();
    }
    md_source_clear(&source);
    need_source();
    return G_SOURCE_REMOVE;
}


void
md_rounds_enqueue(MdRoundsPlace *place, guint64 key, void (*turn)(gpointer data), gpointer data)
{
    if (place->share != NULL)
        return;

    place->turn = turn;
    place->data = data;
    place->share = get_share(key);
    place->link.data = place;
    if (g_queue_is_empty(&place->share->places))
        g_queue_push_tail(&waiting, place->share);
    g_queue_push_tail_link(&place->share->places, &place->link);
    need_source();
}


gboolean
md_rounds_may_send_now(void)
{
    has_time();
    return g_queue_is_empty(&waiting) && n_passed++ < PASSED_MAX;
}


void
md_rounds_run_or_enqueue(MdRoundsPlace *place,
                         guint64 key,
                         void (*turn)(gpointer data),
                         gpointer data)
{
    if (!g_queue_is_empty(&waiting) || !has_time()) {
        md_rounds_enqueue(place, key, turn, data);
        return;
    }
    place->turn = turn;
    place->data = data;
    give_turn(place, get_share(key));
}


gboolean
md_rounds_is_waiting(const MdRoundsPlace *place)
{
    return place->share != NULL;
}
