/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/cap-scsi-host.h"

#include <libvirt/libvirt.h>

#include "conf/wwn.h"
#include "conf/xml-reader.h"
#include "util/error.h"

#define TYPE_FC_HOST   "fc_host"
#define TYPE_VPORT_OPS "vport_ops"


static void
scsi_host_init(MdCap *cap)
{
    ((MdCapScsiHost *)cap)->host = -1;
    ((MdCapScsiHost *)cap)->unique_id = -1;
}


/* Leaves `*number` unchanged if the child is missing. */
static gboolean
parse_number(xmlNodePtr node, const char *name, const char *what, guint *number, GError **error)
{
    g_autofree char *text = NULL;
    g_autofree char *device = NULL;
    xmlNodePtr child = NULL;

    if (!md_xml_child_once(node, name, &child, error))
        return FALSE;
    text = child != NULL ? md_xml_text(child) : NULL;
    if (text == NULL || md_xml_parse_uint(text, 10, G_MAXINT, number))
        return TRUE;

    device = md_xml_device_name(node);
    md_error_set(error, VIR_ERR_INTERNAL_ERROR, "invalid %s supplied for '%s'", what, device);
    return FALSE;
}


static gboolean
parse_wwn(xmlNodePtr node, const char *name, char **wwn, GError **error)
{
    g_autofree char *text = NULL;
    g_autofree char *quote = NULL;
    xmlNodePtr child = NULL;

    if (!md_xml_child_once(node, name, &child, error))
        return FALSE;
    text = child != NULL ? md_xml_text(child) : NULL;
    if (text == NULL)
        return TRUE;

    *wwn = md_wwn_normalize(text, MD_WWN_DIGITS);
    if (*wwn != NULL)
        return TRUE;
    quote = md_xml_shorten(text);
    md_error_set(error, VIR_ERR_XML_ERROR, "Malformed wwn: %s is not a valid %s", quote, name);
    return FALSE;
}


static gboolean
parse_fc_host(MdCapScsiHost *self, xmlNodePtr node, GError **error)
{
    self->is_fc_host = TRUE;
    return parse_wwn(node, "wwnn", &self->wwnn, error) &&
           parse_wwn(node, "wwpn", &self->wwpn, error) &&
           parse_wwn(node, "fabric_wwn", &self->fabric_wwn, error);
}


static gboolean
parse_vport_ops(MdCapScsiHost *self, xmlNodePtr node, GError **error)
{
    self->has_vport_ops = TRUE;
    return parse_number(node, "max_vports", "max_vports", &self->max_vports, error) &&
           parse_number(node, "vports", "vports", &self->vports, error);
}


static gboolean
parse_nested(MdCapScsiHost *self, xmlNodePtr node, GError **error)
{
    g_autofree char *type = md_xml_attribute(node, "type");
    g_autofree char *device = md_xml_device_name(node);
    g_autofree char *quote = NULL;

    if (g_strcmp0(type, TYPE_FC_HOST) == 0 && !self->is_fc_host)
        return parse_fc_host(self, node, error);
    if (g_strcmp0(type, TYPE_VPORT_OPS) == 0 && !self->has_vport_ops)
        return parse_vport_ops(self, node, error);

    if (type == NULL) {
        md_error_set(error, VIR_ERR_INTERNAL_ERROR, "missing SCSI host capability type for '%s'",
                     device);
        return FALSE;
    }
    quote = md_xml_shorten(type);
    md_error_set(error, VIR_ERR_INTERNAL_ERROR, "%s SCSI host capability type '%s' for '%s'",
                 g_str_equal(type, TYPE_FC_HOST) || g_str_equal(type, TYPE_VPORT_OPS) ? "repeated"
                                                                                      : "unknown",
                 quote, device);
    return FALSE;
}


static gboolean
scsi_host_parse(MdCap *cap, xmlNodePtr node, GError **error)
{
    MdCapScsiHost *self = (MdCapScsiHost *)cap;

    if (!parse_number(node, "host", "SCSI host ID", (guint *)&self->host, error) ||
        !parse_number(node, "unique_id", "unique_id", (guint *)&self->unique_id, error))
        return FALSE;

    for (xmlNodePtr child = md_xml_child(node, "capability"); child != NULL;
         child = md_xml_next(child)) {
        if (!parse_nested(self, child, error))
            return FALSE;
    }
    return TRUE;
}


static void
scsi_host_format(const MdCap *cap, MdXmlWriter *writer)
{
    const MdCapScsiHost *self = (const MdCapScsiHost *)cap;

    if (self->host >= 0)
        md_xml_writer_element_number(writer, "host", self->host);
    if (self->unique_id >= 0)
        md_xml_writer_element_number(writer, "unique_id", self->unique_id);
    if (self->is_fc_host) {
        md_xml_writer_start(writer, "capability");
        md_xml_writer_attribute(writer, "type", TYPE_FC_HOST);
        md_xml_writer_element(writer, "wwnn", self->wwnn);
        md_xml_writer_element(writer, "wwpn", self->wwpn);
        md_xml_writer_element(writer, "fabric_wwn", self->fabric_wwn);
        md_xml_writer_end(writer);
    }
    if (self->has_vport_ops) {
        md_xml_writer_start(writer, "capability");
        md_xml_writer_attribute(writer, "type", TYPE_VPORT_OPS);
        md_xml_writer_element_number(writer, "max_vports", self->max_vports);
        md_xml_writer_element_number(writer, "vports", self->vports);
        md_xml_writer_end(writer);
    }
}


static void
scsi_host_copy(MdCap *dest, const MdCap *src)
{
    MdCapScsiHost *self = (MdCapScsiHost *)dest;

    *self = *(const MdCapScsiHost *)src;
    self->wwnn = g_strdup(self->wwnn);
    self->wwpn = g_strdup(self->wwpn);
    self->fabric_wwn = g_strdup(self->fabric_wwn);
}


static void
scsi_host_clear(MdCap *cap)
{
    MdCapScsiHost *self = (MdCapScsiHost *)cap;

    g_free(self->wwnn);
    g_free(self->wwpn);
    g_free(self->fabric_wwn);
}


static void
list_nested(const MdCap *cap, GPtrArray *kinds)
{
    const MdCapScsiHost *self = (const MdCapScsiHost *)cap;

    if (self->is_fc_host)
        g_ptr_array_add(kinds, (gpointer)&md_cap_kind_fc_host);
    if (self->has_vport_ops)
        g_ptr_array_add(kinds, (gpointer)&md_cap_kind_vports);
}


/* The port's name is known before the kernel chooses the host number. */
static const char *
get_alias(const MdCap *cap)
{
    return ((const MdCapScsiHost *)cap)->wwpn;
}


/* A virtual host adapter uses up one of its parent's virtual ports. */
static gboolean
scsi_host_consumes(const MdCapKind *parent)
{
    return parent == &md_cap_kind_scsi_host;
}


const MdCapKind md_cap_kind_scsi_host = {
    .name = "scsi_host",
    .flag = VIR_CONNECT_LIST_NODE_DEVICES_CAP_SCSI_HOST,
    .size = sizeof(MdCapScsiHost),
    .init = scsi_host_init,
    .parse = scsi_host_parse,
    .format = scsi_host_format,
    .copy = scsi_host_copy,
    .clear = scsi_host_clear,
    .list_nested = list_nested,
    .get_alias = get_alias,
    .consumes = scsi_host_consumes,
};

const MdCapKind md_cap_kind_fc_host = {
    .name = TYPE_FC_HOST,
    .flag = VIR_CONNECT_LIST_NODE_DEVICES_CAP_FC_HOST,
};

/* The name in list calls differs from the name in documents. */
const MdCapKind md_cap_kind_vports = {
    .name = "vports",
    .flag = VIR_CONNECT_LIST_NODE_DEVICES_CAP_VPORTS,
};
