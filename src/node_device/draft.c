/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "node_device/draft.h"

#include <string.h>

#include "conf/xml.h"
#include "util/error.h"
#include "util/worker.h"

#define SCHEMA LIBVIRT_SCHEMADIR "/nodedev.rng"

/* Maximum length in bytes of a document parsed on the main loop, in less than a millisecond. */
#define SHORT_MAX 4096

/* In milliseconds. Parsing takes less than a second, but other documents may be parsed first. */
#define DEADLINE 30000

/* A document for a worker to parse. */
typedef struct {
    char *document;
    gboolean validate;
    MdNodeDeviceDef *def;
} Reading;

typedef struct {
    MdDraftFindBackend find;
    const MdDriverContext *context;
    MdDraftFunc func;
    gpointer user_data;
} Reader;

/* A document waiting for the schema. */
typedef struct {
    Reading *reading;
    Reader reader;
    MdOwner *owner;
} Pending;


static void
reading_free(Reading *reading)
{
    g_free(reading->document);
    g_clear_pointer(&reading->def, md_node_device_def_unref);
    g_free(reading);
}


void
md_draft_free(MdDraft *self)
{
    if (self == NULL)
        return;

    md_node_device_def_unref(self->def);
    g_free(self);
}


/* Takes ownership of `def`; if it is NULL, of `error`. */
static void
reader_answer(const Reader *reader, MdNodeDeviceDef *def, GError *error)
{
    const MdBackend *backend = def != NULL ? reader->find(reader->context, def, &error) : NULL;
    MdDraft *draft = NULL;

    if (backend != NULL) {
        draft = g_new0(MdDraft, 1);
        draft->def = md_node_device_def_ref(def);
        draft->backend = backend;
    }
    g_clear_pointer(&def, md_node_device_def_unref);
    reader->func(draft, error, reader->user_data);
}


static gboolean
read_on_worker(gpointer data, GError **error)
{
    Reading *reading = data;

    reading->def = reading->validate ? md_xml_parse_valid(reading->document, SCHEMA, error)
                                     : md_xml_parse(reading->document, error);
    return reading->def != NULL;
}


static void
on_read(gpointer data, GError *error, gpointer user_data)
{
    g_autofree Reader *reader = user_data;
    Reading *reading = data;

    reader_answer(reader, reading != NULL ? g_steal_pointer(&reading->def) : NULL, error);
}


/* Takes ownership of `reading`. */
static void
reading_begin(Reading *reading, const Reader *reader, MdOwner *owner)
{
    md_worker_run(read_on_worker, reading, (GDestroyNotify)reading_free, MD_WORKER_DOCUMENT, 0,
                  DEADLINE, owner, on_read, g_memdup2(reader, sizeof(*reader)));
}


static gboolean
load_schema(gpointer path, GError **error)
{
    return md_xml_load_schema(path, error);
}


static void
on_schema_loaded(gpointer data G_GNUC_UNUSED, GError *error, gpointer user_data)
{
    g_autofree Pending *pending = user_data;
    g_autoptr(MdOwner) owner = pending->owner;

    if (error == NULL) {
        reading_begin(pending->reading, &pending->reader, owner);
        return;
    }
    reading_free(pending->reading);
    reader_answer(&pending->reader, NULL, error);
}


/* Loads the schema as a separate job, so that a hung disk does not block documents that are not
 * validated. Takes ownership of `reading`. */
static void
reading_load_schema(Reading *reading, const Reader *reader, MdOwner *owner)
{
    Pending *pending = g_new0(Pending, 1);

    pending->reading = reading;
    pending->reader = *reader;
    pending->owner = md_owner_ref(owner);
    md_worker_run(load_schema, (gpointer)SCHEMA, NULL, MD_WORKER_FILES, MD_WORKER_SCHEMA, DEADLINE,
                  owner, on_schema_loaded, pending);
}


void
md_draft_read(const char *document,
              gboolean validate,
              MdDraftFindBackend find,
              const MdDriverContext *context,
              MdOwner *owner,
              MdDraftFunc func,
              gpointer user_data)
{
    const Reader reader = { find, context, func, user_data };
    Reading *reading = NULL;

    if (!validate && strnlen(document, SHORT_MAX + 1) <= SHORT_MAX) {
        GError *error = NULL;
        MdNodeDeviceDef *def = md_xml_parse(document, &error);

        reader_answer(&reader, def, error);
        return;
    }

    reading = g_new0(Reading, 1);
    /* One byte more than the maximum suffices for the parser to refuse the document. */
    reading->document = g_strndup(document, MD_XML_DOCUMENT_MAX + 1);
    reading->validate = validate;
    if (validate && !md_xml_has_schema(SCHEMA))
        reading_load_schema(reading, &reader, owner);
    else
        reading_begin(reading, &reader, owner);
}
