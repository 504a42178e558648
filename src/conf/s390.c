/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/s390.h"

#include <string.h>

#include "conf/xml-reader.h"
#include "util/error.h"

#define CSSID_MAX 0xFE
#define SSID_MAX  3
#define DEVNO_MAX 0xFFFF

static const char *const state_names[] = {
    [MD_CCW_STATE_UNKNOWN] = NULL,
    [MD_CCW_STATE_OFFLINE] = "offline",
    [MD_CCW_STATE_ONLINE] = "online",
};


gboolean
md_s390_parse_number(
    xmlNodePtr node, const char *name, guint base, guint max, guint *number, GError **error)
{
    g_autofree char *device = md_xml_device_name(node);
    g_autofree char *text = NULL;
    xmlNodePtr child = NULL;
    const char *digits = NULL;

    if (!md_xml_child_once(node, name, &child, error))
        return FALSE;
    text = child != NULL ? md_xml_text(child) : NULL;
    if (text == NULL) {
        md_error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "missing %s value for '%s'", name, device);
        return FALSE;
    }
    digits = base == 16 && g_ascii_strncasecmp(text, "0x", 2) == 0 ? text + 2 : text;
    if (!md_xml_parse_uint(digits, base, max, number)) {
        g_autofree char *quote = md_xml_shorten(text);

        md_error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "invalid %s value '%s' for '%s'", name,
                     quote, device);
        return FALSE;
    }
    return TRUE;
}


gboolean
md_ccw_address_parse(const char *text, MdCcwAddress *address)
{
    g_auto(GStrv) parts = g_strsplit(text, ".", 4);
    MdCcwAddress parsed = { 0 };

    if (g_strv_length(parts) != 3 || strlen(parts[2]) != 4)
        return FALSE;
    if (!md_xml_parse_uint(parts[0], 16, CSSID_MAX, &parsed.cssid) ||
        !md_xml_parse_uint(parts[1], 16, SSID_MAX, &parsed.ssid) ||
        !md_xml_parse_uint(parts[2], 16, DEVNO_MAX, &parsed.devno))
        return FALSE;

    *address = parsed;
    return TRUE;
}


/* As in libvirt, a device number is hexadecimal even without 0x. */
gboolean
md_ccw_address_parse_xml(xmlNodePtr node, MdCcwAddress *address, GError **error)
{
    return md_s390_parse_number(node, "cssid", 0, CSSID_MAX, &address->cssid, error) &&
           md_s390_parse_number(node, "ssid", 0, SSID_MAX, &address->ssid, error) &&
           md_s390_parse_number(node, "devno", 16, DEVNO_MAX, &address->devno, error);
}


void
md_ccw_address_format(const MdCcwAddress *address, MdXmlWriter *writer)
{
    md_xml_writer_element_hex(writer, "cssid", address->cssid, 1);
    md_xml_writer_element_hex(writer, "ssid", address->ssid, 1);
    md_xml_writer_element_hex(writer, "devno", address->devno, 4);
}


gboolean
md_ccw_state_parse_xml(xmlNodePtr node, MdCcwState *state, GError **error)
{
    g_autofree char *device = NULL;
    g_autofree char *quote = NULL;
    g_autofree char *text = NULL;
    xmlNodePtr child = NULL;

    if (!md_xml_child_once(node, "state", &child, error))
        return FALSE;
    text = child != NULL ? md_xml_text(child) : NULL;
    if (text == NULL)
        return TRUE;

    for (gsize i = 0; i < G_N_ELEMENTS(state_names); i++) {
        if (g_strcmp0(text, state_names[i]) == 0) {
            *state = (MdCcwState)i;
            return TRUE;
        }
    }
    device = md_xml_device_name(node);
    quote = md_xml_shorten(text);
    md_error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "unknown state '%s' for '%s'", quote, device);
    return FALSE;
}


void
md_ccw_state_format(MdCcwState state, MdXmlWriter *writer)
{
    md_xml_writer_element(writer, "state", state_names[state]);
}
