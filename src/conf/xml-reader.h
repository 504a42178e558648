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

/* What error messages quote of a text from outside: all of it, or its beginning. */
char *md_xml_shorten(const char *text);

/* What error messages call the device of this document: its name, shortened, or "new device". */
char *md_xml_device_name(xmlNodePtr node);

/* A whole string as a number: no space, no sign, at most `max`. Base 0 takes 0x too. */
gboolean md_xml_parse_uint(const char *text, guint base, guint max, guint *number);

/* Lower case with dashes, or NULL. Dashes may be missing, blanks around it are fine. */
char *md_uuid_normalize(const char *text);
