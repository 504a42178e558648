/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writes a document in libvirt's format: two spaces per level, single quotes, no declaration. Text
 * with invalid UTF-8 or characters harmful to a terminal (in serial numbers, for example) is
 * cleaned (util/text.h) instead of being dropped as a whole.
 */
#pragma once

#include <glib.h>

typedef struct _MdXmlWriter MdXmlWriter;

/* `details`: whether to write mediated's additional elements, see md_xml_writer_get_details(). */
MdXmlWriter *md_xml_writer_new(gboolean details);
void md_xml_writer_free(MdXmlWriter *self);

gboolean md_xml_writer_get_details(MdXmlWriter *self);

void md_xml_writer_start(MdXmlWriter *self, const char *element);
void md_xml_writer_end(MdXmlWriter *self);
/* Puts the end tag of the current element on its own line even if the element is empty. */
void md_xml_writer_block(MdXmlWriter *self);

/* Adds an attribute to the element started last, before it has content. */
void md_xml_writer_attribute(MdXmlWriter *self, const char *name, const char *value);
void md_xml_writer_attribute_number(MdXmlWriter *self, const char *name, guint64 number);
/* 0x0a, with at least this number of digits. */
void md_xml_writer_attribute_hex(MdXmlWriter *self, const char *name, guint64 number, guint digits);

/* Text inside the element started last. */
void md_xml_writer_text(MdXmlWriter *self, const char *text);

/* <element>value</element>; nothing if `value` is NULL. */
void md_xml_writer_element(MdXmlWriter *self, const char *element, const char *value);
void md_xml_writer_element_number(MdXmlWriter *self, const char *element, guint64 number);
void
md_xml_writer_element_hex(MdXmlWriter *self, const char *element, guint64 number, guint digits);

/* <vendor id='0x10de'>NVIDIA</vendor>; without text if `name` is NULL. */
void md_xml_writer_id(MdXmlWriter *self, const char *element, guint id, const char *name);

/* A text as it appears in a document: without unprintable characters. */
char *md_xml_writer_filter(const char *text);

/* Ends the document and returns it; the writer must not be used afterwards. */
char *md_xml_writer_finish(MdXmlWriter *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdXmlWriter, md_xml_writer_free)
