/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "node_device/vpd-search.h"

#include "conf/cap-pci.h"
#include "probe/probe.h"
#include "util/fair-queue.h"
#include "util/worker.h"

/* Maximum number of cards queried at once by one search, each on a thread of its own. */
#define QUERIES_MAX 64

/* A card to be queried. */
typedef struct {
    MdNodeDeviceDef *def;
    guint64 inode;
    gboolean found;
} Query;

typedef struct {
    MdOwner *owner;
    GHashTable *found; /* names */
    GQueue queries;    /* of Query, not begun */
    guint n_running;   /* queries on workers */
    guint deadline;
    GError *error; /* why a card could not be queried */
} Search;


static void
query_free(Query *query)
{
    md_node_device_def_unref(query->def);
    g_free(query);
}


static void
search_free(Search *search)
{
    md_owner_unref(search->owner);
    g_clear_pointer(&search->found, g_hash_table_unref);
    g_queue_clear_full(&search->queries, (GDestroyNotify)query_free);
    g_clear_error(&search->error);
    g_free(search);
}


gboolean
md_vpd_search_may_find(const MdNodeDevice *device)
{
    const MdCapPci *cap = md_node_device_def_get_cap(device->def, &md_cap_kind_pci);

    return device->active && cap != NULL && cap->may_have_vpd;
}


static gboolean
query_answer(Query *query, gboolean may_block, GError **error)
{
    g_autoptr(MdNodeDeviceDef) kept = md_probe_get_kept(query->def, query->inode, may_block, error);
    const MdCapPci *cap = kept != NULL ? md_node_device_def_get_cap(kept, &md_cap_kind_pci) : NULL;

    query->found = cap != NULL && cap->vpd != NULL;
    return kept != NULL;
}


static gboolean
query_on_worker(gpointer data, GError **error)
{
    return query_answer(data, TRUE, error);
}


/* Fails the whole search, because a list without the remaining cards would be wrong. Takes
 * ownership of `error`. */
static void
stop_search(Search *search, GError *error)
{
    g_queue_clear_full(&search->queries, (GDestroyNotify)query_free);
    if (search->error == NULL)
        search->error = error;
    else
        g_error_free(error);
}


static void on_answer(gpointer data, GError *error, gpointer user_data);


static void
record_answer(Search *search, const Query *query, const GError *error)
{
    if (error != NULL)
        g_debug("No vital product data: %s", error->message);
    else if (query->found)
        g_hash_table_add(search->found, g_strdup(query->def->name));
}


/* Answers the query from kept properties, and frees the query. FALSE: a worker must query the card.
 */
static gboolean
query_at_once(Search *search, Query *query)
{
    g_autoptr(GError) error = NULL;

    if (!query_answer(query, FALSE, &error) &&
        g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        return FALSE;
    record_answer(search, query, error);
    query_free(query);
    return TRUE;
}


/* Begins queries up to the limit; after the last one, completes the search. */
static void
run_queries(GTask *task)
{
    Search *search = g_task_get_task_data(task);

    while (search->n_running < QUERIES_MAX && !g_queue_is_empty(&search->queries)) {
        Query *query = g_queue_pop_head(&search->queries);

        if (query_at_once(search, query))
            continue;
        search->n_running++;
        md_worker_run(query_on_worker, query, (GDestroyNotify)query_free, MD_WORKER_READ,
                      query->inode, search->deadline, search->owner, on_answer, g_object_ref(task));
    }
    if (search->n_running > 0)
        return;
    if (search->error != NULL)
        g_task_return_error(task, g_steal_pointer(&search->error));
    else
        g_task_return_pointer(task, g_steal_pointer(&search->found),
                              (GDestroyNotify)g_hash_table_unref);
}


static void
on_answer(gpointer data, GError *error, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    g_autoptr(GError) reason = error;
    Search *search = g_task_get_task_data(task);
    const Query *query = data;

    if (query == NULL && md_fair_queue_is_refusal(reason))
        stop_search(search, g_steal_pointer(&reason));
    else
        record_answer(search, query, reason);
    search->n_running--;
    run_queries(task);
}


void
md_vpd_search_async(GPtrArray *devices,
                    guint deadline,
                    MdOwner *owner,
                    GAsyncReadyCallback callback,
                    gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, user_data);
    Search *search = g_new0(Search, 1);

    search->found = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    search->owner = md_owner_ref(owner);
    search->deadline = deadline;
    g_queue_init(&search->queries);
    g_task_set_source_tag(task, md_vpd_search_async);
    g_task_set_task_data(task, search, (GDestroyNotify)search_free);
    for (guint i = 0; i < devices->len; i++) {
        const MdNodeDevice *device = g_ptr_array_index(devices, i);
        Query *query = NULL;

        /* A card that does not answer another search must not delay this one. */
        if (md_worker_is_overdue(MD_WORKER_READ, device->inode))
            continue;
        query = g_new0(Query, 1);
        query->def = md_node_device_def_ref(device->def);
        query->inode = device->inode;
        g_queue_push_tail(&search->queries, query);
    }
    run_queries(task);
}


GHashTable *
md_vpd_search_finish(GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_async_result_is_tagged(result, md_vpd_search_async), NULL);

    return g_task_propagate_pointer(G_TASK(result), error);
}
