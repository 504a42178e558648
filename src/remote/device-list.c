/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "remote/device-list.h"

#include <string.h>

#include "registry/list-flags.h"

/* A device: its flags, and the end of its name in the encoded names. */
typedef struct {
    guint flags;
    guint end;
} Row;

struct _MdDeviceList {
    MdDriver *driver;
    guint64 generation; /* of the devices below */
    GArray *rows;       /* of Row */
    GByteArray *names;  /* XDR: length, bytes, padding */
};


MdDeviceList *
md_device_list_new(MdDriver *driver)
{
    MdDeviceList *self = g_new0(MdDeviceList, 1);

    self->driver = driver;
    self->rows = g_array_new(FALSE, FALSE, sizeof(Row));
    self->names = g_byte_array_new();
    return self;
}


void
md_device_list_free(MdDeviceList *self)
{
    if (self == NULL)
        return;

    g_array_unref(self->rows);
    g_byte_array_unref(self->names);
    g_free(self);
}


static void
append_device(MdDeviceList *self, const MdNodeDevice *device)
{
    static const guint8 padding[BYTES_PER_XDR_UNIT];
    const char *name = device->def->name;
    gsize length = strlen(name);
    guint32 word = GUINT32_TO_BE((guint32)length);
    Row row = { .flags = md_list_flags_get(device) };

    g_byte_array_append(self->names, (const guint8 *)&word, sizeof(word));
    g_byte_array_append(self->names, (const guint8 *)name, (guint)length);
    g_byte_array_append(self->names, padding, (guint)(RNDUP(length) - length));
    row.end = self->names->len;
    g_array_append_val(self->rows, row);
}


static void
update_list(MdDeviceList *self)
{
    guint64 generation = md_driver_get_generation(self->driver);

    if (generation == self->generation)
        return;

    self->generation = generation;
    g_array_set_size(self->rows, 0);
    g_byte_array_set_size(self->names, 0);
    for (GList *link = md_driver_get_devices(self->driver); link != NULL; link = link->next)
        append_device(self, link->data);
}


MdDeviceNames
md_device_list_select(MdDeviceList *self, guint flags, guint max)
{
    MdDeviceNames names = { .list = self, .flags = flags };

    update_list(self);
    for (guint i = 0; i < self->rows->len && names.count < max; i++) {
        if (md_list_flags_match(g_array_index(self->rows, Row, i).flags, flags))
            names.count++;
    }
    return names;
}


/* Copies runs of adjacent names, because most lists have all devices. */
bool_t
md_device_names_encode(XDR *xdr, gconstpointer names)
{
    const MdDeviceNames *self = names;
    const MdDeviceList *list = self->list;
    guint32 count = self->count;
    guint found = 0;
    guint start = 0;
    guint end = 0;

    if (!xdr_uint32_t(xdr, &count))
        return FALSE;

    for (guint i = 0; found < count; i++) {
        const Row *row = &g_array_index(list->rows, Row, i);

        if (md_list_flags_match(row->flags, self->flags)) {
            found++;
        } else {
            if (end > start && !XDR_PUTBYTES(xdr, (char *)list->names->data + start, end - start))
                return FALSE;
            start = row->end;
        }
        end = row->end;
    }
    return end == start || XDR_PUTBYTES(xdr, (char *)list->names->data + start, end - start);
}


bool_t
md_device_names_encode_with_count(XDR *xdr, gconstpointer names)
{
    guint32 count = ((const MdDeviceNames *)names)->count;

    return md_device_names_encode(xdr, names) && xdr_uint32_t(xdr, &count);
}
