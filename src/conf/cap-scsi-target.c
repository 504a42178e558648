/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/cap-scsi-target.h"

#include <libvirt/libvirt.h>

#include "conf/wwn.h"
#include "conf/xml-reader.h"
#include "util/error.h"

#define TYPE_REMOTE_PORT "fc_remote_port"


static gboolean
parse_text(xmlNodePtr node, const char *name, const char *what, char **text, GError **error)
{
    g_autofree char *device = NULL;
    xmlNodePtr child = NULL;

    if (!md_xml_child_once(node, name, &child, error))
        return FALSE;
    *text = child != NULL ? md_xml_text(child) : NULL;
    if (*text != NULL)
        return TRUE;

    device = md_xml_device_name(node);
    md_error_set(error, VIR_ERR_INTERNAL_ERROR, "no %s supplied for '%s'", what, device);
    return FALSE;
}


static gboolean
parse_remote_port(MdCapScsiTarget *self, xmlNodePtr node, GError **error)
{
    g_autofree char *type = md_xml_attribute(node, "type");
    g_autofree char *device = md_xml_device_name(node);
    g_autofree char *wwpn = NULL;
    g_autofree char *quote = NULL;

    if (g_strcmp0(type, TYPE_REMOTE_PORT) != 0) {
        quote = md_xml_shorten(type != NULL ? type : "");
        md_error_set(error, VIR_ERR_INTERNAL_ERROR,
                     "unknown SCSI target capability type '%s' for '%s'", quote, device);
        return FALSE;
    }
    if (!parse_text(node, "rport", "rport name", &self->rport, error) ||
        !parse_text(node, "wwpn", "wwpn", &wwpn, error))
        return FALSE;

    self->wwpn = md_wwn_normalize(wwpn, MD_WWN_DIGITS);
    if (self->wwpn != NULL)
        return TRUE;
    quote = md_xml_shorten(wwpn);
    md_error_set(error, VIR_ERR_XML_ERROR, "Malformed wwn: %s is not a valid wwpn", quote);
    return FALSE;
}


static gboolean
scsi_target_parse(MdCap *cap, xmlNodePtr node, GError **error)
{
    MdCapScsiTarget *self = (MdCapScsiTarget *)cap;
    xmlNodePtr nested = NULL;

    if (!parse_text(node, "target", "target name", &self->target, error) ||
        !md_xml_child_once(node, "capability", &nested, error))
        return FALSE;
    return nested == NULL || parse_remote_port(self, nested, error);
}


static void
scsi_target_format(const MdCap *cap, MdXmlWriter *writer)
{
    const MdCapScsiTarget *self = (const MdCapScsiTarget *)cap;

    md_xml_writer_element(writer, "target", self->target);
    if (self->rport == NULL)
        return;
    md_xml_writer_start(writer, "capability");
    md_xml_writer_attribute(writer, "type", TYPE_REMOTE_PORT);
    md_xml_writer_element(writer, "rport", self->rport);
    /* With 0x as in the kernel's attribute, unlike the names of a host. */
    md_xml_writer_start(writer, "wwpn");
    md_xml_writer_text(writer, "0x");
    md_xml_writer_text(writer, self->wwpn);
    md_xml_writer_end(writer);
    md_xml_writer_end(writer);
}


static void
scsi_target_copy(MdCap *dest, const MdCap *src)
{
    MdCapScsiTarget *self = (MdCapScsiTarget *)dest;
    const MdCapScsiTarget *other = (const MdCapScsiTarget *)src;

    self->target = g_strdup(other->target);
    self->rport = g_strdup(other->rport);
    self->wwpn = g_strdup(other->wwpn);
}


static void
scsi_target_clear(MdCap *cap)
{
    MdCapScsiTarget *self = (MdCapScsiTarget *)cap;

    g_free(self->target);
    g_free(self->rport);
    g_free(self->wwpn);
}


const MdCapKind md_cap_kind_scsi_target = {
    .name = "scsi_target",
    .flag = VIR_CONNECT_LIST_NODE_DEVICES_CAP_SCSI_TARGET,
    .size = sizeof(MdCapScsiTarget),
    .parse = scsi_target_parse,
    .format = scsi_target_format,
    .copy = scsi_target_copy,
    .clear = scsi_target_clear,
};
