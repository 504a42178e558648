/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "mdevctl/definition-reader.h"

#include <string.h>

#include "mdevctl/definition-file.h"
#include "util/error.h"
#include "util/source.h"
#include "util/worker.h"

/* The worker's object for reads of the directory; jobs on devices use inodes, which are never 0. */
#define WORKER_OBJECT 0

/* The job has no deadline of its own, because the worker would drop the result of an overdue job.
 * Instead, `timer` fails the callers. */
#define WORKER_DEADLINE G_MAXUINT

/* Maximum number of requested parents and files. Beyond it, everything is read. */
#define MAX_WANTED 1024

struct _MdDefinitionReader {
    char *directory;
    const MdSettings *settings;
    MdWatch *watch;
    MdDefinitionReaderFunc add_known;
    MdDefinitionReaderFunc apply;
    gpointer data;
    gboolean ended; /* freed by its owner; a job may still be running */

    /* The running job. */
    gboolean busy;
    gboolean overdue;
    GSource *timer;
    GPtrArray *waiting; /* of GTask */

    /* The next job. */
    gboolean prepared; /* the directory exists and has been cleaned */
    gboolean all_wanted;
    GSource *retry;     /* reads everything after a failed job; NULL: the last job did not fail */
    GHashTable *wanted; /* "address" or "address/name" -> is_written */
    GPtrArray *waiting_next;
};

static void reader_advance(MdDefinitionReader *self);


MdDefinitionReader *
md_definition_reader_new(const char *directory,
                         const MdSettings *settings,
                         MdWatch *watch,
                         MdDefinitionReaderFunc add_known,
                         MdDefinitionReaderFunc apply,
                         gpointer data)
{
    MdDefinitionReader *self = g_rc_box_new0(MdDefinitionReader);

    self->directory = g_strdup(directory);
    self->settings = settings;
    self->watch = g_object_ref(watch);
    self->add_known = add_known;
    self->apply = apply;
    self->data = data;
    self->wanted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    self->waiting = g_ptr_array_new_with_free_func(g_object_unref);
    self->waiting_next = g_ptr_array_new_with_free_func(g_object_unref);
    return self;
}


static void
reader_clear(MdDefinitionReader *self)
{
    g_free(self->directory);
    g_object_unref(self->watch);
    g_hash_table_unref(self->wanted);
    g_ptr_array_unref(self->waiting);
    g_ptr_array_unref(self->waiting_next);
}


static void
reader_unref(MdDefinitionReader *self)
{
    g_rc_box_release_full(self, (GDestroyNotify)reader_clear);
}


G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdDefinitionReader, reader_unref)


void
md_definition_reader_free(MdDefinitionReader *self)
{
    if (self == NULL)
        return;

    self->ended = TRUE;
    md_source_clear(&self->timer);
    md_source_clear(&self->retry);
    reader_unref(self);
}


static void
set_overdue_error(MdDefinitionReader *self, GError **error)
{
    md_error_set(error, VIR_ERR_OPERATION_TIMEOUT, "Unable to read '%s': the disk does not respond",
                 self->directory);
}


/* Completes the tasks. Empties `tasks` first, because callbacks may add further ones. */
static void
reader_answer(GPtrArray *tasks, const GError *error)
{
    g_autoptr(GPtrArray) due = g_ptr_array_new_with_free_func(g_object_unref);

    g_ptr_array_extend_and_steal(due, g_ptr_array_ref(tasks));
    for (guint i = 0; i < due->len; i++) {
        if (error != NULL)
            g_task_return_error(g_ptr_array_index(due, i), g_error_copy(error));
        else
            g_task_return_boolean(g_ptr_array_index(due, i), TRUE);
    }
}


static gboolean
on_overdue(gpointer data)
{
    g_autoptr(MdDefinitionReader) self = g_rc_box_acquire((MdDefinitionReader *)data);
    g_autoptr(GError) error = NULL;

    md_source_clear(&self->timer);
    self->overdue = TRUE;
    set_overdue_error(self, &error);
    g_message("%s; keeping the known definitions", error->message);
    reader_answer(self->waiting, error);
    reader_answer(self->waiting_next, error);
    return G_SOURCE_REMOVE;
}


static gboolean
reader_has_wanted(MdDefinitionReader *self)
{
    return self->all_wanted || g_hash_table_size(self->wanted) > 0;
}


static gboolean
on_retry(gpointer data)
{
    MdDefinitionReader *self = data;

    md_source_clear(&self->retry);
    reader_advance(self);
    return G_SOURCE_REMOVE;
}


/* Begins the next job. After a failure, this job reads everything: at once if anything was
 * requested meanwhile, else after a delay. */
static void
reader_begin_next(MdDefinitionReader *self, gboolean failed)
{
    gboolean now = reader_has_wanted(self);

    if (failed) {
        self->all_wanted = TRUE;
        self->prepared = FALSE;
    }
    if (now)
        reader_advance(self);
    else if (failed)
        self->retry =
            md_source_attach(g_timeout_source_new(self->settings->driver_timeout), on_retry, self);
}


static void
on_read(gpointer data, GError *error, gpointer user_data)
{
    g_autoptr(MdDefinitionReader) self = user_data;
    g_autoptr(GError) reason = error;
    MdDefinitionRead *read = data;

    md_source_clear(&self->timer);
    if (self->ended)
        return;
    if (self->overdue)
        g_message("'%s' is readable again", self->directory);
    self->overdue = FALSE;
    if (read != NULL)
        self->apply(read, self->data);
    else
        g_message("Unable to read '%s': %s", self->directory, reason->message);
    self->busy = FALSE;
    reader_answer(self->waiting, reason);
    if (!self->ended)
        reader_begin_next(self, read == NULL);
}


static MdDefinitionRead *
reader_make_job(MdDefinitionReader *self)
{
    MdDefinitionRead *read = md_definition_read_new(self->directory, self->watch);
    GHashTableIter iter;
    gpointer key = NULL;
    gpointer is_written = NULL;

    if (!self->prepared)
        md_definition_read_prepare(read);
    if (self->all_wanted)
        md_definition_read_add_all(read);
    g_hash_table_iter_init(&iter, self->wanted);
    while (!self->all_wanted && g_hash_table_iter_next(&iter, &key, &is_written)) {
        g_auto(GStrv) names = g_strsplit(key, "/", 2);

        md_definition_read_add(read, names[0], names[1], GPOINTER_TO_INT(is_written));
    }
    self->add_known(read, self->data);
    self->prepared = TRUE;
    self->all_wanted = FALSE;
    g_hash_table_remove_all(self->wanted);
    return read;
}


/* Begins the next job if anything is requested and no job is running. */
static void
reader_advance(MdDefinitionReader *self)
{
    GPtrArray *free_array = self->waiting;

    if (self->busy || !reader_has_wanted(self))
        return;

    md_source_clear(&self->retry);
    self->busy = TRUE;
    self->waiting = self->waiting_next;
    self->waiting_next = free_array;
    self->timer =
        md_source_attach(g_timeout_source_new(self->settings->driver_timeout), on_overdue, self);
    md_worker_run(md_definition_read_run, reader_make_job(self),
                  (GDestroyNotify)md_definition_read_free, MD_WORKER_READ, WORKER_OBJECT,
                  WORKER_DEADLINE, md_owner_get_daemon(), on_read, g_rc_box_acquire(self));
}


void
md_definition_reader_want_all(MdDefinitionReader *self)
{
    self->all_wanted = TRUE;
    reader_advance(self);
}


void
md_definition_reader_want(MdDefinitionReader *self,
                          const char *addr,
                          const char *name,
                          gboolean is_written)
{
    g_autofree char *key = name != NULL ? g_strconcat(addr, "/", name, NULL) : g_strdup(addr);

    if (!md_definition_file_is_parent(addr) || (name != NULL && *name == '.'))
        return;

    if (g_hash_table_size(self->wanted) >= MAX_WANTED)
        self->all_wanted = TRUE;
    is_written = is_written || GPOINTER_TO_INT(g_hash_table_lookup(self->wanted, key));
    if (!self->all_wanted)
        g_hash_table_replace(self->wanted, g_steal_pointer(&key), GINT_TO_POINTER(is_written));
    reader_advance(self);
}


void
md_definition_reader_wait_async(MdDefinitionReader *self,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, user_data);
    GError *error = NULL;

    g_task_set_source_tag(task, md_definition_reader_wait_async);
    reader_advance(self);
    if (!md_definition_reader_check(self, &error))
        g_task_return_error(task, error);
    else if (!self->busy)
        g_task_return_boolean(task, TRUE);
    else
        g_ptr_array_add(reader_has_wanted(self) ? self->waiting_next : self->waiting,
                        g_steal_pointer(&task));
}


gboolean
md_definition_reader_wait_finish(GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_async_result_is_tagged(result, md_definition_reader_wait_async), FALSE);

    return g_task_propagate_boolean(G_TASK(result), error);
}


gboolean
md_definition_reader_is_busy(MdDefinitionReader *self)
{
    return self->busy;
}


gboolean
md_definition_reader_check(MdDefinitionReader *self, GError **error)
{
    if (self->overdue)
        set_overdue_error(self, error);
    return !self->overdue;
}
