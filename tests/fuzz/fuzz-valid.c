/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as a document that is validated against libvirt's schema before it is parsed: both
 * steps refuse with an error of their own.
 */
#include "config.h"

#include "conf/xml.h"
#include "util/error.h"

#define SCHEMA LIBVIRT_SCHEMADIR "/nodedev.rng"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);


int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autofree char *document = g_strndup((const char *)data, size);
    g_autoptr(GError) error = NULL;
    g_autoptr(MdNodeDeviceDef) def = md_xml_parse_valid(document, SCHEMA, &error);

    g_assert_true((def == NULL) == (error != NULL));
    if (error != NULL) {
        g_assert_true(error->domain == MD_ERROR);
        g_assert_true(g_utf8_validate(error->message, -1, NULL));
    }
    return 0;
}
