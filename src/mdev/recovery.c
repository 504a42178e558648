/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "mdev/recovery.h"

#include <string.h>

#include "conf/cap-mdev.h"
#include "mdev/mdev.h"
#include "mdev/unfinished.h"
#include "util/error.h"

/* Milliseconds to wait for a device to be registered. After half of this time, even an incomplete
 * device is registered. */
#define REGISTRATION_TIMEOUT(settings) (2 * (settings)->event_timeout)

struct _MdRecovery {
    const MdDriverContext *context;
    MdRecoveryFunc func;
    gpointer data;
    GHashTable *records; /* UUID -> MdUnfinished of a device to remove */
    GList *removals;     /* of Removal, running */
    guint timer;         /* drops records of devices that have not been registered */
};

/* One removal of a device. May outlive the MdRecovery. */
typedef struct {
    MdRecovery *recovery; /* weak; NULL: freed */
    char *directory;      /* of the records */
    char *path;
} Removal;


static void
removal_free(Removal *removal)
{
    if (removal->recovery != NULL)
        removal->recovery->removals = g_list_remove(removal->recovery->removals, removal);
    g_free(removal->directory);
    g_free(removal->path);
    g_free(removal);
}


static const char *
get_uuid(const char *path)
{
    return strrchr(path, '/') + 1;
}


/* Drops the record of a device that is gone, or is not to be removed. */
static void
drop_record(MdRecovery *self, const char *path)
{
    md_unfinished_end(self->context->settings->state_dir, path);
    g_hash_table_remove(self->records, get_uuid(path));
}


static void
end_removal(MdRecovery *self, const char *path)
{
    g_autofree char *above = g_path_get_dirname(path);

    drop_record(self, path);
    self->func(get_uuid(above), self->data);
}


static void
on_removed(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    Removal *removal = data;
    g_autoptr(GError) error = NULL;
    g_autofree char *name = md_backend_finish(result, &error);

    if (name == NULL && !md_error_is_gone(error))
        g_message("Unable to remove half-created device '%s': %s", removal->path, error->message);
    if (removal->recovery != NULL)
        end_removal(removal->recovery, removal->path);
    else
        md_unfinished_end(removal->directory, removal->path);
    removal_free(removal);
}


static void
remove_device(MdRecovery *self, MdNodeDevice *device)
{
    Removal *removal = g_new0(Removal, 1);

    g_message("Removing half-created device '%s'", device->def->name);
    removal->recovery = self;
    removal->directory = g_strdup(self->context->settings->state_dir);
    removal->path = g_strdup(device->def->path);
    self->removals = g_list_prepend(self->removals, removal);
    md_backend_mdev.destroy_async(self->context, device, md_owner_get_daemon(), on_removed,
                                  removal);
}


/* Whether the device is the recorded one. A device that was registered before it was complete may
 * lack a type. */
static gboolean
matches_record(const MdNodeDevice *device, const MdUnfinished *record)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(device->def, &md_cap_kind_mdev);

    return cap != NULL && (cap->type_id == NULL || g_str_equal(cap->type_id, record->type_id));
}


static void
remove_if_recorded(MdRecovery *self, MdNodeDevice *device)
{
    const char *path = device->def->path;
    const MdUnfinished *record =
        path != NULL ? g_hash_table_lookup(self->records, get_uuid(path)) : NULL;

    if (record == NULL || !g_str_equal(record->path, path))
        return;
    if (matches_record(device, record))
        remove_device(self, device);
    else
        drop_record(self, path);
}


static void
on_created(MdRegistry *registry G_GNUC_UNUSED, MdNodeDevice *device, MdRecovery *self)
{
    remove_if_recorded(self, device);
}


static gboolean
is_being_removed(MdRecovery *self, const char *path)
{
    for (GList *link = self->removals; link != NULL; link = link->next) {
        const Removal *removal = link->data;

        if (g_str_equal(removal->path, path))
            return TRUE;
    }
    return FALSE;
}


/* Drops the remaining records: by now, each device has been registered, or is gone. */
static gboolean
on_late(gpointer data)
{
    MdRecovery *self = data;
    GHashTableIter iter;
    MdUnfinished *record = NULL;

    self->timer = 0;
    g_hash_table_iter_init(&iter, self->records);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&record)) {
        if (!is_being_removed(self, record->path)) {
            md_unfinished_end(self->context->settings->state_dir, record->path);
            g_hash_table_iter_remove(&iter);
        }
    }
    return G_SOURCE_REMOVE;
}


static void
add_record(MdRecovery *self, MdUnfinished *record)
{
    MdNodeDevice *device = md_registry_find_path(self->context->registry, record->path);
    const char *path = record->path;

    g_hash_table_replace(self->records, (char *)get_uuid(path), record);
    if (device != NULL)
        remove_if_recorded(self, device);
    else if (!g_file_test(path, G_FILE_TEST_IS_DIR))
        drop_record(self, path);
}


MdRecovery *
md_recovery_new(const MdDriverContext *context, MdRecoveryFunc func, gpointer data)
{
    MdRecovery *self = g_new0(MdRecovery, 1);
    g_autoptr(GPtrArray) records =
        md_unfinished_list(context->settings->roots, context->settings->state_dir);

    self->context = context;
    self->func = func;
    self->data = data;
    self->records =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)md_unfinished_free);
    g_signal_connect(context->registry, "created", G_CALLBACK(on_created), self);
    for (guint i = 0; i < records->len; i++)
        add_record(self, g_steal_pointer(&records->pdata[i]));
    if (g_hash_table_size(self->records) > 0)
        self->timer = g_timeout_add(REGISTRATION_TIMEOUT(context->settings), on_late, self);
    return self;
}


void
md_recovery_free(MdRecovery *self)
{
    if (self == NULL)
        return;

    g_clear_handle_id(&self->timer, g_source_remove);
    g_signal_handlers_disconnect_by_data(self->context->registry, self);
    for (GList *link = self->removals; link != NULL; link = link->next)
        ((Removal *)link->data)->recovery = NULL;
    g_list_free(self->removals);
    g_hash_table_unref(self->records);
    g_free(self);
}


gboolean
md_recovery_will_remove(MdRecovery *self, const char *uuid)
{
    return self != NULL && g_hash_table_contains(self->records, uuid);
}


gboolean
md_recovery_is_busy(MdRecovery *self)
{
    return self != NULL && g_hash_table_size(self->records) > 0;
}
