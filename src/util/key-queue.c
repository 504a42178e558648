/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "util/key-queue.h"

typedef struct {
    MdKeyQueueFunc func;
    gpointer data;
} Turn;

/* The operations with one key. */
typedef struct {
    GQueue turns;       /* of Turn; the head has the key */
    gboolean beginning; /* the function of the head is running */
    gboolean ended;     /* the key was released by that function */
} Queue;

struct _MdKeyQueue {
    GHashTable *queues; /* key -> Queue */
};


static void
queue_free(Queue *queue)
{
    g_queue_clear_full(&queue->turns, g_free);
    g_free(queue);
}


MdKeyQueue *
md_key_queue_new(void)
{
    MdKeyQueue *self = g_new0(MdKeyQueue, 1);

    self->queues =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)queue_free);
    return self;
}


void
md_key_queue_free(MdKeyQueue *self)
{
    if (self == NULL)
        return;

    g_hash_table_unref(self->queues);
    g_free(self);
}


/* Calls the first function, and further ones as long as each releases the key before it returns. */
static void
begin_next(MdKeyQueue *self, const char *key, Queue *queue)
{
    Turn *turn = g_queue_peek_head(&queue->turns);

    while (turn != NULL) {
        queue->beginning = TRUE;
        queue->ended = FALSE;
        turn->func(turn->data);
        queue->beginning = FALSE;
        if (!queue->ended)
            return;
        g_free(g_queue_pop_head(&queue->turns));
        turn = g_queue_peek_head(&queue->turns);
    }
    g_hash_table_remove(self->queues, key);
}


void
md_key_queue_acquire(MdKeyQueue *self, const char *key, MdKeyQueueFunc func, gpointer data)
{
    Queue *queue = g_hash_table_lookup(self->queues, key);
    Turn *turn = g_new0(Turn, 1);
    g_autofree char *name = NULL;

    turn->func = func;
    turn->data = data;
    if (queue != NULL) {
        g_queue_push_tail(&queue->turns, turn);
        return;
    }

    /* `func` may free the caller's string. */
    name = g_strdup(key);
    queue = g_new0(Queue, 1);
    g_queue_push_tail(&queue->turns, turn);
    g_hash_table_insert(self->queues, g_strdup(key), queue);
    begin_next(self, name, queue);
}


void
md_key_queue_release(MdKeyQueue *self, const char *key)
{
    Queue *queue = g_hash_table_lookup(self->queues, key);
    g_autofree char *name = NULL;

    g_return_if_fail(queue != NULL && !queue->ended);

    if (queue->beginning) {
        queue->ended = TRUE;
        return;
    }
    name = g_strdup(key);
    g_free(g_queue_pop_head(&queue->turns));
    begin_next(self, name, queue);
}
