/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/xml.h"

#include <libxml/relaxng.h>

#include "conf/wwn.h"
#include "conf/xml-document.h"
#include "conf/xml-reader.h"
#include "util/error.h"

#define ROOT_ELEMENT "device"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlRelaxNGParserCtxt, xmlRelaxNGFreeParserCtxt)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlRelaxNGValidCtxt, xmlRelaxNGFreeValidCtxt)


static gboolean
parse_devnodes(MdNodeDeviceDef *def, xmlNodePtr root, GError **error)
{
    g_autoptr(GStrvBuilder) links = g_strv_builder_new();
    gboolean has_links = FALSE;

    for (xmlNodePtr node = md_xml_child(root, "devnode"); node != NULL; node = md_xml_next(node)) {
        g_autofree char *type = md_xml_attribute(node, "type");
        g_autofree char *path = md_xml_text(node);

        if (type != NULL && !g_str_equal(type, "dev") && !g_str_equal(type, "link")) {
            md_xml_set_invalid_attribute(node, "type", type, error);
            return FALSE;
        }
        if (path == NULL)
            continue;
        if (type == NULL || g_str_equal(type, "dev")) {
            g_free(def->devnode);
            def->devnode = g_steal_pointer(&path);
        } else {
            g_strv_builder_add(links, path);
            has_links = TRUE;
        }
    }
    if (has_links)
        def->devlinks = g_strv_builder_end(links);
    return TRUE;
}


static const MdCapKind *
find_kind(xmlNodePtr node, GError **error)
{
    g_autofree char *type = md_xml_attribute(node, "type");
    const MdCapKind *kind = type != NULL ? md_cap_kind_find(type) : NULL;

    if (kind != NULL && kind->size > 0)
        return kind;

    if (type == NULL)
        md_xml_check_attribute(node, "type", error);
    else if (kind != NULL)
        md_error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "Unsupported device type '%s'", type);
    else
        md_xml_set_invalid_attribute(node, "type", type, error);
    return NULL;
}


static char *
quote_type(xmlNodePtr node)
{
    g_autofree char *type = md_xml_attribute(node, "type");

    return md_xml_shorten(type != NULL ? type : "");
}


/* Refuses more than one capability. libvirt silently ignores all but one, perhaps the one that the
 * document's author meant. */
static gboolean
check_single(xmlNodePtr first, GError **error)
{
    xmlNodePtr second = md_xml_next(first);
    g_autofree char *device = NULL;
    g_autofree char *one = NULL;
    g_autofree char *other = NULL;

    if (second == NULL)
        return TRUE;

    device = md_xml_device_name(first);
    one = quote_type(first);
    other = quote_type(second);
    md_error_set_from(error, VIR_FROM_XML, VIR_ERR_XML_ERROR,
                      "more than one device capability for '%s': '%s' and '%s'", device, one,
                      other);
    return FALSE;
}


static gboolean
parse_capability(MdNodeDeviceDef *def, xmlNodePtr root, GError **error)
{
    xmlNodePtr node = md_xml_child(root, "capability");
    const MdCapKind *kind = NULL;
    MdCap *cap = NULL;

    if (node == NULL) {
        g_autofree char *device = md_xml_device_name(root);

        md_error_set(error, VIR_ERR_INTERNAL_ERROR, "no device capabilities for '%s'", device);
        return FALSE;
    }
    if (!check_single(node, error))
        return FALSE;

    kind = find_kind(node, error);
    if (kind == NULL)
        return FALSE;
    cap = md_node_device_def_add_cap(def, kind);
    return (kind->parse == NULL || kind->parse(cap, node, error)) &&
           (!md_cap_kind_may_be_parent(kind) || md_mdev_types_parse(node, &def->mdev_types, error));
}


static gboolean
parse_parent_wwn(xmlNodePtr node, const char *name, char **wwn, GError **error)
{
    g_autofree char *text = md_xml_attribute(node, name);
    g_autofree char *quote = NULL;

    if (text == NULL)
        return TRUE;

    *wwn = md_wwn_normalize(text, MD_WWN_DIGITS);
    if (*wwn != NULL)
        return TRUE;
    quote = md_xml_shorten(text);
    md_error_set(error, VIR_ERR_XML_ERROR, "Malformed wwn: %s is not a valid %s of a parent", quote,
                 name);
    return FALSE;
}


static gboolean
parse_parent(MdNodeDeviceDef *def, xmlNodePtr root, GError **error)
{
    xmlNodePtr node = NULL;

    if (!md_xml_child_once(root, "parent", &node, error))
        return FALSE;
    if (node == NULL)
        return TRUE;

    def->parent = md_xml_text(node);
    if (!parse_parent_wwn(node, "wwnn", &def->parent_wwnn, error) ||
        !parse_parent_wwn(node, "wwpn", &def->parent_wwpn, error) ||
        !parse_parent_wwn(node, "fabric_wwn", &def->parent_fabric_wwn, error))
        return FALSE;

    if (def->parent_wwnn != NULL && def->parent_wwpn == NULL)
        md_error_set(error, VIR_ERR_XML_ERROR,
                     "when providing parent wwnn='%s', the wwpn must also be provided",
                     def->parent_wwnn);
    else if (def->parent_wwnn == NULL && def->parent_wwpn != NULL)
        md_error_set(error, VIR_ERR_XML_ERROR,
                     "when providing parent wwpn='%s', the wwnn must also be provided",
                     def->parent_wwpn);
    else
        return TRUE;
    return FALSE;
}


static MdNodeDeviceDef *
parse_document(xmlDocPtr doc, GError **error)
{
    g_autoptr(MdNodeDeviceDef) def = md_node_device_def_new();
    xmlNodePtr root = xmlDocGetRootElement(doc);
    xmlNodePtr driver = NULL;

    def->name = md_xml_child_text(root, "name");
    def->path = md_xml_child_text(root, "path");
    if (!parse_devnodes(def, root, error) || !parse_parent(def, root, error) ||
        !parse_capability(def, root, error))
        return NULL;

    driver = md_xml_child(root, "driver");
    def->driver = driver != NULL ? md_xml_child_text(driver, "name") : NULL;
    return g_steal_pointer(&def);
}


MdNodeDeviceDef *
md_xml_parse(const char *document, GError **error)
{
    g_autoptr(xmlDoc) doc = md_xml_document_read(document, ROOT_ELEMENT, FALSE, error);

    return doc != NULL ? parse_document(doc, error) : NULL;
}


/* Keeps the first message; `data` is a char **. */
static void
on_schema_error(void *data, MdXmlError err)
{
    char **message = data;

    if (*message == NULL)
        *message = md_xml_error_get_message(err);
}


static xmlRelaxNGPtr
load_schema(const char *path, char **message)
{
    g_autoptr(xmlRelaxNGParserCtxt) context = xmlRelaxNGNewParserCtxt(path);
    xmlStructuredErrorFunc handler = xmlStructuredError;
    void *data = xmlStructuredErrorContext;
    xmlRelaxNGPtr schema = NULL;

    /* libxml2 reads the files of a schema with its XML parser, which prints errors unless the
     * thread's handler is replaced. */
    xmlSetStructuredErrorFunc(message, on_schema_error);
    xmlRelaxNGSetParserStructuredErrors(context, on_schema_error, message);
    schema = xmlRelaxNGParse(context);
    xmlSetStructuredErrorFunc(data, handler);
    return schema;
}


/* Schemas (xmlRelaxNGPtr) by path, shared by the whole process, because they are immutable and take
 * long to load. The mutex is held while a schema is loaded. */
static GMutex schemas_mutex;
static GHashTable *schemas;


/* The schema of a file, loaded once and never freed; borrowed. Called with the mutex held. */
static xmlRelaxNGPtr
find_schema(const char *path, GError **error)
{
    g_autofree char *message = NULL;
    xmlRelaxNGPtr schema = NULL;

    if (schemas == NULL)
        schemas =
            g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)xmlRelaxNGFree);
    schema = g_hash_table_lookup(schemas, path);
    if (schema != NULL)
        return schema;

    schema = load_schema(path, &message);
    if (schema == NULL) {
        md_error_set_from(error, VIR_FROM_XML, VIR_ERR_INTERNAL_ERROR,
                          "Unable to load the schema '%s': %s", path,
                          message != NULL ? message : "unknown error");
        return NULL;
    }
    g_hash_table_insert(schemas, g_strdup(path), schema);
    return schema;
}


static xmlRelaxNGPtr
get_schema(const char *path, GError **error)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&schemas_mutex);

    return find_schema(path, error);
}


gboolean
md_xml_has_schema(const char *path)
{
    gboolean known = FALSE;

    if (!g_mutex_trylock(&schemas_mutex))
        return FALSE;
    known = schemas != NULL && g_hash_table_contains(schemas, path);
    g_mutex_unlock(&schemas_mutex);
    return known;
}


gboolean
md_xml_load_schema(const char *path, GError **error)
{
    return get_schema(path, error) != NULL;
}


static gboolean
validate_document(xmlDocPtr doc, const char *schema, GError **error)
{
    xmlRelaxNGPtr grammar = get_schema(schema, error);
    g_autoptr(xmlRelaxNGValidCtxt) context = NULL;
    g_autofree char *message = NULL;

    if (grammar == NULL)
        return FALSE;

    context = xmlRelaxNGNewValidCtxt(grammar);
    xmlRelaxNGSetValidStructuredErrors(context, on_schema_error, &message);
    if (xmlRelaxNGValidateDoc(context, doc) == 0)
        return TRUE;

    md_error_set_from(error, VIR_FROM_XML, VIR_ERR_XML_INVALID_SCHEMA,
                      "Unable to validate doc against %s\n%s", schema,
                      message != NULL ? message : "unknown error");
    return FALSE;
}


gboolean
md_xml_validate(const char *document, const char *schema, GError **error)
{
    g_autoptr(xmlDoc) doc = md_xml_document_read(document, ROOT_ELEMENT, TRUE, error);

    return doc != NULL && validate_document(doc, schema, error);
}


MdNodeDeviceDef *
md_xml_parse_valid(const char *document, const char *schema, GError **error)
{
    g_autoptr(xmlDoc) doc = md_xml_document_read(document, ROOT_ELEMENT, TRUE, error);

    if (doc == NULL || !validate_document(doc, schema, error))
        return NULL;
    return parse_document(doc, error);
}


/* The schema allows one way to name the parent: by its name or, for a device to be created, by the
 * names of its port or of its fabric. */
static void
format_parent(const MdNodeDeviceDef *def, MdXmlWriter *writer)
{
    if (def->parent == NULL && def->parent_wwnn == NULL && def->parent_fabric_wwn == NULL)
        return;

    md_xml_writer_start(writer, "parent");
    if (def->parent != NULL) {
        md_xml_writer_text(writer, def->parent);
    } else if (def->parent_wwnn != NULL) {
        md_xml_writer_attribute(writer, "wwnn", def->parent_wwnn);
        md_xml_writer_attribute(writer, "wwpn", def->parent_wwpn);
    } else {
        md_xml_writer_attribute(writer, "fabric_wwn", def->parent_fabric_wwn);
    }
    md_xml_writer_end(writer);
}


static void
format_identity(const MdNodeDeviceDef *def, MdXmlWriter *writer)
{
    md_xml_writer_element(writer, "name", def->name);
    md_xml_writer_element(writer, "path", def->path);
    if (def->devnode != NULL) {
        md_xml_writer_start(writer, "devnode");
        md_xml_writer_attribute(writer, "type", "dev");
        md_xml_writer_text(writer, def->devnode);
        md_xml_writer_end(writer);
    }
    for (char **link = def->devlinks; link != NULL && *link != NULL; link++) {
        md_xml_writer_start(writer, "devnode");
        md_xml_writer_attribute(writer, "type", "link");
        md_xml_writer_text(writer, *link);
        md_xml_writer_end(writer);
    }
    format_parent(def, writer);
    if (def->driver != NULL) {
        md_xml_writer_start(writer, "driver");
        md_xml_writer_element(writer, "name", def->driver);
        md_xml_writer_end(writer);
    }
}


char *
md_xml_format(const MdNodeDeviceDef *def, gboolean details)
{
    g_autoptr(MdXmlWriter) writer = md_xml_writer_new(details);

    md_xml_writer_start(writer, ROOT_ELEMENT);
    format_identity(def, writer);
    for (guint i = 0; i < def->caps->len; i++) {
        const MdCap *cap = g_ptr_array_index(def->caps, i);

        md_xml_writer_start(writer, "capability");
        md_xml_writer_attribute(writer, "type", cap->kind->name);
        md_xml_writer_block(writer);
        if (cap->kind->format != NULL)
            cap->kind->format(cap, writer);
        if (i == 0) {
            md_mdev_types_format(def->mdev_types, writer);
            md_mdev_types_format_details(def->mdev_types, writer);
        }
        if (cap->kind->format_rest != NULL)
            cap->kind->format_rest(cap, writer);
        md_xml_writer_end(writer);
    }
    md_xml_writer_end(writer);
    return md_xml_writer_finish(writer);
}
