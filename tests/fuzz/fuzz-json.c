/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as a definition, as a script's attributes, and as a script's supported actions:
 * accepted or refused with an error. An accepted definition can be written and read again, with the
 * same result.
 */
#include "config.h"

#include <string.h>

#include "conf/definition.h"
#include "mdevctl/callout-version.h"
#include "util/error.h"

#define PARENT "0000:00:02.0"
#define UUID   "11111111-2222-3333-4444-555555555555"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);


static void
check_error(gboolean taken, const GError *error)
{
    g_assert_true(taken == (error == NULL));
    if (error != NULL) {
        g_assert_true(g_error_matches(error, MD_ERROR, VIR_ERR_CONF_SYNTAX));
        g_assert_true(g_utf8_validate(error->message, -1, NULL));
    }
}


/* A written definition is read back the same; only one that would be too long may be refused. */
static void
check_file(const MdDefinition *definition)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = md_definition_format_for_file(definition, &error);

    if (text == NULL) {
        g_autofree char *refused = md_definition_format(definition, TRUE);

        g_assert_true(g_error_matches(error, MD_ERROR, VIR_ERR_CONFIG_UNSUPPORTED));
        g_assert_cmpuint(strlen(refused), >, MD_DEFINITION_SIZE_MAX);
    }
}


static void
check_definition(const char *text, gsize size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MdDefinition) definition = md_definition_parse(PARENT, UUID, text, size, &error);
    g_autoptr(MdDefinition) again = NULL;
    g_autofree char *written = NULL;

    check_error(definition != NULL, error);
    if (definition == NULL)
        return;

    check_file(definition);
    written = md_definition_format(definition, FALSE);
    /* Escapes may make the text too long to be read. */
    again = md_definition_parse(PARENT, UUID, written, strlen(written), &error);
    check_error(again != NULL, error);
    if (again != NULL)
        g_assert_true(md_definition_is_equal(definition, again));
    else
        g_assert_cmpuint(strlen(written), >, MD_DEFINITION_SIZE_MAX);
}


int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    const char *text = (const char *)data;
    g_autoptr(GError) attrs_error = NULL;
    g_autoptr(GError) version_error = NULL;
    g_autoptr(GPtrArray) attrs = NULL;
    MdCalloutVersion version = { 0 };
    gboolean known = FALSE;

    check_definition(text, size);
    attrs = md_definition_parse_attrs(text, size, &attrs_error);
    check_error(attrs != NULL, attrs_error);
    known = md_callout_version_parse(text, size, &version, &version_error);
    check_error(known, version_error);
    return 0;
}
