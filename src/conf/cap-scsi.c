/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/cap-scsi.h"

#include <libvirt/libvirt.h>

#include "conf/xml-reader.h"
#include "util/error.h"

/* By SCSI type number. libvirt has no names for the missing types. */
static const char *const types[] = {
    [0] = "disk",    [1] = "tape", [3] = "processor", [4] = "worm",  [5] = "cdrom",
    [6] = "scanner", [7] = "mod",  [8] = "changer",   [12] = "raid", [13] = "enclosure",
};


const char *
md_scsi_type_to_string(gint64 number)
{
    return number >= 0 && number < (gint64)G_N_ELEMENTS(types) ? types[number] : NULL;
}


gboolean
md_scsi_address_parse(const char *text, MdScsiAddress *address)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", 5);
    MdScsiAddress parsed = { 0 };

    if (g_strv_length(parts) != 4 || !md_xml_parse_uint(parts[0], 10, G_MAXINT, &parsed.host) ||
        !md_xml_parse_uint(parts[1], 10, G_MAXINT, &parsed.bus) ||
        !md_xml_parse_uint(parts[2], 10, G_MAXINT, &parsed.target) ||
        !g_ascii_string_to_unsigned(parts[3], 10, 0, G_MAXUINT64, &parsed.lun, NULL))
        return FALSE;

    *address = parsed;
    return TRUE;
}


/* `what` names the number in libvirt's messages. */
static gboolean
parse_number(xmlNodePtr node,
             const char *name,
             const char *what,
             guint64 max,
             guint64 *number,
             GError **error)
{
    g_autofree char *device = NULL;
    g_autofree char *text = NULL;
    xmlNodePtr child = NULL;

    if (!md_xml_child_once(node, name, &child, error))
        return FALSE;
    text = child != NULL ? md_xml_text(child) : NULL;
    if (text != NULL && g_ascii_string_to_unsigned(text, 10, 0, max, number, NULL))
        return TRUE;

    device = md_xml_device_name(node);
    md_error_set(error, VIR_ERR_INTERNAL_ERROR, "%s SCSI %s ID supplied for '%s'",
                 text == NULL ? "no" : "invalid", what, device);
    return FALSE;
}


static gboolean
scsi_parse(MdCap *cap, xmlNodePtr node, GError **error)
{
    MdCapScsi *self = (MdCapScsi *)cap;
    xmlNodePtr type = NULL;
    guint64 host = 0;
    guint64 bus = 0;
    guint64 target = 0;

    if (!parse_number(node, "host", "host", G_MAXINT, &host, error) ||
        !parse_number(node, "bus", "bus", G_MAXINT, &bus, error) ||
        !parse_number(node, "target", "target", G_MAXINT, &target, error) ||
        !parse_number(node, "lun", "LUN", G_MAXUINT64, &self->address.lun, error) ||
        !md_xml_child_once(node, "type", &type, error))
        return FALSE;

    self->address.host = (guint)host;
    self->address.bus = (guint)bus;
    self->address.target = (guint)target;
    self->type = type != NULL ? md_xml_text(type) : NULL;
    return TRUE;
}


static void
scsi_format(const MdCap *cap, MdXmlWriter *writer)
{
    const MdCapScsi *self = (const MdCapScsi *)cap;

    md_xml_writer_element_number(writer, "host", self->address.host);
    md_xml_writer_element_number(writer, "bus", self->address.bus);
    md_xml_writer_element_number(writer, "target", self->address.target);
    md_xml_writer_element_number(writer, "lun", self->address.lun);
    md_xml_writer_element(writer, "type", self->type);
}


static void
scsi_copy(MdCap *dest, const MdCap *src)
{
    ((MdCapScsi *)dest)->address = ((const MdCapScsi *)src)->address;
    ((MdCapScsi *)dest)->type = g_strdup(((const MdCapScsi *)src)->type);
}


static void
scsi_clear(MdCap *cap)
{
    g_free(((MdCapScsi *)cap)->type);
}


const MdCapKind md_cap_kind_scsi = {
    .name = "scsi",
    .flag = VIR_CONNECT_LIST_NODE_DEVICES_CAP_SCSI,
    .size = sizeof(MdCapScsi),
    .parse = scsi_parse,
    .format = scsi_format,
    .copy = scsi_copy,
    .clear = scsi_clear,
};
