/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "node_device/document.h"

#include "conf/cap-mdev.h"
#include "conf/xml.h"
#include "node_device/document-now.h"
#include "probe/probe.h"
#include "util/error.h"
#include "util/fair-queue.h"
#include "util/worker.h"

struct _MdDocuments {
    const MdDriverContext *context;
    GHashTable *jobs; /* Key → Job, to which further requests may be added */
};

/* A document being made, on a worker or at once. */
typedef struct {
    MdNodeDeviceDef *def;
    guint64 inode;
    gboolean details;
    char *document;
} Document;

/* Requests with equal keys share a job. `writer` is part of the key, because readers and writers of
 * one user have different places in queues. */
typedef struct {
    const MdNodeDeviceDef *def;
    guint64 inode;
    gboolean details;
    guint64 share;
    gboolean writer;
} Key;

/* One document for all clients that requested it, referenced by its task and by the table. */
typedef struct {
    Key key;
    MdDocuments *documents; /* NULL: no longer in the table */
    const MdDriverContext *context;
    MdNodeDeviceDef *wanted;
    MdNodeDeviceDef *def; /* `wanted`, possibly with other attributes */
    MdOwner *owner;       /* of this job, with the share of its clients */
    GQueue requests;      /* of Request, linked by `link` */
} Job;

/* A request that waits for a job. */
typedef struct {
    Job *job;
    MdDocumentFunc done;
    gpointer user_data;
    MdOwnerWatch watch;
    GList link; /* in the job's `requests` */
} Request;


static Document *
document_new(MdNodeDeviceDef *def, guint64 inode, gboolean details)
{
    Document *self = g_new0(Document, 1);

    self->def = md_node_device_def_ref(def);
    self->inode = inode;
    self->details = details;
    return self;
}


static void
document_free(Document *self)
{
    md_node_device_def_unref(self->def);
    g_free(self->document);
    g_free(self);
}


G_DEFINE_AUTOPTR_CLEANUP_FUNC(Document, document_free)


static gboolean
document_make(Document *self, gboolean may_block, GError **error)
{
    g_autoptr(MdNodeDeviceDef) fresh = md_probe_refresh(self->def, self->inode, may_block, error);

    if (fresh == NULL)
        return FALSE;
    self->document = md_xml_format(fresh, self->details);
    return TRUE;
}


static gboolean
make_on_worker(gpointer data, GError **error)
{
    return document_make(data, TRUE, error);
}


static guint
key_hash(gconstpointer data)
{
    const Key *key = data;

    return g_direct_hash(key->def) ^ (guint)key->share;
}


static gboolean
key_equal(gconstpointer a, gconstpointer b)
{
    const Key *one = a;
    const Key *other = b;

    return one->def == other->def && one->inode == other->inode && one->details == other->details &&
           one->share == other->share && one->writer == other->writer;
}


static void
job_clear(Job *job)
{
    md_node_device_def_unref(job->wanted);
    md_node_device_def_unref(job->def);
    md_owner_unref(job->owner);
}


static void
job_unref(Job *job)
{
    g_rc_box_release_full(job, (GDestroyNotify)job_clear);
}


G_DEFINE_AUTOPTR_CLEANUP_FUNC(Job, job_unref)


MdDocuments *
md_documents_new(const MdDriverContext *context)
{
    MdDocuments *self = g_new0(MdDocuments, 1);

    self->context = context;
    self->jobs = g_hash_table_new_full(key_hash, key_equal, NULL, (GDestroyNotify)job_unref);
    return self;
}


void
md_documents_free(MdDocuments *self)
{
    GHashTableIter iter;
    Job *job = NULL;

    if (self == NULL)
        return;

    g_hash_table_iter_init(&iter, self->jobs);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&job))
        job->documents = NULL;
    g_hash_table_unref(self->jobs);
    g_free(self);
}


/* Removes the job from the table, so that no further request is added to it. */
static void
job_detach(Job *job)
{
    MdDocuments *documents = g_steal_pointer(&job->documents);

    if (documents != NULL)
        g_hash_table_remove(documents->jobs, &job->key);
}


/* Answers and frees the request. Takes ownership of `error`, which is set if `document` is NULL. */
static void
request_end(Request *request, const char *document, GError *error)
{
    MdDocumentFunc done = request->done;
    gpointer user_data = request->user_data;

    md_owner_unwatch(&request->watch);
    g_free(request);
    done(document, error, user_data);
}


static void
on_client_gone(gpointer data)
{
    Request *request = data;
    Job *job = request->job;
    GError *error = NULL;

    g_queue_unlink(&job->requests, &request->link);
    if (g_queue_is_empty(&job->requests)) {
        md_owner_leave(job->owner);
        job_detach(job);
    }
    md_error_set(&error, VIR_ERR_OPERATION_ABORTED, "the client disconnected");
    request_end(request, NULL, error);
}


static void
job_add_request(Job *job, MdOwner *owner, MdDocumentFunc done, gpointer user_data)
{
    Request *request = g_new0(Request, 1);

    request->job = job;
    request->done = done;
    request->user_data = user_data;
    request->link.data = request;
    g_queue_push_tail_link(&job->requests, &request->link);
    md_owner_watch(owner, &request->watch, on_client_gone, request);
}


/* Answers all requests. `error` is set if `document` is NULL. */
static void
job_end(Job *job, const char *document, const GError *error)
{
    GList *link = NULL;

    job_detach(job);
    while ((link = g_queue_pop_head_link(&job->requests)) != NULL)
        request_end(link->data, document, document == NULL ? g_error_copy(error) : NULL);
}


static void
on_made(gpointer data, GError *error, gpointer user_data)
{
    g_autoptr(Job) job = user_data;
    g_autoptr(GError) failed = error;
    const Document *self = data;

    job_end(job, self != NULL ? self->document : NULL, failed);
}


/* Takes ownership of the job. */
static void
job_read_on_worker(Job *job)
{
    Document *self = document_new(job->def, job->key.inode, job->key.details);

    md_worker_run(make_on_worker, self, (GDestroyNotify)document_free, MD_WORKER_READ,
                  job->key.inode, job->context->settings->driver_timeout, job->owner, on_made, job);
}


/* Takes ownership of the job. */
static void
job_read(Job *owned)
{
    g_autoptr(Job) job = owned;
    g_autoptr(Document) self = document_new(job->def, job->key.inode, job->key.details);
    g_autoptr(GError) error = NULL;

    if (document_make(self, FALSE, &error) ||
        !g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        job_end(job, self->document, error);
    else
        job_read_on_worker(g_steal_pointer(&job));
}


/* Takes ownership of `attrs`. */
static void
job_set_attrs(Job *job, GPtrArray *attrs)
{
    MdNodeDeviceDef *def = md_node_device_def_copy(job->def);
    MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);

    g_ptr_array_unref(cap->attrs);
    cap->attrs = attrs;
    md_node_device_def_unref(job->def);
    job->def = def;
}


static void
on_attributes(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    g_autoptr(Job) job = data;
    g_autoptr(GError) error = NULL;
    GPtrArray *attrs = md_callouts_get_attributes_finish(result, &error);

    if (md_fair_queue_is_refusal(error)) {
        job_end(job, NULL, error);
        return;
    }
    if (attrs != NULL)
        job_set_attrs(job, attrs);
    else if (!g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED))
        g_message("Failed to get attributes of '%s': %s", job->def->name, error->message);
    job_read(g_steal_pointer(&job));
}


static Job *
job_new(MdDocuments *documents, const Key *key, MdNodeDeviceDef *def, MdOwner *owner)
{
    Job *job = g_rc_box_new0(Job);

    job->key = *key;
    job->context = documents->context;
    job->wanted = md_node_device_def_ref(def);
    job->def = md_node_device_def_ref(def);
    job->owner = md_owner_new_joint(owner);
    g_queue_init(&job->requests);
    return job;
}


/* Adds further requests with the same key to this job instead of an earlier one. */
static void
job_attach(Job *job, MdDocuments *documents)
{
    Job *before = g_hash_table_lookup(documents->jobs, &job->key);

    if (before != NULL)
        job_detach(before);
    job->documents = documents;
    g_hash_table_insert(documents->jobs, &job->key, g_rc_box_acquire(job));
}


void
md_documents_make(MdDocuments *self,
                  MdNodeDeviceDef *def,
                  guint64 inode,
                  MdOwner *owner,
                  MdDocumentFunc done,
                  gpointer user_data)
{
    const Key key = { def, inode, self->context->settings->xml_details, md_owner_get_share(owner),
                      md_owner_is_writer(owner) };
    Job *job = g_hash_table_lookup(self->jobs, &key);
    const MdCapMdev *cap = NULL;

    if (job != NULL && !md_owner_has_begun(job->owner)) {
        job_add_request(job, owner, done, user_data);
        return;
    }
    job = job_new(self, &key, def, owner);
    job_add_request(job, owner, done, user_data);
    job_attach(job, self);
    cap = md_document_get_scripted(self->context, def);
    if (cap == NULL)
        job_read_on_worker(job);
    else
        md_callouts_get_attributes_async(self->context->callouts, cap->parent_addr, cap->uuid,
                                         cap->type_id, job->owner, on_attributes, job);
}
