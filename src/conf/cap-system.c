/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/cap-system.h"

#include <libvirt/libvirt.h>

#include "conf/xml-reader.h"
#include "util/error.h"

/* libvirt prints this UUID if the firmware has none, because the schema requires one. */
#define NO_UUID "00000000-0000-0000-0000-000000000000"


static gboolean
parse_hardware(MdCapSystem *self, xmlNodePtr node, GError **error)
{
    xmlNodePtr hardware = md_xml_child(node, "hardware");
    g_autofree char *uuid = hardware != NULL ? md_xml_child_text(hardware, "uuid") : NULL;
    g_autofree char *device = md_xml_device_name(node);

    if (uuid == NULL) {
        md_error_set(error, VIR_ERR_INTERNAL_ERROR, "no system UUID supplied for '%s'", device);
        return FALSE;
    }
    self->hardware_uuid = md_uuid_normalize(uuid);
    if (self->hardware_uuid == NULL) {
        md_error_set(error, VIR_ERR_INTERNAL_ERROR, "malformed uuid element for '%s'", device);
        return FALSE;
    }
    self->hardware_vendor = md_xml_child_text(hardware, "vendor");
    self->hardware_version = md_xml_child_text(hardware, "version");
    self->hardware_serial = md_xml_child_text(hardware, "serial");
    return TRUE;
}


static gboolean
system_parse(MdCap *cap, xmlNodePtr node, GError **error)
{
    MdCapSystem *self = (MdCapSystem *)cap;
    xmlNodePtr firmware = md_xml_child(node, "firmware");

    if (!parse_hardware(self, node, error))
        return FALSE;

    self->product = md_xml_child_text(node, "product");
    if (firmware != NULL) {
        self->firmware_vendor = md_xml_child_text(firmware, "vendor");
        self->firmware_version = md_xml_child_text(firmware, "version");
        self->firmware_release_date = md_xml_child_text(firmware, "release_date");
    }
    return TRUE;
}


static void
system_format(const MdCap *cap, MdXmlWriter *writer)
{
    const MdCapSystem *self = (const MdCapSystem *)cap;
    g_autofree char *uuid =
        self->hardware_uuid != NULL ? md_uuid_normalize(self->hardware_uuid) : NULL;

    md_xml_writer_element(writer, "product", self->product);
    md_xml_writer_start(writer, "hardware");
    md_xml_writer_element(writer, "vendor", self->hardware_vendor);
    md_xml_writer_element(writer, "version", self->hardware_version);
    md_xml_writer_element(writer, "serial", self->hardware_serial);
    md_xml_writer_element(writer, "uuid", uuid != NULL ? uuid : NO_UUID);
    md_xml_writer_end(writer);
    md_xml_writer_start(writer, "firmware");
    md_xml_writer_block(writer);
    md_xml_writer_element(writer, "vendor", self->firmware_vendor);
    md_xml_writer_element(writer, "version", self->firmware_version);
    md_xml_writer_element(writer, "release_date", self->firmware_release_date);
    md_xml_writer_end(writer);
}


static void
system_copy(MdCap *dest, const MdCap *src)
{
    MdCapSystem *self = (MdCapSystem *)dest;
    const MdCapSystem *from = (const MdCapSystem *)src;

    self->product = g_strdup(from->product);
    self->hardware_vendor = g_strdup(from->hardware_vendor);
    self->hardware_version = g_strdup(from->hardware_version);
    self->hardware_serial = g_strdup(from->hardware_serial);
    self->hardware_uuid = g_strdup(from->hardware_uuid);
    self->firmware_vendor = g_strdup(from->firmware_vendor);
    self->firmware_version = g_strdup(from->firmware_version);
    self->firmware_release_date = g_strdup(from->firmware_release_date);
}


static void
system_clear(MdCap *cap)
{
    MdCapSystem *self = (MdCapSystem *)cap;

    g_free(self->product);
    g_free(self->hardware_vendor);
    g_free(self->hardware_version);
    g_free(self->hardware_serial);
    g_free(self->hardware_uuid);
    g_free(self->firmware_vendor);
    g_free(self->firmware_version);
    g_free(self->firmware_release_date);
}


const MdCapKind md_cap_kind_system = {
    .name = "system",
    .flag = VIR_CONNECT_LIST_NODE_DEVICES_CAP_SYSTEM,
    .size = sizeof(MdCapSystem),
    .parse = system_parse,
    .format = system_format,
    .copy = system_copy,
    .clear = system_clear,
    .is_permanent = TRUE,
};
