/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/cap-drm.h"

#include <libvirt/libvirt.h>

#include "conf/xml-reader.h"
#include "util/error.h"

static const char *const type_names[] = {
    [MD_DRM_PRIMARY] = "primary",
    [MD_DRM_CONTROL] = "control",
    [MD_DRM_RENDER] = "render",
};


static gboolean
drm_parse(MdCap *cap, xmlNodePtr node, GError **error)
{
    g_autofree char *text = md_xml_child_text(node, "type");
    g_autofree char *device = md_xml_device_name(node);
    g_autofree char *quote = md_xml_shorten(text != NULL ? text : "");

    for (guint type = 0; text != NULL && type < MD_DRM_N_TYPES; type++) {
        if (g_str_equal(type_names[type], text)) {
            ((MdCapDrm *)cap)->type = type;
            return TRUE;
        }
    }
    md_error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "unknown drm type '%s' for '%s'", quote,
                 device);
    return FALSE;
}


static void
drm_format(const MdCap *cap, MdXmlWriter *writer)
{
    md_xml_writer_element(writer, "type", type_names[((const MdCapDrm *)cap)->type]);
}


const MdCapKind md_cap_kind_drm = {
    .name = "drm",
    .flag = VIR_CONNECT_LIST_NODE_DEVICES_CAP_DRM,
    .size = sizeof(MdCapDrm),
    .parse = drm_parse,
    .format = drm_format,
};
