/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Compares each sample device with its two golden documents, tests/data/KIND/NAME.xml in libvirt's
 * format and NAME.details.xml with mediated's elements, and validates these against the schemas.
 *
 * With MEDIATED_REGENERATE=1 in the environment, rewrites the golden documents; check the diff,
 * then run the test again without the variable.
 */
#include "config.h"

#include <libvirt/libvirt.h>
#include <string.h>

#include "conf/xml.h"
#include "samples.h"
#include "util/error.h"

#define LIBVIRT_SCHEMA LIBVIRT_SCHEMADIR "/nodedev.rng"


static char *
golden_path(const MdSample *sample, gboolean details)
{
    g_autofree char *name = g_strconcat(sample->name, details ? ".details.xml" : ".xml", NULL);

    return g_test_build_filename(G_TEST_DIST, "data", name, NULL);
}


static void
check_golden(const char *path, const char *document)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *golden = NULL;

    if (g_strcmp0(g_getenv("MEDIATED_REGENERATE"), "1") == 0) {
        g_file_set_contents(path, document, -1, &error);
        g_assert_no_error(error);
        return;
    }
    g_file_get_contents(path, &golden, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(document, ==, golden);
}


static void
check_valid(const char *document, const char *schema)
{
    g_autoptr(GError) error = NULL;

    /* The error names an element, but not the sample. */
    if (!md_xml_validate(document, schema, &error))
        g_test_message("invalid: %s", document);
    g_assert_no_error(error);
}


static void
test_plain(gconstpointer data)
{
    const MdSample *sample = data;
    g_autoptr(MdNodeDeviceDef) def = sample->build();
    g_autofree char *document = md_xml_format(def, FALSE);
    gboolean has_no_details =
        sample->plain_since > 0 && LIBVIR_VERSION_NUMBER >= sample->plain_since;
    g_autofree char *path = golden_path(sample, has_no_details);
    g_autofree char *schema = g_test_build_filename(G_TEST_BUILT, "mediated-nodedev.rng", NULL);
    g_autoptr(GError) error = NULL;

    check_golden(path, document);
    check_valid(document, schema);
    g_assert_cmpint(md_xml_validate(document, LIBVIRT_SCHEMA, &error), ==, !sample->beyond_libvirt);
    if (sample->beyond_libvirt)
        g_assert_error(error, MD_ERROR, VIR_ERR_XML_INVALID_SCHEMA);
}


static void
test_details(gconstpointer data)
{
    const MdSample *sample = data;
    g_autoptr(MdNodeDeviceDef) def = sample->build();
    g_autofree char *document = md_xml_format(def, TRUE);
    g_autofree char *path = golden_path(sample, TRUE);
    g_autofree char *schema = g_test_build_filename(G_TEST_BUILT, "mediated-nodedev.rng", NULL);

    check_golden(path, document);
    check_valid(document, schema);
}


/* A copy equals the original, and remains valid after the original is freed. */
static void
test_copy(gconstpointer data)
{
    const MdSample *sample = data;
    g_autoptr(MdNodeDeviceDef) def = sample->build();
    g_autoptr(MdNodeDeviceDef) copy = md_node_device_def_copy(def);
    g_autofree char *document = md_xml_format(def, TRUE);
    g_autofree char *again = NULL;

    g_clear_pointer(&def, md_node_device_def_unref);
    again = md_xml_format(copy, TRUE);
    g_assert_cmpstr(again, ==, document);
}


/* Printed documents can be parsed, details included, and print the same again. */
static void
test_reread(gconstpointer data)
{
    const MdSample *sample = data;
    g_autoptr(MdNodeDeviceDef) def = sample->build();
    g_autofree char *document = md_xml_format(def, TRUE);
    g_autoptr(GError) error = NULL;
    g_autoptr(MdNodeDeviceDef) parsed = md_xml_parse(document, &error);
    g_autofree char *again = NULL;

    g_assert_no_error(error);
    again = md_xml_format(parsed, TRUE);
    g_assert_cmpstr(again, ==, document);
}


/* Our schema accepts more than libvirt's, but not everything. */
static void
test_schema_refuses(void)
{
    static const char *const documents[] = {
        "<device><name>x</name><capability type='mdev'><type "
        "id='a'><size>1</size></type></capability></device>",
        "<device><name>x</name><capability type='mdev'><type id='a'><attribute>1</attribute></type>"
        "</capability></device>",
        "<device><name>x</name><capability type='mdev'><type id='a'>"
        "<attribute name='b' unit='MB'>1</attribute></type></capability></device>",
        "<device><name>x</name><capability type='mdev'><type id='a'>"
        "<attribute name='b' unit='KiB'>much</attribute></type></capability></device>",
        "<device><name>x</name><capability type='ap_matrix'><capability type='mdev'><type id='a'/>"
        "</capability></capability></device>",
    };
    g_autofree char *schema = g_test_build_filename(G_TEST_BUILT, "mediated-nodedev.rng", NULL);

    for (guint i = 0; i < G_N_ELEMENTS(documents); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(md_xml_validate(documents[i], schema, &error));
        g_assert_error(error, MD_ERROR, VIR_ERR_XML_INVALID_SCHEMA);
        g_assert_cmpint(md_error_get_from(error), ==, VIR_FROM_XML);
    }
}


static void
add_test(const MdSample *sample, const char *what, GTestDataFunc func)
{
    g_autofree char *path = g_strdup_printf("/conf/golden/%s/%s", sample->name, what);

    g_test_add_data_func(path, sample, func);
}


static void
add_sample(const MdSample *sample)
{
    add_test(sample, "plain", test_plain);
    add_test(sample, "details", test_details);
    add_test(sample, "copy", test_copy);
    add_test(sample, "reread", test_reread);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (guint i = 0; i < md_n_samples; i++)
        add_sample(&md_samples[i]);
    for (guint i = 0; i < md_n_usb_samples; i++)
        add_sample(&md_usb_samples[i]);
    for (guint i = 0; i < md_n_io_samples; i++)
        add_sample(&md_io_samples[i]);
    g_test_add_func("/conf/golden/schema-refuses", test_schema_refuses);
    return g_test_run();
}
