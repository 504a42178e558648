/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A driver without devices of its own; see the header. */
#include "config.h"

#include "fake-driver.h"

#include "util/error.h"

#define COMPUTER "computer"
#define PCI      "pci_0000_06_00_0"

typedef struct _MdEventSubscription {
    int event;
    char *device;
    MdEventFunc func;
    gpointer data;
} Subscription;

struct _MdEvents {
    GPtrArray *subscriptions; /* of Subscription; `func` is NULL once it has ended */
};

struct _MdDriver {
    GObject parent;
    MdEvents events;
    GList *devices;     /* of MdNodeDevice */
    GPtrArray *waiting; /* of GTask; the task data is the result */

    /* The parent and the device that documents describe; NULL, or a NULL name: none. */
    const char *parent_name;
    MdNodeDeviceDef drafted_def;
    MdNodeDevice drafted;

    gboolean needs_look;
    guint n_looks;
};

struct _MdDraft {
    char *text;
};

G_DEFINE_FINAL_TYPE(MdDriver, md_driver, G_TYPE_OBJECT)


static void
subscription_free(Subscription *subscription)
{
    g_free(subscription->device);
    g_free(subscription);
}


static void
md_driver_finalize(GObject *object)
{
    MdDriver *self = MD_DRIVER(object);

    g_list_free_full(self->devices, (GDestroyNotify)md_node_device_unref);
    g_ptr_array_unref(self->waiting);
    g_ptr_array_unref(self->events.subscriptions);
    G_OBJECT_CLASS(md_driver_parent_class)->finalize(object);
}


static void
md_driver_class_init(MdDriverClass *klass)
{
    G_OBJECT_CLASS(klass)->finalize = md_driver_finalize;
}


static void
add_device(MdDriver *self, const char *name, const MdCapKind *kind)
{
    MdNodeDeviceDef *def = md_node_device_def_new();

    def->name = g_strdup(name);
    md_node_device_def_add_cap(def, kind);
    self->devices = g_list_append(self->devices, md_node_device_new(def, 0));
}


static void
md_driver_init(MdDriver *self)
{
    add_device(self, COMPUTER, &md_cap_kind_system);
    add_device(self, PCI, &md_cap_kind_pci);
    self->waiting = g_ptr_array_new_with_free_func(g_object_unref);
    self->drafted.def = &self->drafted_def;
    self->events.subscriptions = g_ptr_array_new_with_free_func((GDestroyNotify)subscription_free);
}


MdDriver *
md_driver_new(const MdSettings *settings G_GNUC_UNUSED)
{
    return g_object_new(MD_TYPE_DRIVER, NULL);
}


MdEvents *
md_driver_get_events(MdDriver *self)
{
    return &self->events;
}


MdEventSubscription *
md_events_subscribe(MdEvents *self,
                    guint64 share G_GNUC_UNUSED,
                    int event,
                    const char *device,
                    MdEventFunc func,
                    gpointer data)
{
    Subscription *subscription = g_new0(Subscription, 1);

    subscription->event = event;
    subscription->device = g_strdup(device);
    subscription->func = func;
    subscription->data = data;
    g_ptr_array_add(self->subscriptions, subscription);
    return subscription;
}


void
md_events_unsubscribe(MdEvents *self G_GNUC_UNUSED, MdEventSubscription *subscription)
{
    subscription->func = NULL;
}


/* Calls all subscribers at once. */
void
md_events_catch_up(MdEvents *self G_GNUC_UNUSED,
                   guint64 share G_GNUC_UNUSED,
                   guint64 *until G_GNUC_UNUSED,
                   MdEventsFind find G_GNUC_UNUSED,
                   gpointer data G_GNUC_UNUSED)
{
}


void
fake_driver_emit(MdDriver *self, const char *device, int event, int detail)
{
    for (guint i = 0; i < self->events.subscriptions->len; i++) {
        Subscription *subscription = self->events.subscriptions->pdata[i];

        if (subscription->func != NULL && subscription->event == event &&
            (subscription->device == NULL || g_str_equal(subscription->device, device)))
            subscription->func(device, event, detail, subscription->data);
    }
}


/* One device: the computer. */
GArray *
md_driver_take_snapshot(MdDriver *self G_GNUC_UNUSED)
{
    const MdSnapshotDevice device = { .name = COMPUTER, .active = TRUE, .inode = 1 };
    GArray *devices = g_array_new(FALSE, FALSE, sizeof(MdSnapshotDevice));

    g_array_append_val(devices, device);
    return devices;
}


/* All devices have changed. */
void
md_driver_report_changes(MdDriver *self, const GArray *before)
{
    for (guint i = 0; i < before->len; i++)
        fake_driver_emit(self, g_array_index(before, MdSnapshotDevice, i).name,
                         VIR_NODE_DEVICE_EVENT_ID_UPDATE, 0);
}


guint
fake_driver_count_subscriptions(MdDriver *self)
{
    guint n = 0;

    for (guint i = 0; i < self->events.subscriptions->len; i++) {
        if (((Subscription *)self->events.subscriptions->pdata[i])->func != NULL)
            n++;
    }
    return n;
}


void
fake_driver_need_looks(MdDriver *self)
{
    self->needs_look = TRUE;
}


guint
fake_driver_count_looks(MdDriver *self)
{
    return self->n_looks;
}


guint
fake_driver_count_waiting(MdDriver *self)
{
    return self->waiting->len;
}


void
fake_driver_end(MdDriver *self, guint n)
{
    g_autoptr(GTask) task = g_ptr_array_steal_index(self->waiting, n);

    g_task_return_pointer(task, g_strdup(g_task_get_task_data(task)), g_free);
}


void
fake_driver_fail(MdDriver *self, guint n)
{
    g_autoptr(GTask) task = g_ptr_array_steal_index(self->waiting, n);
    GError *error = NULL;

    md_error_set(&error, VIR_ERR_OPERATION_FAILED, "%s", (const char *)g_task_get_task_data(task));
    g_task_return_error(task, error);
}


gboolean
md_driver_needs_look(MdDriver *self, const char *name)
{
    return self->needs_look;
}


void
md_driver_look_async(MdDriver *self,
                     const char *name,
                     MdOwner *owner,
                     GAsyncReadyCallback callback,
                     gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(self, NULL, callback, user_data);

    self->n_looks++;
    g_task_return_boolean(task, TRUE);
}


void
md_driver_look_finish(MdDriver *self, GAsyncResult *result)
{
    g_task_propagate_boolean(G_TASK(result), NULL);
}


void
md_driver_find_vpd_async(MdDriver *self,
                         const char *name,
                         MdOwner *owner,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(self, NULL, callback, user_data);
    GHashTable *vpd = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    g_hash_table_add(vpd, g_strdup(name != NULL ? name : PCI));
    g_task_return_pointer(task, vpd, (GDestroyNotify)g_hash_table_unref);
}


GHashTable *
md_driver_find_vpd_finish(MdDriver *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}


gboolean
md_driver_may_have_vpd(MdDriver *self, const char *name)
{
    return g_str_equal(name, PCI);
}


GList *
md_driver_get_devices(MdDriver *self)
{
    return self->devices;
}


guint64
md_driver_get_generation(MdDriver *self)
{
    return g_list_length(self->devices);
}


GPtrArray *
md_driver_list_all(MdDriver *self, guint flags, GHashTable *vpd, GError **error)
{
    GPtrArray *names = g_ptr_array_new();

    if (flags != md_cap_kind_vpd.flag)
        g_ptr_array_add(names, (gpointer)COMPUTER);
    if (flags == 0 || (vpd != NULL && g_hash_table_contains(vpd, PCI)))
        g_ptr_array_add(names, (gpointer)PCI);
    return names;
}


GPtrArray *
md_driver_list_by_cap(MdDriver *self, const char *cap, guint flags, GHashTable *vpd, GError **error)
{
    const MdCapKind *kind = cap != NULL ? md_cap_kind_find(cap) : NULL;

    return md_driver_list_all(self, kind != NULL ? kind->flag : 0, vpd, error);
}


MdNodeDevice *
md_driver_look_up(MdDriver *self, const char *name, GError **error)
{
    static MdNodeDevice device;

    if (g_str_equal(name, COMPUTER) || g_str_equal(name, PCI))
        return &device;
    md_error_set(error, VIR_ERR_NO_NODE_DEVICE, "no node device with matching name '%s'", name);
    return NULL;
}


MdNodeDevice *
md_driver_look_up_scsi_host(
    MdDriver *self G_GNUC_UNUSED, const char *wwnn, const char *wwpn, guint flags, GError **error)
{
    static MdNodeDeviceDef def = { .name = (char *)PCI };
    static MdNodeDevice device = { .def = &def };

    if (!md_error_check_flags(flags, 0, VIR_FROM_NODEDEV, "virNodeDeviceLookupSCSIHostByWWN",
                              error))
        return NULL;
    if (g_str_equal(wwnn, FAKE_DRIVER_WWNN) && g_str_equal(wwpn, FAKE_DRIVER_WWPN))
        return &device;
    md_error_set(error, VIR_ERR_NO_NODE_DEVICE,
                 "no node device with matching wwnn '%s' and wwpn '%s'", wwnn, wwpn);
    return NULL;
}


gboolean
md_driver_get_parent(MdDriver *self, const char *name, const char **parent, GError **error)
{
    if (md_driver_look_up(self, name, error) == NULL)
        return FALSE;
    *parent = g_str_equal(name, COMPUTER) ? NULL : COMPUTER;
    return TRUE;
}


GPtrArray *
md_driver_list_caps(MdDriver *self, const char *name, GHashTable *vpd, GError **error)
{
    GPtrArray *caps = NULL;

    if (md_driver_look_up(self, name, error) == NULL)
        return NULL;
    caps = g_ptr_array_new();
    g_ptr_array_add(caps, (gpointer) "pci");
    g_ptr_array_add(caps, (gpointer) "mdev_types");
    if (vpd != NULL && g_hash_table_contains(vpd, name))
        g_ptr_array_add(caps, (gpointer)md_cap_kind_vpd.name);
    return caps;
}


gboolean
md_driver_is_active(MdDriver *self, const char *name, gboolean *value, GError **error)
{
    *value = TRUE;
    return md_driver_look_up(self, name, error) != NULL;
}


gboolean
md_driver_is_persistent(MdDriver *self, const char *name, gboolean *value, GError **error)
{
    *value = FALSE;
    return md_driver_look_up(self, name, error) != NULL;
}


gboolean
md_driver_get_autostart(MdDriver *self, const char *name, gboolean *value, GError **error)
{
    return md_driver_is_active(self, name, value, error);
}


static void
add_waiting(MdDriver *self, const char *result, GAsyncReadyCallback callback, gpointer user_data)
{
    GTask *task = g_task_new(self, NULL, callback, user_data);

    g_task_set_task_data(task, g_strdup(result), g_free);
    g_ptr_array_add(self->waiting, task);
}


char *
md_driver_get_xml_now(MdDriver *self G_GNUC_UNUSED,
                      const char *name G_GNUC_UNUSED,
                      guint flags G_GNUC_UNUSED,
                      GError **error)
{
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "this needs an answer from the driver");
    return NULL;
}


/* A waiting request for a document. */
typedef struct {
    MdDocumentFunc done;
    gpointer user_data;
} Asker;


static void
on_document(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    g_autofree Asker *asker = data;
    GError *error = NULL;
    g_autofree char *document = g_task_propagate_pointer(G_TASK(result), &error);

    asker->done(document, error, asker->user_data);
}


void
md_driver_get_xml(MdDriver *self,
                  const char *name,
                  guint flags,
                  MdOwner *owner,
                  MdDocumentFunc done,
                  gpointer user_data)
{
    Asker *asker = g_new(Asker, 1);

    asker->done = done;
    asker->user_data = user_data;
    add_waiting(self, name, on_document, asker);
}


void
md_driver_read_document(MdDriver *self,
                        MdDraftUse use,
                        const char *name,
                        const char *document,
                        guint flags,
                        MdOwner *owner,
                        MdDraftFunc func,
                        gpointer user_data)
{
    MdDraft *draft = g_new0(MdDraft, 1);

    draft->text = g_strdup(document);
    func(draft, NULL, user_data);
}


void
md_draft_free(MdDraft *self)
{
    if (self == NULL)
        return;

    g_free(self->text);
    g_free(self);
}


void
fake_driver_set_affected(MdDriver *self, const char *parent, const char *device)
{
    self->parent_name = parent;
    self->drafted_def.name = (char *)device;
}


MdNodeDevice *
md_driver_find_drafted(MdDriver *self, const MdDraft *draft)
{
    return self->drafted_def.name != NULL ? &self->drafted : NULL;
}


GPtrArray *
md_driver_list_parents(MdDriver *self, const MdDraft *draft)
{
    GPtrArray *names = g_ptr_array_new();

    if (self->parent_name != NULL)
        g_ptr_array_add(names, (gpointer)self->parent_name);
    return names;
}


/* Calls that change devices wait, whatever their arguments, and return this text. */
#define WAITING_CALL(function, result, ...)                                                        \
    void function(MdDriver *self, __VA_ARGS__, GAsyncReadyCallback callback, gpointer user_data)   \
    {                                                                                              \
        add_waiting(self, result, callback, user_data);                                            \
    }

WAITING_CALL(md_driver_create_xml_async, draft->text, const MdDraft *draft, MdOwner *owner)
WAITING_CALL(md_driver_create_async, name, const char *name, guint flags, MdOwner *owner)
WAITING_CALL(md_driver_destroy_async, name, const char *name, MdOwner *owner)
WAITING_CALL(
    md_driver_define_xml_async, draft->text, const MdDraft *draft, gboolean guarded, MdOwner *owner)
WAITING_CALL(md_driver_undefine_async, name, const char *name, guint flags, MdOwner *owner)
WAITING_CALL(
    md_driver_set_autostart_async, name, const char *name, gboolean autostart, MdOwner *owner)
WAITING_CALL(md_driver_update_async,
             name,
             const char *name,
             const MdDraft *draft,
             guint flags,
             MdOwner *owner)


char *
md_driver_change_finish(MdDriver *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}
