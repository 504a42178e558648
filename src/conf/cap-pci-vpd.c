/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/cap-pci-vpd.h"

#include <libvirt/libvirt.h>
#include <string.h>

#include "conf/xml-reader.h"
#include "util/error.h"

#define ATTRIBUTE_ACCESS "access"
#define ATTRIBUTE_INDEX  "index"
#define KEYWORD_LENGTH   2

/* In the order of libvirt's documents. */
typedef struct {
    MdPciVpdSection section;
    const char *keyword; /* one letter: a family of keywords, with an index as the second letter */
    const char *element;
} FieldKind;

static const FieldKind field_kinds[] = {
    { MD_PCI_VPD_READONLY, "EC", "change_level" }, { MD_PCI_VPD_READONLY, "MN", "manufacture_id" },
    { MD_PCI_VPD_READONLY, "PN", "part_number" },  { MD_PCI_VPD_READONLY, "SN", "serial_number" },
    { MD_PCI_VPD_READONLY, "V", "vendor_field" },  { MD_PCI_VPD_READWRITE, "YA", "asset_tag" },
    { MD_PCI_VPD_READWRITE, "V", "vendor_field" }, { MD_PCI_VPD_READWRITE, "Y", "system_field" },
};

static const char *const accesses[] = {
    [MD_PCI_VPD_READONLY] = "readonly",
    [MD_PCI_VPD_READWRITE] = "readwrite",
};


static void
field_free(MdPciVpdField *field)
{
    g_free(field->value);
    g_free(field);
}


MdPciVpd *
md_pci_vpd_new(void)
{
    return g_new0(MdPciVpd, 1);
}


static void
add_field(GPtrArray *fields, const char *keyword, const char *value)
{
    MdPciVpdField *field = g_new0(MdPciVpdField, 1);

    g_strlcpy(field->keyword, keyword, sizeof(field->keyword));
    field->value = g_strdup(value);
    g_ptr_array_add(fields, field);
}


MdPciVpd *
md_pci_vpd_copy(const MdPciVpd *self)
{
    MdPciVpd *copy = NULL;

    if (self == NULL)
        return NULL;

    copy = md_pci_vpd_new();
    copy->name = g_strdup(self->name);
    for (guint section = 0; section < MD_PCI_VPD_N_SECTIONS; section++) {
        const GPtrArray *fields = self->fields[section];

        if (fields == NULL)
            continue;
        md_pci_vpd_add_section(copy, section);
        for (guint i = 0; i < fields->len; i++) {
            const MdPciVpdField *field = g_ptr_array_index(fields, i);

            add_field(copy->fields[section], field->keyword, field->value);
        }
    }
    return copy;
}


void
md_pci_vpd_free(MdPciVpd *self)
{
    if (self == NULL)
        return;

    g_free(self->name);
    for (guint section = 0; section < MD_PCI_VPD_N_SECTIONS; section++)
        g_clear_pointer(&self->fields[section], g_ptr_array_unref);
    g_free(self);
}


void
md_pci_vpd_add_section(MdPciVpd *self, MdPciVpdSection section)
{
    if (self->fields[section] == NULL)
        self->fields[section] = g_ptr_array_new_with_free_func((GDestroyNotify)field_free);
}


static gboolean
is_index(char letter)
{
    return g_ascii_isdigit(letter) || g_ascii_isupper(letter);
}


static gboolean
is_of_kind(const FieldKind *kind, MdPciVpdSection section, const char *keyword)
{
    if (kind->section != section || strlen(keyword) != KEYWORD_LENGTH)
        return FALSE;
    if (strlen(kind->keyword) == KEYWORD_LENGTH)
        return g_str_equal(kind->keyword, keyword);
    /* YA is the asset tag, not a system field. */
    return kind->keyword[0] == keyword[0] && is_index(keyword[1]) && !g_str_equal(keyword, "YA");
}


gboolean
md_pci_vpd_set(MdPciVpd *self, MdPciVpdSection section, const char *keyword, const char *value)
{
    gboolean known = FALSE;

    for (guint i = 0; !known && i < G_N_ELEMENTS(field_kinds); i++)
        known = is_of_kind(&field_kinds[i], section, keyword);
    if (!known)
        return FALSE;

    md_pci_vpd_add_section(self, section);
    for (guint i = 0; i < self->fields[section]->len; i++) {
        MdPciVpdField *field = g_ptr_array_index(self->fields[section], i);

        if (g_str_equal(field->keyword, keyword)) {
            g_free(field->value);
            field->value = g_strdup(value);
            return TRUE;
        }
    }
    add_field(self->fields[section], keyword, value);
    return TRUE;
}


/* Unlike md_xml_text(), returns "" for an empty field. */
static char *
read_value(xmlNodePtr node)
{
    char *text = md_xml_text(node);

    return text != NULL ? text : g_strdup("");
}


static void
parse_fields(MdPciVpd *self, MdPciVpdSection section, xmlNodePtr node)
{
    md_pci_vpd_add_section(self, section);
    for (guint i = 0; i < G_N_ELEMENTS(field_kinds); i++) {
        const FieldKind *kind = &field_kinds[i];

        if (kind->section != section)
            continue;
        for (xmlNodePtr child = md_xml_child(node, kind->element); child != NULL;
             child = md_xml_next(child)) {
            gboolean is_family = strlen(kind->keyword) < KEYWORD_LENGTH;
            g_autofree char *index = is_family ? md_xml_attribute(child, ATTRIBUTE_INDEX) : NULL;
            g_autofree char *keyword = g_strconcat(kind->keyword, index, NULL);
            g_autofree char *value = read_value(child);

            /* Like libvirt, ignores fields with an invalid index. */
            if (is_of_kind(kind, section, keyword))
                md_pci_vpd_set(self, section, keyword, value);
        }
    }
}


MdPciVpd *
md_pci_vpd_parse(xmlNodePtr node, GError **error)
{
    g_autoptr(MdPciVpd) self = md_pci_vpd_new();
    xmlNodePtr name = md_xml_child(node, "name");

    self->name = name != NULL ? read_value(name) : NULL;
    for (xmlNodePtr child = md_xml_child(node, "fields"); child != NULL;
         child = md_xml_next(child)) {
        g_autofree char *access = md_xml_attribute(child, ATTRIBUTE_ACCESS);
        guint section = 0;

        if (access == NULL)
            continue;
        while (section < MD_PCI_VPD_N_SECTIONS && !g_str_equal(access, accesses[section]))
            section++;
        if (section == MD_PCI_VPD_N_SECTIONS) {
            g_autofree char *quote = md_xml_shorten(access);

            md_error_set_from(error, VIR_FROM_XML, VIR_ERR_XML_ERROR,
                              "Unsupported VPD field access type specified %s", quote);
            return NULL;
        }
        parse_fields(self, section, child);
    }
    return g_steal_pointer(&self);
}


static void
format_kind(const FieldKind *kind, const GPtrArray *fields, MdXmlWriter *writer)
{
    for (guint i = 0; i < fields->len; i++) {
        const MdPciVpdField *field = g_ptr_array_index(fields, i);

        if (!is_of_kind(kind, kind->section, field->keyword))
            continue;
        md_xml_writer_start(writer, kind->element);
        if (strlen(kind->keyword) < KEYWORD_LENGTH)
            md_xml_writer_attribute(writer, ATTRIBUTE_INDEX, field->keyword + 1);
        md_xml_writer_text(writer, field->value);
        md_xml_writer_end(writer);
    }
}


void
md_pci_vpd_format(const MdPciVpd *self, MdXmlWriter *writer)
{
    if (self == NULL)
        return;

    md_xml_writer_start(writer, "capability");
    md_xml_writer_attribute(writer, "type", md_cap_kind_vpd.name);
    md_xml_writer_block(writer);
    md_xml_writer_element(writer, "name", self->name);
    for (guint section = 0; section < MD_PCI_VPD_N_SECTIONS; section++) {
        if (self->fields[section] == NULL)
            continue;
        md_xml_writer_start(writer, "fields");
        md_xml_writer_attribute(writer, ATTRIBUTE_ACCESS, accesses[section]);
        md_xml_writer_block(writer);
        for (guint i = 0; i < G_N_ELEMENTS(field_kinds); i++) {
            if (field_kinds[i].section == section)
                format_kind(&field_kinds[i], self->fields[section], writer);
        }
        md_xml_writer_end(writer);
    }
    md_xml_writer_end(writer);
}


const MdCapKind md_cap_kind_vpd = {
    .name = "vpd",
    .flag = VIR_CONNECT_LIST_NODE_DEVICES_CAP_VPD,
};
