/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as a document: parsed or refused with an error; and what was parsed can be printed,
 * read again, and is then printed the same.
 */
#include "config.h"

#include "conf/xml.h"
#include "util/error.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);


/* The codes that xml.h names. */
static gboolean
is_legal(const GError *error)
{
    return error->domain == MD_ERROR &&
           (error->code == VIR_ERR_XML_DETAIL || error->code == VIR_ERR_XML_ERROR ||
            error->code == VIR_ERR_CONFIG_UNSUPPORTED || error->code == VIR_ERR_INTERNAL_ERROR);
}


int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autofree char *document = g_strndup((const char *)data, size);
    g_autoptr(GError) error = NULL;
    g_autoptr(MdNodeDeviceDef) def = md_xml_parse(document, &error);
    g_autoptr(MdNodeDeviceDef) copy = NULL;
    g_autoptr(MdNodeDeviceDef) again = NULL;
    g_autofree char *first = NULL;
    g_autofree char *second = NULL;

    if (def == NULL) {
        g_assert_nonnull(error);
        g_assert_true(is_legal(error));
        g_assert_true(g_utf8_validate(error->message, -1, NULL));
        return 0;
    }

    g_assert_no_error(error);
    copy = md_node_device_def_copy(def);
    first = md_xml_format(copy, TRUE);
    /* Escapes make it longer, and may make it too long to be read. */
    again = md_xml_parse(first, &error);
    if (again == NULL) {
        g_assert_error(error, MD_ERROR, VIR_ERR_XML_ERROR);
        return 0;
    }
    second = md_xml_format(again, TRUE);
    g_assert_cmpstr(second, ==, first);
    return 0;
}
