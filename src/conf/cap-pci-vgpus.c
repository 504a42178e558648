/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/cap-pci-vgpus.h"

#include "conf/mdev-type.h"
#include "conf/xml-reader.h"
#include "util/error.h"


static void
vgpu_type_free(MdPciVgpuType *type)
{
    g_free(type->id);
    g_free(type->name);
    g_free(type->reason);
    g_free(type);
}


MdPciVgpus *
md_pci_vgpus_new(void)
{
    MdPciVgpus *self = g_atomic_rc_box_new0(MdPciVgpus);

    self->types = g_ptr_array_new_with_free_func((GDestroyNotify)vgpu_type_free);
    return self;
}


MdPciVgpus *
md_pci_vgpus_ref(MdPciVgpus *self)
{
    return self != NULL ? g_atomic_rc_box_acquire(self) : NULL;
}


static void
vgpus_clear(MdPciVgpus *self)
{
    g_ptr_array_unref(self->types);
}


void
md_pci_vgpus_unref(MdPciVgpus *self)
{
    if (self != NULL)
        g_atomic_rc_box_release_full(self, (GDestroyNotify)vgpus_clear);
}


MdPciVgpuType *
md_pci_vgpus_add(MdPciVgpus *self, const char *id, const char *name)
{
    MdPciVgpuType *type = g_new0(MdPciVgpuType, 1);

    type->id = g_strdup(id);
    type->name = g_strdup(name);
    g_ptr_array_add(self->types, type);
    return type;
}


static gboolean
parse_type(MdPciVgpus *self, xmlNodePtr node, GError **error)
{
    g_autofree char *id = md_xml_attribute(node, "id");
    g_autofree char *name = md_xml_child_text(node, "name");
    MdPciVgpuType *type = NULL;

    if (!md_xml_check_attribute(node, "id", error))
        return FALSE;
    type = md_pci_vgpus_add(self, id, name);
    type->reason = md_xml_child_text(node, "reason");
    return md_xml_child_uint(node, "available", "number of available instances", 10, G_MAXUINT,
                             &type->available, error);
}


MdPciVgpus *
md_pci_vgpus_parse(xmlNodePtr node, GError **error)
{
    g_autoptr(MdPciVgpus) self = md_pci_vgpus_new();

    if (!md_xml_attribute_uint(node, "functions", 10, G_MAXUINT, &self->n_functions, error) ||
        !md_xml_attribute_uint(node, "free", 10, G_MAXUINT, &self->n_free, error))
        return NULL;
    for (xmlNodePtr child = md_xml_child(node, "type"); child != NULL; child = md_xml_next(child)) {
        if (self->types->len == MD_MDEV_TYPES_MAX) {
            g_autofree char *device = md_xml_device_name(node);

            md_error_set_from(error, VIR_FROM_XML, VIR_ERR_XML_ERROR,
                              "more than %d types of vGPUs for '%s'", MD_MDEV_TYPES_MAX, device);
            return NULL;
        }
        if (!parse_type(self, child, error))
            return NULL;
    }
    return g_steal_pointer(&self);
}


void
md_pci_vgpus_format(const MdPciVgpus *self, MdXmlWriter *writer)
{
    if (self == NULL || !md_xml_writer_get_details(writer))
        return;

    md_xml_writer_start(writer, "vgpus");
    md_xml_writer_attribute_number(writer, "functions", self->n_functions);
    md_xml_writer_attribute_number(writer, "free", self->n_free);
    for (guint i = 0; i < self->types->len; i++) {
        const MdPciVgpuType *type = g_ptr_array_index(self->types, i);

        md_xml_writer_start(writer, "type");
        md_xml_writer_attribute(writer, "id", type->id);
        md_xml_writer_element(writer, "name", type->name);
        md_xml_writer_element_number(writer, "available", type->available);
        md_xml_writer_element(writer, "reason", type->reason);
        md_xml_writer_end(writer);
    }
    md_xml_writer_end(writer);
}
