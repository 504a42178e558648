/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/cap-scsi-generic.h"

#include <libvirt/libvirt.h>

#include "conf/xml-reader.h"
#include "util/error.h"


static gboolean
scsi_generic_parse(MdCap *cap, xmlNodePtr node, GError **error)
{
    MdCapScsiGeneric *self = (MdCapScsiGeneric *)cap;
    g_autofree char *device = NULL;
    xmlNodePtr child = NULL;

    if (!md_xml_child_once(node, "char", &child, error))
        return FALSE;
    self->path = child != NULL ? md_xml_text(child) : NULL;
    if (self->path != NULL)
        return TRUE;

    device = md_xml_device_name(node);
    md_error_set(error, VIR_ERR_INTERNAL_ERROR, "no character device supplied for '%s'", device);
    return FALSE;
}


static void
scsi_generic_format(const MdCap *cap, MdXmlWriter *writer)
{
    md_xml_writer_element(writer, "char", ((const MdCapScsiGeneric *)cap)->path);
}


static void
scsi_generic_copy(MdCap *dest, const MdCap *src)
{
    ((MdCapScsiGeneric *)dest)->path = g_strdup(((const MdCapScsiGeneric *)src)->path);
}


static void
scsi_generic_clear(MdCap *cap)
{
    g_free(((MdCapScsiGeneric *)cap)->path);
}


const MdCapKind md_cap_kind_scsi_generic = {
    .name = "scsi_generic",
    .flag = VIR_CONNECT_LIST_NODE_DEVICES_CAP_SCSI_GENERIC,
    .size = sizeof(MdCapScsiGeneric),
    .parse = scsi_generic_parse,
    .format = scsi_generic_format,
    .copy = scsi_generic_copy,
    .clear = scsi_generic_clear,
};
