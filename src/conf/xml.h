/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* <device> documents, in and out. Errors are libvirt's: 35 malformed, 27 wrong, 92 refused by the
 * schema, 67, 1. */
#pragma once

#include "conf/node-device.h"

/* The most that is looked at, in bytes. More than one thread may read documents at a time. */
#define MD_XML_DOCUMENT_MAX 1048576

/*
 * Parses a document as libvirt does: unknown elements are passed over, the first problem of known
 * ones is an error. Never touches network or files; a document type declaration, and so any entity
 * of its own, is refused, and so is what exceeds the limits of xml-scanner.h.
 */
MdNodeDeviceDef *md_xml_parse(const char *document, GError **error);

/* Whether a schema has been read, so that no disk is needed to check documents; never waits. */
gboolean md_xml_has_schema(const char *path);

/* Reads a schema that has not been read yet. */
gboolean md_xml_load_schema(const char *path, GError **error);

/* Checks against libvirt's nodedev.rng (or another RELAX NG schema); the schema is read once and
 * kept. */
gboolean md_xml_validate(const char *document, const char *schema, GError **error);

/* Both: what is not valid is not looked at. */
MdNodeDeviceDef *md_xml_parse_valid(const char *document, const char *schema, GError **error);

/* The document of a device, ending in a newline. `details`: with the elements that are our own. */
char *md_xml_format(const MdNodeDeviceDef *def, gboolean details);
