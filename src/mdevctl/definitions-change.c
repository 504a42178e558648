/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes definitions: checks the limit, writes the file, and reads it back before it reports
 * success. */
#include "config.h"

#include "mdevctl/definition-write.h"
#include "mdevctl/definitions-private.h"
#include "util/deadline.h"
#include "util/error.h"
#include "util/worker.h"

/*
 * Changes of one user are serialized, so that they use only a part of the processors and of the
 * main loop. A change keeps its slot in the queue until its events have been delivered to the
 * user's subscribers: if these are slow, only this user's next change waits. HELD_MAX limits this
 * time, because the events of other users may be ahead.
 */
#define CHANGES_AT_ONCE 16

/* In milliseconds. */
#define HELD_MAX 1000

static const MdFairLimits change_limits = {
    .running = CHANGES_AT_ONCE,
    .running_per_owner = 1,
    .running_readers = CHANGES_AT_ONCE,
    .running_per_reader = 1,
    .waiting = MD_WORKER_MAX_WAITING,
    .waiting_per_owner = MD_WORKER_MAX_OWN_WAITING,
};

/* The slot of a change in the queue. It may outlive the change, and delays the user's next
 * change. */
typedef struct {
    MdFairEntry entry;
    MdDefinitions *definitions;
    MdDeadline held;
} Place;

/* One change of a definition. */
typedef struct {
    char *addr;
    char *uuid;
    MdDefinition *definition; /* to write; NULL: the file is removed */
    MdOwner *owner;
    Place *place;
    gint64 since;        /* monotonic time */
    MdDeadline deadline; /* for the wait in the queue */
    gboolean is_new;     /* counted in `new_writes` */
    GError *error;       /* of the write */
} Write;

/* A file being written. */
typedef struct {
    guint n_writes;
    gboolean deferred; /* the file was reported as changed meanwhile */
} Writing;


static void
write_free(Write *self)
{
    g_free(self->addr);
    g_free(self->uuid);
    g_clear_pointer(&self->definition, md_definition_unref);
    md_owner_unref(self->owner);
    g_clear_error(&self->error);
    g_free(self);
}


static guint
count_new_writes(MdDefinitions *self, const char *addr)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(self->new_writes, addr));
}


static void
set_new_writes(MdDefinitions *self, const char *addr, guint n)
{
    if (n > 0)
        g_hash_table_insert(self->new_writes, g_strdup(addr), GUINT_TO_POINTER(n));
    else
        g_hash_table_remove(self->new_writes, addr);
}


static void
writing_begin(MdDefinitions *self, const Write *write)
{
    g_autofree char *key = g_strconcat(write->addr, "/", write->uuid, NULL);
    Writing *writing = g_hash_table_lookup(self->writing, key);

    if (writing == NULL) {
        writing = g_new0(Writing, 1);
        g_hash_table_insert(self->writing, g_steal_pointer(&key), writing);
    }
    writing->n_writes++;
}


/* Whether the file was reported as changed during the write; if so, it must be read now. */
static gboolean
writing_end(MdDefinitions *self, const Write *write)
{
    g_autofree char *key = g_strconcat(write->addr, "/", write->uuid, NULL);
    Writing *writing = g_hash_table_lookup(self->writing, key);
    gboolean deferred = writing->deferred;

    writing->deferred = FALSE;
    if (--writing->n_writes == 0)
        g_hash_table_remove(self->writing, key);
    return deferred;
}


gboolean
md_definitions_defer(MdDefinitions *self, const char *addr, const char *name)
{
    g_autofree char *key = g_strconcat(addr, "/", name, NULL);
    Writing *writing = g_hash_table_lookup(self->writing, key);

    if (writing != NULL)
        writing->deferred = TRUE;
    return writing != NULL;
}


/* Fails the change if the file that was read back has a defect. */
static void
check_read_back(MdDefinitions *self, Write *write)
{
    g_autofree char *path = g_build_filename(self->path, write->addr, write->uuid, NULL);
    const char *defect = g_hash_table_lookup(self->defects, path);
    MdDefinition *known = md_definitions_find(self, write->addr, write->uuid);

    if (defect == NULL)
        return;
    if (write->definition == NULL && known != NULL)
        md_error_set(&write->error, VIR_ERR_INTERNAL_ERROR,
                     "'%s' was removed, but cannot be checked: %s", path, defect);
    if (write->definition != NULL &&
        (known == NULL || !md_definition_is_equal(known, write->definition)))
        md_error_set(&write->error, VIR_ERR_INTERNAL_ERROR,
                     "'%s' was written, but cannot be used: %s", path, defect);
}


static void
on_held_long(gpointer data)
{
    Place *place = data;

    md_fair_entry_leave(&place->entry);
}


static void
place_leave(gpointer data)
{
    Place *place = data;

    md_deadline_clear(&place->held);
    md_fair_entry_leave(&place->entry);
    g_object_unref(place->definitions);
    g_free(place);
}


/* Leaves the queue when the user's subscribers have been notified. A change that is still queued
 * has no events, and leaves at once. */
static void
place_leave_when_notified(MdDefinitions *self, Place *place, MdOwner *owner)
{
    if (self->when_notified != NULL && md_fair_entry_is_running(&place->entry)) {
        md_deadline_set(&place->held, HELD_MAX, on_held_long, place);
        self->when_notified(owner, place_leave, place, self->when_notified_data);
    } else {
        place_leave(place);
    }
}


/* Takes ownership of the task. */
static void
write_end(GTask *task)
{
    MdDefinitions *self = g_task_get_source_object(task);
    Write *write = g_task_get_task_data(task);

    md_deadline_clear(&write->deadline);
    if (write->is_new)
        set_new_writes(self, write->addr, count_new_writes(self, write->addr) - 1);
    if (write->place != NULL)
        place_leave_when_notified(self, g_steal_pointer(&write->place), write->owner);
    if (write->error != NULL)
        g_task_return_error(task, g_steal_pointer(&write->error));
    else
        g_task_return_boolean(task, TRUE);
    g_object_unref(task);
}


static void
on_read_back(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer user_data)
{
    GTask *task = user_data;
    Write *write = g_task_get_task_data(task);
    g_autoptr(GError) error = NULL;

    md_definition_reader_wait_finish(result, &error);
    if (write->error == NULL && error != NULL)
        write->error = g_steal_pointer(&error);
    if (write->error == NULL)
        check_read_back(g_task_get_source_object(task), write);
    write_end(task);
}


static void
on_written(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer user_data)
{
    GTask *task = user_data;
    MdDefinitions *self = g_task_get_source_object(task);
    Write *write = g_task_get_task_data(task);
    gboolean deferred = FALSE;

    /* Processes pending events of the directory now, so that the file is read back only once. */
    md_watch_process(self->watch);
    deferred = writing_end(self, write);
    md_definition_write_finish(result, &write->error);
    /* Without a change by another program, there is nothing to read back if the names are invalid
     * or the definition cannot be formatted: then nothing has been written. */
    if (!deferred && (g_error_matches(write->error, MD_ERROR, VIR_ERR_INVALID_ARG) ||
                      g_error_matches(write->error, MD_ERROR, VIR_ERR_CONFIG_UNSUPPORTED))) {
        write_end(task);
        return;
    }
    /* Reads the file even after a failure: its contents are unknown until then. */
    md_definitions_want(self, write->addr, write->uuid, TRUE);
    if (g_error_matches(write->error, MD_ERROR, VIR_ERR_OPERATION_TIMEOUT))
        write_end(task);
    else
        md_definition_reader_wait_async(self->reader, on_read_back, task);
}


static GTask *
write_new(MdDefinitions *self,
          const char *parent_addr,
          const char *uuid,
          MdOwner *owner,
          GAsyncReadyCallback callback,
          gpointer user_data)
{
    GTask *task = g_task_new(self, NULL, callback, user_data);
    Write *write = g_new0(Write, 1);

    write->addr = g_strdup(parent_addr);
    write->uuid = g_strdup(uuid);
    write->owner = md_owner_ref(owner);
    write->since = g_get_monotonic_time();
    g_task_set_task_data(task, write, (GDestroyNotify)write_free);
    return task;
}


static guint
write_get_time_left(MdDefinitions *self, const Write *write)
{
    gint64 waited = (g_get_monotonic_time() - write->since) / 1000;

    return (guint)MAX((gint64)self->settings->driver_timeout - waited, 1);
}


static void
on_turn(gpointer data)
{
    GTask *task = data;
    MdDefinitions *self = g_task_get_source_object(task);
    Write *write = g_task_get_task_data(task);

    md_deadline_clear(&write->deadline);
    writing_begin(self, write);
    md_definition_write_async(self->path, write->addr, write->uuid, write->definition,
                              write_get_time_left(self, write), write->owner, on_written, task);
}


static void
on_turned_away(gpointer data, GError *error)
{
    GTask *task = data;
    Write *write = g_task_get_task_data(task);

    write->error = error;
    write_end(task);
}


static void
on_deadline(gpointer data)
{
    GError *error = NULL;

    md_error_set(&error, VIR_ERR_OPERATION_TIMEOUT,
                 "earlier changes of definitions did not finish in time");
    on_turned_away(data, error);
}


static void
write_begin(MdDefinitions *self, GTask *task)
{
    static const MdFairFuncs funcs = { on_turn, on_turned_away };
    Write *write = g_task_get_task_data(task);
    GError *error = NULL;

    if (!md_definition_reader_check(self->reader, &error)) {
        on_turned_away(task, error);
        return;
    }
    if (self->changes == NULL)
        self->changes = md_fair_queue_new("changes of definitions", &change_limits);
    write->place = g_new0(Place, 1);
    write->place->definitions = g_object_ref(self);
    md_deadline_set(&write->deadline, self->settings->driver_timeout, on_deadline, task);
    if (!md_fair_queue_join(self->changes, &write->place->entry, write->owner, &funcs, task,
                            &error))
        on_turned_away(task, error);
}


gboolean
md_definitions_may_write(MdDefinitions *self, const MdDefinition *definition, GError **error)
{
    const char *addr = definition->parent_addr;

    if (md_definitions_has_room(self, addr, definition->uuid, count_new_writes(self, addr)))
        return TRUE;
    md_definitions_set_no_room_error(error);
    return FALSE;
}


void
md_definitions_write_async(MdDefinitions *self,
                           MdDefinition *definition,
                           MdOwner *owner,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
    const char *addr = definition->parent_addr;
    GTask *task = write_new(self, addr, definition->uuid, owner, callback, user_data);
    Write *write = g_task_get_task_data(task);

    g_task_set_source_tag(task, md_definitions_write_async);
    if (!md_definitions_may_write(self, definition, &write->error)) {
        write_end(task);
        return;
    }
    write->definition = md_definition_ref(definition);
    write->is_new = md_definitions_find(self, addr, definition->uuid) == NULL;
    if (write->is_new)
        set_new_writes(self, addr, count_new_writes(self, addr) + 1);
    write_begin(self, task);
}


gboolean
md_definitions_write_finish(MdDefinitions *self, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_task_is_valid(result, self), FALSE);

    return g_task_propagate_boolean(G_TASK(result), error);
}


void
md_definitions_remove_async(MdDefinitions *self,
                            const char *parent_addr,
                            const char *uuid,
                            MdOwner *owner,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
    GTask *task = write_new(self, parent_addr, uuid, owner, callback, user_data);

    g_task_set_source_tag(task, md_definitions_remove_async);
    write_begin(self, task);
}


gboolean
md_definitions_remove_finish(MdDefinitions *self, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_task_is_valid(result, self), FALSE);

    return g_task_propagate_boolean(G_TASK(result), error);
}


void
md_definitions_log_state(MdDefinitions *self)
{
    if (self->changes != NULL)
        md_fair_queue_log(self->changes);
}
