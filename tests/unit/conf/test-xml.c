/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hostile documents: no file or network access, bounded memory, no output; and validation
 * against the schema. */
#include "config.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <libxml/parser.h>
#include <string.h>

#include "conf/xml.h"
#include "util/error.h"

#define LIBVIRT_SCHEMA LIBVIRT_SCHEMADIR "/nodedev.rng"
#define SECRET         "a-secret-that-no-answer-may-hold"
#define MDEV           "<capability type='mdev'><type id='nvidia-11'/></capability>"

static guint loads; /* number of files loaded besides the document */


static xmlParserInputPtr
count_load(const char *url, const char *id, xmlParserCtxtPtr context)
{
    loads++;
    return NULL;
}


/* Checks that both functions refuse a document with this code, without loading a file. */
static void
check_refused(const char *document, int code)
{
    xmlExternalEntityLoader loader = xmlGetExternalEntityLoader();
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) validation = NULL;

    /* Loads the schema before loads are counted. */
    md_xml_validate("<device/>", LIBVIRT_SCHEMA, NULL);
    loads = 0;
    xmlSetExternalEntityLoader(count_load);
    g_assert_null(md_xml_parse(document, &error));
    g_assert_false(md_xml_validate(document, LIBVIRT_SCHEMA, &validation));
    xmlSetExternalEntityLoader(loader);

    g_assert_error(error, MD_ERROR, code);
    g_assert_error(validation, MD_ERROR, code);
    g_assert_cmpuint(loads, ==, 0);
    g_assert_null(strstr(error->message, SECRET));
    g_assert_null(strstr(validation->message, SECRET));
}


static void
test_external_file(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *dir = g_dir_make_tmp("mediated-xml-XXXXXX", &error);
    g_autofree char *path = g_build_filename(dir, "secret", NULL);
    const char *const templates[] = {
        "<!DOCTYPE device [<!ENTITY e SYSTEM 'file://%s'>]><device><name>&e;</name>" MDEV
        "</device>",
        "<!DOCTYPE device [<!ENTITY %% e SYSTEM 'file://%s'>%%e;]><device>" MDEV "</device>",
        "<!DOCTYPE device SYSTEM 'file://%s'><device>" MDEV "</device>",
    };

    g_assert_no_error(error);
    g_assert_true(g_file_set_contents(path, SECRET, -1, NULL));
    for (guint i = 0; i < G_N_ELEMENTS(templates); i++) {
        GString *document = g_string_new(templates[i]);

        g_string_replace(document, "%s", path, 0);
        g_string_replace(document, "%%", "%", 0);
        check_refused(document->str, VIR_ERR_XML_ERROR);
        g_string_free(document, TRUE);
    }
    g_assert_cmpint(g_unlink(path), ==, 0);
    g_assert_cmpint(g_rmdir(dir), ==, 0);
}


/* A local server would notice a connection. */
static void
test_external_network(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GInetAddress) loopback = g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4);
    g_autoptr(GSocketAddress) any_port = g_inet_socket_address_new(loopback, 0);
    g_autoptr(GSocketAddress) address = NULL;
    g_autoptr(GSocket) server =
        g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, &error);
    g_autofree char *document = NULL;

    g_assert_no_error(error);
    g_assert_true(g_socket_bind(server, any_port, TRUE, NULL));
    g_assert_true(g_socket_listen(server, NULL));
    address = g_socket_get_local_address(server, NULL);
    document =
        g_strdup_printf("<!DOCTYPE device [<!ENTITY e SYSTEM "
                        "'http://127.0.0.1:%u/x'>]><device><name>&e;</name>" MDEV "</device>",
                        g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(address)));

    check_refused(document, VIR_ERR_XML_ERROR);
    g_assert_cmpint(g_socket_condition_check(server, G_IO_IN), ==, 0);
}


/* Each entity is ten of the one before: 10^10 if expanded. */
static void
test_billion_laughs(void)
{
    g_autoptr(GString) document = g_string_new("<!DOCTYPE device [<!ENTITY e0 'ha'>");

    for (guint i = 1; i <= 10; i++) {
        g_string_append_printf(document, "<!ENTITY e%u '", i);
        for (guint j = 0; j < 10; j++)
            g_string_append_printf(document, "&e%u;", i - 1);
        g_string_append(document, "'>");
    }
    g_string_append(document, "]><device><name>&e10;</name>" MDEV "</device>");
    check_refused(document->str, VIR_ERR_XML_ERROR);
}


static char *
new_big(gsize size)
{
    static const char head[] = "<device><name>";
    static const char tail[] = "</name>" MDEV "</device>";
    g_autofree char *name = g_strnfill(size - strlen(head) - strlen(tail), 'x');

    return g_strconcat(head, name, tail, NULL);
}


static void
test_size(void)
{
    g_autofree char *most = new_big(MD_XML_DOCUMENT_MAX);
    g_autofree char *more = new_big(MD_XML_DOCUMENT_MAX + 1);
    g_autofree char *much = new_big(5 * 1024 * 1024);
    g_autoptr(GError) error = NULL;
    g_autoptr(MdNodeDeviceDef) def = md_xml_parse(most, &error);

    g_assert_no_error(error);
    g_assert_nonnull(def);
    check_refused(more, VIR_ERR_XML_ERROR);
    check_refused(much, VIR_ERR_XML_ERROR);
    g_assert_null(md_xml_parse(much, &error));
    g_assert_cmpstr(error->message, ==, "document is larger than 1048576 bytes");
    g_assert_cmpint(md_error_get_from(error), ==, VIR_FROM_XML);
}


/* XInclude is disabled, so the element is an unknown one. */
static void
test_xinclude(void)
{
    xmlExternalEntityLoader loader = xmlGetExternalEntityLoader();
    g_autoptr(GError) error = NULL;
    g_autoptr(MdNodeDeviceDef) def = NULL;

    loads = 0;
    xmlSetExternalEntityLoader(count_load);
    def = md_xml_parse("<device><name><i:include xmlns:i='http://www.w3.org/2001/XInclude' "
                       "href='/etc/passwd' parse='text'/></name>" MDEV "</device>",
                       &error);
    xmlSetExternalEntityLoader(loader);

    g_assert_no_error(error);
    g_assert_null(def->name);
    g_assert_cmpuint(loads, ==, 0);
}


static void
test_encodings(void)
{
    static const char *const bad[] = {
        "<device><name>\xff</name></device>",
        "<?xml version='1.0' encoding='no-such-thing'?><device/>",
        "<?xml version='1.0' encoding='UTF-16'?>\xfe",
        "<?xml version='1.0' encoding=\"UTF-7\" ?>+ADw-device/+AD4-",
        "<?xml version='1.0' encoding = 'ISO-2022-CN-EXT'?><device/>",
        "\x4c\x6f\xa7\x94", /* "<?xm" in EBCDIC */
        "\xff\xfe<",
        "<device>\xc3",
    };
    static const char *const good[] = {
        "<?xml version='1.0' encoding='ISO-8859-1'?><device><name>\xfc</name>" MDEV "</device>",
        "<?xml version='1.0' encoding='utf-8'?><device><name>\xc3\xbc</name>" MDEV "</device>",
        "\xef\xbb\xbf<device><name>\xc3\xbc</name>" MDEV "</device>",
        "<?xml version='1.0'?><?x encoding='UTF-7'?><device><name>\xc3\xbc</name>" MDEV "</device>",
    };

    for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MdNodeDeviceDef) def = md_xml_parse(good[i], &error);

        g_test_message("row %u", i);
        g_assert_no_error(error);
        g_assert_cmpstr(def->name, ==, "\xc3\xbc");
    }
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;

        g_test_message("row %u", i);
        g_assert_null(md_xml_parse(bad[i], &error));
        g_assert_error(error, MD_ERROR, VIR_ERR_XML_DETAIL);
        g_assert_true(g_utf8_validate(error->message, -1, NULL));
        g_assert_true(g_str_has_prefix(error->message, "(node_device_definition):1: "));
    }
}


static void
test_validate(void)
{
    /* The rest is libxml2's message. */
    static const char prefix[] = "Unable to validate doc against " LIBVIRT_SCHEMA "\n";
    g_autoptr(GError) nameless = NULL;
    g_autoptr(GError) root = NULL;
    g_autoptr(GError) malformed = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(
        md_xml_validate("<device><name>x</name>" MDEV "</device>", LIBVIRT_SCHEMA, &error));
    g_assert_no_error(error);

    g_assert_false(md_xml_validate("<device>" MDEV "</device>", LIBVIRT_SCHEMA, &nameless));
    g_assert_error(nameless, MD_ERROR, VIR_ERR_XML_INVALID_SCHEMA);
    g_assert_cmpint(md_error_get_from(nameless), ==, VIR_FROM_XML);
    g_assert_true(g_str_has_prefix(nameless->message, prefix));
    g_assert_cmpuint(strlen(nameless->message), >, strlen(prefix));

    g_assert_false(md_xml_validate("<domain/>", LIBVIRT_SCHEMA, &root));
    g_assert_error(root, MD_ERROR, VIR_ERR_XML_ERROR);
    g_assert_false(md_xml_validate("<device", LIBVIRT_SCHEMA, &malformed));
    g_assert_error(malformed, MD_ERROR, VIR_ERR_XML_DETAIL);
}


/* An unreadable schema is not the document's fault, and is tried again later. */
static void
test_missing_schema(void)
{
    static const char schema[] =
        "<element name='device' xmlns='http://relaxng.org/ns/structure/1.0'><text/></element>";
    g_autofree char *dir = g_dir_make_tmp("mediated-xml-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "own.rng", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) broken = NULL;

    g_assert_false(md_xml_validate("<device/>", path, &error));
    g_assert_error(error, MD_ERROR, VIR_ERR_INTERNAL_ERROR);
    g_assert_nonnull(strstr(error->message, path));

    g_assert_true(g_file_set_contents(path, "<element", -1, NULL));
    g_assert_false(md_xml_validate("<device/>", path, &broken));
    g_assert_error(broken, MD_ERROR, VIR_ERR_INTERNAL_ERROR);

    g_assert_true(g_file_set_contents(path, schema, -1, NULL));
    g_assert_true(md_xml_validate("<device/>", path, NULL));

    /* The schema is cached: the file is no longer needed. */
    g_assert_cmpint(g_unlink(path), ==, 0);
    g_assert_true(md_xml_validate("<device/>", path, NULL));
    g_assert_cmpint(g_rmdir(dir), ==, 0);
}


/* libxml2 prints to stderr by default. */
static void
test_silent(void)
{
    if (g_test_subprocess()) {
        md_xml_parse("<device", NULL);
        md_xml_parse("<!DOCTYPE device SYSTEM 'x'><device/>", NULL);
        md_xml_parse("<a:device xmlns='relative'/>", NULL);
        md_xml_validate("<device><name/><foo/></device>", LIBVIRT_SCHEMA, NULL);
        md_xml_validate("<device/>", "/nonexistent/schema.rng", NULL);
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("");
}


/* Parses the n-th of some valid and invalid documents; FALSE and the error for an invalid one. */
static gboolean
read_one(guint n, GError **error)
{
    static const char *const documents[] = {
        "<device><name>x</name>" MDEV "</device>",
        "<device>" MDEV "</device>",
        "<device><name>x</name><capability type='nope'/></device>",
        "<device",
        "<!DOCTYPE device><device/>",
        "<domain/>",
    };
    g_autoptr(MdNodeDeviceDef) def =
        md_xml_parse_valid(documents[n % G_N_ELEMENTS(documents)], LIBVIRT_SCHEMA, error);

    return def != NULL;
}


static gpointer
read_many(gpointer data)
{
    const guint *first = data;
    GPtrArray *results = g_ptr_array_new_with_free_func(g_free);

    for (guint n = *first; n < *first + 300; n++) {
        g_autoptr(GError) error = NULL;

        read_one(n, &error);
        g_ptr_array_add(results, g_strdup(error != NULL ? error->message : "good"));
    }
    return results;
}


/* Threads share the schema, but no errors. */
static void
test_threads(void)
{
    guint firsts[] = { 0, 1, 2, 3 };
    GThread *threads[G_N_ELEMENTS(firsts)];

    for (guint i = 0; i < G_N_ELEMENTS(firsts); i++)
        threads[i] = g_thread_new("reader", read_many, &firsts[i]);
    for (guint i = 0; i < G_N_ELEMENTS(firsts); i++) {
        g_autoptr(GPtrArray) results = g_thread_join(threads[i]);

        for (guint n = 0; n < results->len; n++) {
            g_autoptr(GError) error = NULL;

            if (read_one(firsts[i] + n, &error))
                g_assert_cmpstr(results->pdata[n], ==, "good");
            else
                g_assert_cmpstr(results->pdata[n], ==, error->message);
        }
    }
}


static void
test_devnodes(void)
{
    g_autoptr(MdNodeDeviceDef) def = md_node_device_def_new();
    const char *const links[] = { "/dev/disk/by-id/a", "/dev/disk/by-path/b", NULL };
    g_autofree char *document = NULL;

    def->name = g_strdup("x");
    def->devnode = g_strdup("/dev/x");
    def->devlinks = g_strdupv((char **)links);
    def->parent = g_strdup("computer");
    md_node_device_def_add_cap(def, &md_cap_kind_ap_matrix);
    document = md_xml_format(def, FALSE);

    g_assert_cmpstr(document, ==,
                    "<device>\n"
                    "  <name>x</name>\n"
                    "  <devnode type='dev'>/dev/x</devnode>\n"
                    "  <devnode type='link'>/dev/disk/by-id/a</devnode>\n"
                    "  <devnode type='link'>/dev/disk/by-path/b</devnode>\n"
                    "  <parent>computer</parent>\n"
                    "  <capability type='ap_matrix'>\n"
                    "  </capability>\n"
                    "</device>\n");
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    g_test_add_func("/conf/xml/external-file", test_external_file);
    g_test_add_func("/conf/xml/external-network", test_external_network);
    g_test_add_func("/conf/xml/billion-laughs", test_billion_laughs);
    g_test_add_func("/conf/xml/size", test_size);
    g_test_add_func("/conf/xml/xinclude", test_xinclude);
    g_test_add_func("/conf/xml/encodings", test_encodings);
    g_test_add_func("/conf/xml/validate", test_validate);
    g_test_add_func("/conf/xml/missing-schema", test_missing_schema);
    g_test_add_func("/conf/xml/silent", test_silent);
    g_test_add_func("/conf/xml/threads", test_threads);
    g_test_add_func("/conf/xml/devnodes", test_devnodes);
    return g_test_run();
}
