/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writes a document as libvirt prints it: two spaces a level, single quotes, no declaration. Text
 * that is no UTF-8 or holds characters that would do harm to a terminal (serial numbers of odd
 * hardware) is cleaned, see util/text.h, and never dropped as a whole.
 */
#pragma once

#include <glib.h>

typedef struct _MdXmlWriter MdXmlWriter;

/* `details`: whether elements of our own are wanted, see md_xml_writer_get_details(). */
MdXmlWriter *md_xml_writer_new(gboolean details);
void md_xml_writer_free(MdXmlWriter *self);

gboolean md_xml_writer_get_details(MdXmlWriter *self);

void md_xml_writer_start(MdXmlWriter *self, const char *element);
void md_xml_writer_end(MdXmlWriter *self);
/* The end tag of the element started last gets a line of its own even if nothing comes inside. */
void md_xml_writer_block(MdXmlWriter *self);

/* Attributes of the element started last, before anything is written inside it. */
void md_xml_writer_attribute(MdXmlWriter *self, const char *name, const char *value);
void md_xml_writer_attribute_number(MdXmlWriter *self, const char *name, guint64 number);
/* 0x0a, of as many digits at least. */
void md_xml_writer_attribute_hex(MdXmlWriter *self, const char *name, guint64 number, guint digits);

/* Text inside the element started last. */
void md_xml_writer_text(MdXmlWriter *self, const char *text);

/* <element>value</element>; nothing at all if `value` is NULL. */
void md_xml_writer_element(MdXmlWriter *self, const char *element, const char *value);
void md_xml_writer_element_number(MdXmlWriter *self, const char *element, guint64 number);
void
md_xml_writer_element_hex(MdXmlWriter *self, const char *element, guint64 number, guint digits);

/* <vendor id='0x10de'>NVIDIA</vendor>; without text if `name` is NULL. */
void md_xml_writer_id(MdXmlWriter *self, const char *element, guint id, const char *name);

/* A text as a reader of a document finds it there: what cannot be printed is left out. */
char *md_xml_writer_filter(const char *text);

/* Ends the document and hands it over; the writer is done with afterwards. */
char *md_xml_writer_finish(MdXmlWriter *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdXmlWriter, md_xml_writer_free)
