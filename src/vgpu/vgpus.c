/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "vgpu/vgpus-private.h"

#include <string.h>

#include "conf/cap-mdev.h"
#include "util/error.h"
#include "util/worker.h"
#include "vgpu/vgpu-look.h"
#include "vgpu/vgpu.h"

/* Milliseconds after which a look does not delay its callers any more. */
#define LOOK_TIMEOUT 1000

/* One request that waits for looks at several cards. */
typedef struct {
    GTask *task;
    guint n_looks;
} Request;

/* A running look. */
typedef struct {
    MdVgpus *vgpus;
    MdVgpuCard *card; /* NULL: a look at a single function, for `waiting` only */
    GSList *waiting;  /* of Request */
    guint64 clock;    /* when the look began */
} Job;


static void
request_end_look(Request *request)
{
    if (--request->n_looks > 0)
        return;
    g_task_return_boolean(request->task, TRUE);
    g_object_unref(request->task);
    g_free(request);
}


static MdVgpus *
vgpus_ref(MdVgpus *self)
{
    return g_rc_box_acquire(self);
}


static void
vgpus_clear(MdVgpus *self)
{
    md_vgpu_cards_free(self->cards);
    g_hash_table_unref(self->creating);
}


static void
vgpus_unref(MdVgpus *self)
{
    g_rc_box_release_full(self, (GDestroyNotify)vgpus_clear);
}


/* Describes the vGPU of a function. */
static MdNodeDeviceDef *
make_def(const MdNodeDevice *function, const char *type_id, const char *uuid, int iommu_group)
{
    MdNodeDeviceDef *def = md_node_device_def_new();
    MdCapMdev *cap = md_node_device_def_add_cap(def, &md_cap_kind_mdev);
    const MdCapPci *pci = md_node_device_def_get_cap(function->def, &md_cap_kind_pci);

    def->path = g_strdup(function->def->path);
    def->shares_path = TRUE;
    def->parent = g_strdup(function->def->name);
    def->driver = g_strdup(function->def->driver);
    cap->uuid = g_strdup(uuid);
    cap->type_id = g_strdup(type_id);
    cap->parent_addr = g_path_get_basename(def->path);
    cap->iommu_group = iommu_group;
    cap->is_function = TRUE;
    cap->function = pci->address;
    def->name = md_cap_mdev_make_name(cap->uuid, cap->parent_addr);
    return def;
}


/* Removes the vGPU that is registered for a function, if any. */
static void
remove_registered(MdVgpus *self, const char *path)
{
    MdNodeDevice *vgpu = md_registry_find_sharing(self->context->registry, path);

    if (vgpu != NULL)
        md_registry_deactivate(self->context->registry, vgpu);
}


static MdNodeDevice *
add_registered(
    MdVgpus *self, const char *path, const char *type_id, const char *uuid, int iommu_group)
{
    MdRegistry *registry = self->context->registry;
    MdNodeDevice *function = md_registry_find_path(registry, path);
    g_autoptr(MdNodeDeviceDef) def = NULL;
    MdNodeDevice *known = NULL;

    if (function == NULL)
        return NULL;
    def = make_def(function, type_id, uuid, iommu_group);
    known = md_registry_find(registry, def->name);
    if (known != NULL && known->active)
        return known;
    return md_registry_activate(registry, g_steal_pointer(&def), function->inode);
}


static void
on_recovered(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    g_autofree char *name = data;
    g_autoptr(GError) error = NULL;
    g_autofree char *removed = md_backend_finish(result, &error);

    if (removed == NULL && !md_error_is_gone(error))
        g_message("Unable to remove half-created device '%s': %s", name, error->message);
}


/* Removes a vGPU whose creation a previous daemon did not finish: no client was told of it, and it
 * lacks parameters. */
static void
recover(MdVgpus *self, MdVgpuFunction *function, MdNodeDevice *vgpu)
{
    if (function->recovering)
        return;
    function->recovering = TRUE;
    g_message("Removing half-created device '%s'", vgpu->def->name);
    md_backend_vgpu.destroy_async(self->context, vgpu, md_owner_get_daemon(), on_recovered,
                                  g_strdup(vgpu->def->name));
}


static gboolean
is_same(const MdNodeDevice *vgpu, const char *type_id, const char *uuid)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(vgpu->def, &md_cap_kind_mdev);

    return g_strcmp0(cap->type_id, type_id) == 0 && g_strcmp0(cap->uuid, uuid) == 0;
}


/* The function has no vGPU. If it had one, or if a previous daemon was killed before it created
 * one, the record of that must not apply to the next vGPU, which may be another program's. Returns
 * TRUE if it had a vGPU. */
static gboolean
apply_free(MdVgpus *self, MdVgpuFunction *function, const MdVgpuTarget *target)
{
    MdNodeDevice *known = md_registry_find_sharing(self->context->registry, target->path);

    if (known != NULL || !function->was_seen)
        md_vgpu_record_remove(self->context->settings->state_dir, target->address);
    function->was_seen = TRUE;
    function->recovering = FALSE;
    if (known != NULL)
        md_registry_deactivate(self->context->registry, known);
    return known != NULL;
}


/* Returns TRUE if the vGPU of the function has changed. */
static gboolean
apply_assigned(MdVgpus *self, MdVgpuFunction *function, const MdVgpuSight *sight)
{
    const char *path = sight->target->path;
    MdNodeDevice *known = md_registry_find_sharing(self->context->registry, path);
    g_autofree char *uuid = NULL;

    if (sight->number == 0)
        return apply_free(self, function, sight->target);
    function->was_seen = TRUE;
    uuid = sight->record != NULL ? g_strdup(sight->record->uuid)
                                 : md_vgpu_record_make_uuid(sight->target->address);
    if (known != NULL && is_same(known, sight->type_id, uuid))
        return FALSE;
    if (known != NULL)
        md_registry_deactivate(self->context->registry, known);
    known = add_registered(self, path, sight->type_id, uuid, sight->iommu_group);
    if (known != NULL && sight->record != NULL && sight->record->state == MD_VGPU_CREATING)
        recover(self, function, known);
    return TRUE;
}


/* Signals an update of the function if it can take other types than at the last look. */
static void
apply_choice(MdVgpus *self, MdVgpuFunction *function, const MdVgpuSight *sight)
{
    MdNodeDevice *device = md_registry_find_path(self->context->registry, function->path);
    gboolean has_changed = function->has_choice && function->choice != sight->choice;

    function->has_choice = TRUE;
    function->choice = sight->choice;
    if (device != NULL && has_changed)
        md_registry_update(self->context->registry, device, md_node_device_def_ref(device->def));
}


/* Makes the function a parent, or no longer one. */
static void
apply_offer(MdVgpus *self, const MdVgpuSight *sight)
{
    const MdNodeDevice *device =
        md_registry_find_path(self->context->registry, sight->target->path);

    if (device != NULL && (device->def->mdev_types != NULL) != sight->is_offered)
        md_inventory_reread_path(self->context->inventory, sight->target->path);
}


/* The function that has been looked at, unless it has gone, or a write has changed it since the
 * look began: the write knows better. */
static MdVgpuFunction *
find_seen(MdVgpus *self, const MdVgpuSight *sight, guint64 clock)
{
    MdVgpuFunction *function = md_vgpu_cards_find_function(self->cards, sight->target->path);

    if (function == NULL || function->inode != sight->target->inode || function->n_writes > 0 ||
        function->changed > clock)
        return NULL;
    return function;
}


/* A signal handler may remove any function, so each step looks it up again. */
static void
apply_sight(MdVgpus *self, const MdVgpuSight *sight, guint64 clock)
{
    MdVgpuFunction *function = find_seen(self, sight, clock);
    gboolean has_changed = FALSE;

    if (function == NULL || !sight->is_known)
        return;
    apply_offer(self, sight);
    function = find_seen(self, sight, clock);
    if (function == NULL)
        return;
    has_changed = apply_assigned(self, function, sight);
    function = find_seen(self, sight, clock);
    if (function == NULL)
        return;
    if (has_changed) {
        /* The registry has signalled the update of this function; the look is for its siblings. */
        function->has_choice = FALSE;
        md_vgpus_look_at_card(self, function->card, TRUE);
    }
    function = find_seen(self, sight, clock);
    if (function != NULL && sight->has_choice)
        apply_choice(self, function, sight);
}


static void
job_free(Job *job)
{
    for (GSList *link = job->waiting; link != NULL; link = link->next)
        request_end_look(link->data);
    g_slist_free(job->waiting);
    g_clear_pointer(&job->card, md_vgpu_card_unref);
    vgpus_unref(job->vgpus);
    g_free(job);
}


static void look_if_wanted(MdVgpus *self, MdVgpuCard *card);


static void
on_looked(gpointer data, GError *error, gpointer user_data)
{
    Job *job = user_data;
    MdVgpus *self = job->vgpus;
    const MdVgpuLook *look = data;
    g_autoptr(GError) failed = error;

    if (failed != NULL)
        g_debug("A look at functions failed: %s", failed->message);
    for (guint i = 0; look != NULL && !self->freed && i < look->sights->len; i++)
        apply_sight(self, g_ptr_array_index(look->sights, i), job->clock);
    if (job->card != NULL) {
        job->card->looking = FALSE;
        if (!self->freed)
            look_if_wanted(self, job->card);
    }
    job_free(job);
}


/* Takes ownership of `look` and of `waiting`. `card` NULL: a look at a single function. */
static void
begin_look(MdVgpus *self,
           MdVgpuLook *look,
           MdVgpuCard *card,
           guint64 inode,
           GSList *waiting,
           MdOwner *owner)
{
    Job *job = g_new0(Job, 1);

    job->vgpus = vgpus_ref(self);
    job->card = card != NULL ? md_vgpu_card_ref(card) : NULL;
    job->waiting = waiting;
    job->clock = self->cards->clock;
    md_worker_run(md_vgpu_look_run, look, (GDestroyNotify)md_vgpu_look_free, MD_WORKER_READ, inode,
                  LOOK_TIMEOUT, owner, on_looked, job);
}


/* Ends the requests that wait for the next look at a card whose driver does not answer. */
static void
refuse_look(MdVgpuCard *card)
{
    g_autoptr(GSList) waiting = g_steal_pointer(&card->waiting);

    for (GSList *link = waiting; link != NULL; link = link->next)
        request_end_look(link->data);
}


static void
look_if_wanted(MdVgpus *self, MdVgpuCard *card)
{
    g_autoptr(GPtrArray) functions = NULL;
    MdVgpuLook *look = NULL;

    if (card->looking || !card->look_again)
        return;
    card->look_again = FALSE;
    if (md_worker_is_overdue(MD_WORKER_READ, card->inode)) {
        refuse_look(card);
        return;
    }
    look = md_vgpu_look_new(self->context->settings, card->look_lists);
    functions = md_vgpu_cards_list_functions(self->cards, card);
    for (guint i = 0; i < functions->len; i++)
        md_vgpu_look_add(look, g_ptr_array_index(functions, i));
    card->look_lists = FALSE;
    card->looking = TRUE;
    begin_look(self, look, card, card->inode, g_steal_pointer(&card->waiting),
               md_owner_get_daemon());
}


void
md_vgpus_look_at_card(MdVgpus *self, MdVgpuCard *card, gboolean lists)
{
    /* Includes the look that is to follow a write, so that a list reports all its consequences. */
    card->look_again = TRUE;
    card->look_lists = card->look_lists || lists || card->soon != 0;
    g_clear_handle_id(&card->soon, g_source_remove);
    look_if_wanted(self, card);
}


static void
look_at_all(MdVgpus *self, Request *request)
{
    g_autoptr(GList) cards = g_hash_table_get_values(self->cards->by_path);

    for (GList *link = cards; link != NULL; link = link->next) {
        MdVgpuCard *card = link->data;

        request->n_looks++;
        card->waiting = g_slist_prepend(card->waiting, request);
        md_vgpus_look_at_card(self, card, !md_vgpus_is_complete(self, card));
    }
}


/* Before a document. Unless the function is a parent already, reads which types it can take. */
static void
look_at_function(MdVgpus *self, const char *path, MdOwner *owner, Request *request)
{
    const MdNodeDevice *device = md_registry_find_path(self->context->registry, path);
    MdVgpuLook *look = NULL;

    if (device == NULL || md_worker_is_overdue(MD_WORKER_READ, device->inode))
        return;
    look = md_vgpu_look_new(self->context->settings, device->def->mdev_types == NULL);
    md_vgpu_look_add(look, device);
    request->n_looks++;
    begin_look(self, look, NULL, device->inode, g_slist_prepend(NULL, request), owner);
}


gboolean
md_vgpus_exist(MdVgpus *self)
{
    return g_hash_table_size(self->cards->functions) > 0;
}


gboolean
md_vgpus_are_shown_by(MdVgpus *self, const MdNodeDevice *device)
{
    return device->active && device->def->path != NULL &&
           md_vgpu_cards_find_function(self->cards, device->def->path) != NULL;
}


void
md_vgpus_look_async(MdVgpus *self,
                    const MdNodeDevice *device,
                    MdOwner *owner,
                    GAsyncReadyCallback callback,
                    gpointer user_data)
{
    Request *request = g_new0(Request, 1);

    request->task = g_task_new(NULL, NULL, callback, user_data);
    g_task_set_source_tag(request->task, md_vgpus_look_async);
    /* Counts the beginning as a look, so that the request cannot end before all looks have begun.
     */
    request->n_looks = 1;
    if (device == NULL)
        look_at_all(self, request);
    else
        look_at_function(self, device->def->path, owner, request);
    request_end_look(request);
}


void
md_vgpus_look_finish(GAsyncResult *result)
{
    g_return_if_fail(g_async_result_is_tagged(result, md_vgpus_look_async));

    g_task_propagate_boolean(G_TASK(result), NULL);
}


gboolean
md_vgpus_is_complete(MdVgpus *self, const MdVgpuCard *card)
{
    g_autoptr(GPtrArray) functions = md_vgpu_cards_list_functions(self->cards, card);

    for (guint i = 0; i < functions->len; i++) {
        const MdNodeDevice *device = g_ptr_array_index(functions, i);

        if (device->def->mdev_types == NULL)
            return FALSE;
    }
    return TRUE;
}


void
md_vgpus_begin_write(MdVgpus *self, GPtrArray *functions)
{
    for (guint i = 0; i < functions->len; i++) {
        const MdNodeDevice *device = g_ptr_array_index(functions, i);
        MdVgpuFunction *function = md_vgpu_cards_find_function(self->cards, device->def->path);

        if (function != NULL)
            function->n_writes++;
    }
}


void
md_vgpus_end_write(MdVgpus *self, GPtrArray *functions)
{
    MdVgpuCard *card = NULL;

    self->cards->clock++;
    for (guint i = 0; i < functions->len; i++) {
        const MdNodeDevice *device = g_ptr_array_index(functions, i);
        MdVgpuFunction *function = device->def->path != NULL
                                       ? md_vgpu_cards_find_function(self->cards, device->def->path)
                                       : NULL;

        if (function == NULL || function->n_writes == 0)
            continue;
        function->n_writes--;
        function->changed = self->cards->clock;
        card = function->card;
    }
    if (card != NULL)
        md_vgpu_watch_look_soon(self, card);
}


/* A write has changed the vGPU of a function, whose update the registry signals. */
static void
forget_choice(MdVgpus *self, const char *path)
{
    MdVgpuFunction *function = md_vgpu_cards_find_function(self->cards, path);

    if (function == NULL)
        return;
    function->has_choice = FALSE;
    function->recovering = FALSE;
}


MdNodeDevice *
md_vgpus_add(MdVgpus *self,
             const MdVgpuTarget *target,
             const char *type_id,
             const char *uuid,
             int iommu_group,
             GPtrArray *attrs)
{
    const MdVgpuFunction *function = md_vgpu_cards_find_function(self->cards, target->path);
    MdNodeDevice *vgpu = NULL;

    if (function == NULL || function->inode != target->inode)
        return NULL;
    forget_choice(self, target->path);
    remove_registered(self, target->path);
    vgpu = add_registered(self, target->path, type_id, uuid, iommu_group);
    if (vgpu != NULL)
        md_registry_set_attrs(self->context->registry, vgpu, attrs);
    return vgpu;
}


void
md_vgpus_remove(MdVgpus *self, const char *path)
{
    forget_choice(self, path);
    remove_registered(self, path);
}


MdVgpus *
md_vgpus_new(const MdDriverContext *context)
{
    MdVgpus *self = g_rc_box_new0(MdVgpus);

    self->context = context;
    self->cards = md_vgpu_cards_new(context->registry);
    self->creating = g_hash_table_new(g_str_hash, g_str_equal);
    md_vgpu_watch_start(self);
    return self;
}


void
md_vgpus_free(MdVgpus *self)
{
    if (self == NULL)
        return;

    md_vgpu_watch_stop(self);
    self->freed = TRUE;
    vgpus_unref(self);
}
