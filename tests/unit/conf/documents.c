/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "documents.h"


static void
test_refused(gconstpointer data)
{
    const Refusal *row = data;
    g_autoptr(GError) error = NULL;

    g_assert_null(md_xml_parse(row->document, &error));
    g_assert_error(error, MD_ERROR, row->code);
    g_assert_cmpint(md_error_get_from(error), ==, row->from);
    g_assert_cmpstr(error->message, ==, row->message);
}


void
documents_add_refusals(const char *prefix, const Refusal *refusals, gsize n)
{
    for (gsize i = 0; i < n; i++) {
        g_autofree char *path = g_strdup_printf("%s/refused/%s", prefix, refusals[i].name);

        g_test_add_data_func(path, &refusals[i], test_refused);
    }
}


MdNodeDeviceDef *
documents_parse(const char *document)
{
    g_autoptr(GError) error = NULL;
    MdNodeDeviceDef *def = md_xml_parse(document, &error);

    g_assert_no_error(error);
    g_assert_nonnull(def);
    return def;
}
