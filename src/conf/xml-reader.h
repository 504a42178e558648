/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Helpers for the parse functions of the capabilities. Names are looked up without a namespace, as
 * in libvirt: elements inside a namespace are unknown.
 */
#pragma once

#include <glib.h>
#include <libxml/tree.h>

/* The first child element of that name, or NULL. */
xmlNodePtr md_xml_child(xmlNodePtr node, const char *name);

/* The next sibling element of the same name, or NULL. */
xmlNodePtr md_xml_next(xmlNodePtr node);

/* Like md_xml_child(), but a duplicate child sets VIR_ERR_XML_ERROR. */
gboolean md_xml_child_once(xmlNodePtr node, const char *name, xmlNodePtr *child, GError **error);

/* The content of a node, child or attribute; NULL if missing or empty. */
char *md_xml_text(xmlNodePtr node);
char *md_xml_child_text(xmlNodePtr node, const char *name);
char *md_xml_attribute(xmlNodePtr node, const char *name);

/* Truncates an untrusted text, which may be invalid UTF-8, for error messages. */
char *md_xml_shorten(const char *text);

/* The name of the document's device for error messages: shortened, or "new device". */
char *md_xml_device_name(xmlNodePtr node);

/* Parses a whole string as a number: no blanks, no sign, at most `max`. Base 0 accepts 0x. */
gboolean md_xml_parse_uint(const char *text, guint base, guint max, guint *number);

/*
 * Parses the number in a required, unique child element; with base 16, the prefix 0x is optional.
 * `what` names the number in libvirt's messages ("PCI bus ID"). VIR_ERR_INTERNAL_ERROR if the
 * number is missing or invalid.
 */
gboolean md_xml_child_uint(xmlNodePtr node,
                           const char *name,
                           const char *what,
                           guint base,
                           guint max,
                           guint *number,
                           GError **error);

/* Parses <vendor id='0x10de'>NVIDIA</vendor>: an id of 16 bits, with errors as above, and the text,
 * NULL if there is none. */
gboolean md_xml_child_id(
    xmlNodePtr node, const char *name, const char *what, guint *id, char **text, GError **error);

/*
 * Parses the number in an attribute as md_xml_parse_uint() does; VIR_ERR_XML_ERROR if it is
 * invalid. If the attribute is missing, `number` is unchanged.
 */
gboolean md_xml_attribute_uint(
    xmlNodePtr node, const char *name, guint base, guint max, guint *number, GError **error);

/* FALSE with VIR_ERR_XML_ERROR if the attribute is missing. */
gboolean md_xml_check_attribute(xmlNodePtr node, const char *name, GError **error);

/* Sets VIR_ERR_XML_ERROR with libvirt's message. */
void
md_xml_set_invalid_attribute(xmlNodePtr node, const char *name, const char *value, GError **error);

/* Converts a UUID to lower case with dashes; NULL if it is invalid. Accepts what libvirt does: 32
 * digits, with dashes and spaces between any two pairs, and surrounding blanks. */
char *md_uuid_normalize(const char *text);
