/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "registry/snapshot.h"

#include <string.h>

#include "conf/xml.h"

/* One comparison. */
typedef struct {
    MdEvents *events;
    GHashTable *updated; /* names of the devices to be reported as updated at the end */
} Comparison;


static void
make_digest(const MdNodeDevice *device, guint8 *digest)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autofree char *document = md_xml_format(device->def, TRUE);
    g_autofree char *definition =
        device->definition != NULL ? md_definition_format(device->definition, FALSE) : NULL;
    gsize size = MD_SNAPSHOT_DIGEST_SIZE;

    g_checksum_update(checksum, (const guchar *)document, (gssize)strlen(document));
    if (definition != NULL)
        g_checksum_update(checksum, (const guchar *)definition, (gssize)strlen(definition));
    g_checksum_get_digest(checksum, digest, &size);
}


static MdSnapshotDevice
describe_device(MdRegistry *registry, MdNodeDevice *device)
{
    const MdNodeDevice *consumed = md_registry_find_consumed(registry, device);
    MdSnapshotDevice described = { .name = device->def->name,
                                   .consumed = consumed != NULL ? consumed->def->name : NULL,
                                   .active = device->active,
                                   .defined = device->definition != NULL,
                                   .inode = device->inode };

    make_digest(device, described.digest);
    return described;
}


GArray *
md_snapshot_take(MdRegistry *registry)
{
    GArray *devices = g_array_new(FALSE, FALSE, sizeof(MdSnapshotDevice));

    for (GList *link = md_registry_list(registry); link != NULL; link = link->next) {
        MdSnapshotDevice described = describe_device(registry, link->data);

        g_array_append_val(devices, described);
    }
    return devices;
}


static void
report_lifecycle(Comparison *self, const MdSnapshotDevice *device, int detail)
{
    md_events_report(self->events, device->name, VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE, detail);
    if (device->consumed != NULL &&
        (detail == VIR_NODE_DEVICE_EVENT_CREATED || detail == VIR_NODE_DEVICE_EVENT_DELETED))
        g_hash_table_add(self->updated, (gpointer)device->consumed);
}


static gboolean
is_same_device(const MdSnapshotDevice *one, const MdSnapshotDevice *other)
{
    return one->active && other->active && one->inode == other->inode;
}


/* `now` NULL: the device is gone. */
static void
report_losses(Comparison *self, const MdSnapshotDevice *before, const MdSnapshotDevice *now)
{
    if (before->active && (now == NULL || !is_same_device(before, now)))
        report_lifecycle(self, before, VIR_NODE_DEVICE_EVENT_DELETED);
    if (before->defined && (now == NULL || !now->defined))
        report_lifecycle(self, before, VIR_NODE_DEVICE_EVENT_UNDEFINED);
}


/* `before` NULL: the device is new. */
static void
report_gains(Comparison *self, const MdSnapshotDevice *before, const MdSnapshotDevice *now)
{
    gboolean created = now->active && (before == NULL || !is_same_device(before, now));

    if (now->defined && (before == NULL || !before->defined))
        report_lifecycle(self, now, VIR_NODE_DEVICE_EVENT_DEFINED);
    if (created)
        report_lifecycle(self, now, VIR_NODE_DEVICE_EVENT_CREATED);
    else if (before != NULL && before->active == now->active && before->defined == now->defined &&
             memcmp(before->digest, now->digest, MD_SNAPSHOT_DIGEST_SIZE) != 0)
        g_hash_table_add(self->updated, (gpointer)now->name);
}


/* Reports in reverse order: in a snapshot, children follow their parents, but they disappear before
 * them. */
static void
report_all_losses(Comparison *self, const GArray *before, GHashTable *now)
{
    for (guint i = before->len; i > 0; i--) {
        const MdSnapshotDevice *device = &g_array_index(before, MdSnapshotDevice, i - 1);

        report_losses(self, device, g_hash_table_lookup(now, device->name));
    }
}


static void
report_updates(Comparison *self, const GArray *now)
{
    for (guint i = 0; i < now->len; i++) {
        const char *name = g_array_index(now, MdSnapshotDevice, i).name;

        if (g_hash_table_contains(self->updated, name))
            md_events_report(self->events, name, VIR_NODE_DEVICE_EVENT_ID_UPDATE, 0);
    }
}


static GHashTable *
index_snapshot(const GArray *devices)
{
    GHashTable *index = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < devices->len; i++) {
        MdSnapshotDevice *device = &g_array_index(devices, MdSnapshotDevice, i);

        g_hash_table_insert(index, (gpointer)device->name, device);
    }
    return index;
}


void
md_snapshot_report(const GArray *before, MdRegistry *registry, MdEvents *events)
{
    g_autoptr(GArray) now = md_snapshot_take(registry);
    g_autoptr(GHashTable) now_by_name = index_snapshot(now);
    g_autoptr(GHashTable) before_by_name = index_snapshot(before);
    g_autoptr(GHashTable) updated = g_hash_table_new(g_str_hash, g_str_equal);
    Comparison comparison = { events, updated };

    report_all_losses(&comparison, before, now_by_name);
    for (guint i = 0; i < now->len; i++) {
        const MdSnapshotDevice *device = &g_array_index(now, MdSnapshotDevice, i);

        report_gains(&comparison, g_hash_table_lookup(before_by_name, device->name), device);
    }
    report_updates(&comparison, now);
}
