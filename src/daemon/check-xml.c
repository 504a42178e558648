/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "daemon/check-xml.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf/xml.h"
#include "util/error.h"
#include "util/text.h"

#define STANDARD_INPUT "-"


static GInputStream *
open_file(const char *file, GError **error)
{
    int fd = -1;

    if (g_str_equal(file, STANDARD_INPUT))
        return g_unix_input_stream_new(STDIN_FILENO, FALSE);

    fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        md_error_set_errno(error, errno, "cannot open");
        return NULL;
    }
    return g_unix_input_stream_new(fd, TRUE);
}


/* Reads up to one byte beyond the maximum, so that the parser refuses longer files. */
static char *
read_file(const char *file, GError **error)
{
    g_autoptr(GInputStream) stream = open_file(file, error);
    g_autofree char *text = g_malloc(MD_XML_DOCUMENT_MAX + 2);
    gsize size = 0;

    if (stream == NULL ||
        !g_input_stream_read_all(stream, text, MD_XML_DOCUMENT_MAX + 1, &size, NULL, error))
        return NULL;

    text[size] = '\0';
    if (strlen(text) != size) {
        md_error_set_from(error, VIR_FROM_XML, VIR_ERR_XML_ERROR, "document contains a NUL byte");
        return NULL;
    }
    return g_steal_pointer(&text);
}


/* The parsed document, formatted again; NULL if it is invalid. */
static char *
check_file(const char *file, const char *schema, gboolean details, GError **error)
{
    g_autofree char *document = read_file(file, error);
    g_autoptr(MdNodeDeviceDef) def = document != NULL ? md_xml_parse(document, error) : NULL;

    if (def == NULL || !md_xml_validate(document, schema, error))
        return NULL;
    return md_xml_format(def, details);
}


/* File names may contain harmful characters, too. */
static void
print_problem(const char *file, const char *message)
{
    g_autofree char *text = g_strdup_printf("%s: %s", file, message);
    g_autofree char *clean = md_text_clean(text, -1);

    g_printerr("%s\n", clean);
}


gboolean
md_check_xml(MdOptions *options, gboolean details)
{
    const char *schema = md_options_get_schema(options);
    gboolean ok = TRUE;

    /* Waits for a user who pages through the errors; the handler of log.h would drop lines. */
    g_set_printerr_handler(NULL);

    for (char **file = options->files; *file != NULL; file++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *document = check_file(*file, schema, details, &error);

        if (document == NULL) {
            print_problem(*file, error->message);
            ok = FALSE;
        } else if (fputs(document, stdout) == EOF || fflush(stdout) == EOF) {
            print_problem(*file, g_strerror(errno));
            return FALSE;
        }
    }
    return ok;
}
