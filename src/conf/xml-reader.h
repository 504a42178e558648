/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Small steps through a parsed document, for the parse functions of the capabilities. Names are
 * looked up without a namespace, as libvirt does: an element inside any namespace is unknown.
 */
#pragma once

#include <glib.h>
#include <libxml/tree.h>

/* The first child element of that name, or NULL. */
xmlNodePtr md_xml_child(xmlNodePtr node, const char *name);

/* The next sibling element of the same name, or NULL. */
xmlNodePtr md_xml_next(xmlNodePtr node);

/* As md_xml_child(), but twice the same child is an error (27): which of the two should count? */
gboolean md_xml_child_once(xmlNodePtr node, const char *name, xmlNodePtr *child, GError **error);

/* Content of a node, of a child, of an attribute; NULL if there is none or it is empty. */
char *md_xml_text(xmlNodePtr node);
char *md_xml_child_text(xmlNodePtr node, const char *name);
char *md_xml_attribute(xmlNodePtr node, const char *name);

/* What error messages quote of a text from outside, which may be no UTF-8: all of it, or its
 * beginning. */
char *md_xml_shorten(const char *text);

/* What error messages call the device of this document: its name, shortened, or "new device". */
char *md_xml_device_name(xmlNodePtr node);

/* A whole string as a number: no space, no sign, at most `max`. Base 0 takes 0x too. */
gboolean md_xml_parse_uint(const char *text, guint base, guint max, guint *number);

/*
 * The number in a child element, which must be there once; in hexadecimal with or without 0x.
 * `what` is it in libvirt's messages ("PCI bus ID"); VIR_ERR_INTERNAL_ERROR if it is missing or
 * wrong.
 */
gboolean md_xml_child_uint(xmlNodePtr node,
                           const char *name,
                           const char *what,
                           guint base,
                           guint max,
                           guint *number,
                           GError **error);

/* <vendor id='0x10de'>NVIDIA</vendor>: 16 bits, errors as above, and the text, NULL if it has none.
 */
gboolean md_xml_child_id(
    xmlNodePtr node, const char *name, const char *what, guint *id, char **text, GError **error);

/*
 * A number in an attribute; without one `number` stays as it is. Otherwise as md_xml_parse_uint(),
 * and VIR_ERR_XML_ERROR if it is none.
 */
gboolean md_xml_attribute_uint(
    xmlNodePtr node, const char *name, guint base, guint max, guint *number, GError **error);

/* FALSE with VIR_ERR_XML_ERROR if there is no such attribute. */
gboolean md_xml_check_attribute(xmlNodePtr node, const char *name, GError **error);

/* VIR_ERR_XML_ERROR in libvirt's words. */
void
md_xml_set_invalid_attribute(xmlNodePtr node, const char *name, const char *value, GError **error);

/* Lower case with dashes, or NULL. As libvirt reads one: 32 digits, with dashes and spaces anywhere
 * between two pairs of them, and blanks around. */
char *md_uuid_normalize(const char *text);
