/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "util/turns.h"

typedef struct {
    MdTurnFunc func;
    gpointer data;
} Turn;

struct _MdTurns {
    GHashTable *queues; /* thing -> GQueue of Turn, whose head is the one under way */
};


static void
free_queue(GQueue *queue)
{
    g_queue_free_full(queue, g_free);
}


MdTurns *
md_turns_new(void)
{
    MdTurns *self = g_new0(MdTurns, 1);

    self->queues =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)free_queue);
    return self;
}


void
md_turns_free(MdTurns *self)
{
    if (self == NULL)
        return;

    g_hash_table_unref(self->queues);
    g_free(self);
}


void
md_turns_take(MdTurns *self, const char *thing, MdTurnFunc func, gpointer data)
{
    GQueue *queue = g_hash_table_lookup(self->queues, thing);
    Turn *turn = g_new0(Turn, 1);

    turn->func = func;
    turn->data = data;
    if (queue != NULL) {
        g_queue_push_tail(queue, turn);
        return;
    }

    queue = g_queue_new();
    g_queue_push_tail(queue, turn);
    g_hash_table_insert(self->queues, g_strdup(thing), queue);
    func(data);
}


void
md_turns_end(MdTurns *self, const char *thing)
{
    GQueue *queue = g_hash_table_lookup(self->queues, thing);
    Turn *next = NULL;

    g_return_if_fail(queue != NULL);

    g_free(g_queue_pop_head(queue));
    next = g_queue_peek_head(queue);
    if (next == NULL)
        g_hash_table_remove(self->queues, thing);
    else
        next->func(next->data);
}
