/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "inventory/uevent-wait.h"

typedef struct {
    MdUeventWait *uevent_wait;
    char *path;
    MdWaitFor what;
    gboolean seen;         /* the event has arrived */
    MdUeventWaitFunc func; /* set once the write has returned */
    gpointer data;
    guint timer;
} Wait;

struct _MdUeventWait {
    const MdSettings *settings;
    GHashTable *waits; /* path -> Wait */
};


static void
wait_free(Wait *wait)
{
    g_clear_handle_id(&wait->timer, g_source_remove);
    g_free(wait->path);
    g_free(wait);
}


/* Completes a wait: the write has returned, and the event has arrived or is overdue. */
static void
wait_complete(Wait *wait)
{
    g_hash_table_steal(wait->uevent_wait->waits, wait->path);
    wait->func(wait->path, wait->seen, wait->data);
    wait_free(wait);
}


static gboolean
on_timeout(gpointer data)
{
    Wait *wait = data;

    wait->timer = 0;
    g_debug("udev did not report '%s' in time", wait->path);
    wait_complete(wait);
    return G_SOURCE_REMOVE;
}


MdUeventWait *
md_uevent_wait_new(const MdSettings *settings)
{
    MdUeventWait *self = g_new0(MdUeventWait, 1);

    self->settings = settings;
    self->waits = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)wait_free);
    return self;
}


void
md_uevent_wait_free(MdUeventWait *self)
{
    if (self == NULL)
        return;

    g_hash_table_unref(self->waits);
    g_free(self);
}


gboolean
md_uevent_wait_begin(MdUeventWait *self, const char *path, MdWaitFor what)
{
    Wait *wait = NULL;

    if (g_hash_table_contains(self->waits, path))
        return FALSE;

    wait = g_new0(Wait, 1);
    wait->uevent_wait = self;
    wait->path = g_strdup(path);
    wait->what = what;
    g_hash_table_insert(self->waits, wait->path, wait);
    return TRUE;
}


void
md_uevent_wait_expect(MdUeventWait *self, const char *path, MdWaitFor what)
{
    Wait *wait = g_hash_table_lookup(self->waits, path);

    g_return_if_fail(wait != NULL && wait->what == MD_WAIT_NOTHING);

    wait->what = what;
}


void
md_uevent_wait_written(MdUeventWait *self, const char *path, MdUeventWaitFunc func, gpointer data)
{
    Wait *wait = g_hash_table_lookup(self->waits, path);

    g_return_if_fail(wait != NULL && wait->func == NULL);

    wait->func = func;
    wait->data = data;
    if (wait->seen)
        wait_complete(wait);
    else
        wait->timer = g_timeout_add(self->settings->event_timeout, on_timeout, wait);
}


void
md_uevent_wait_cancel(MdUeventWait *self, const char *path)
{
    g_hash_table_remove(self->waits, path);
}


gboolean
md_uevent_wait_is_waiting(MdUeventWait *self, const char *path, MdWaitFor what)
{
    Wait *wait = g_hash_table_lookup(self->waits, path);

    return wait != NULL && wait->what == what;
}


gboolean
md_uevent_wait_notify(MdUeventWait *self, const char *path, MdWaitFor what)
{
    Wait *wait = g_hash_table_lookup(self->waits, path);

    if (wait == NULL || wait->what != what)
        return FALSE;

    wait->seen = TRUE;
    if (wait->func != NULL)
        wait_complete(wait);
    return TRUE;
}


GPtrArray *
md_uevent_wait_list(MdUeventWait *self, MdWaitFor what)
{
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter iter;
    Wait *wait = NULL;

    g_hash_table_iter_init(&iter, self->waits);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&wait)) {
        if (wait->what == what)
            g_ptr_array_add(paths, g_strdup(wait->path));
    }
    return paths;
}
