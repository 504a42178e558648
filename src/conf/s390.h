/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Common parts of the s390 kinds: numbers in documents, and address and state of channel devices
 * (css, ccw, ccwgroup).
 */
#pragma once

#include <glib.h>
#include <libxml/tree.h>

#include "conf/xml-writer.h"

typedef struct {
    guint cssid; /* 0 to 0xfe */
    guint ssid;  /* 0 to 3 */
    guint devno; /* 0 to 0xffff */
} MdCcwAddress;

typedef enum {
    MD_CCW_STATE_UNKNOWN = 0, /* not reported */
    MD_CCW_STATE_OFFLINE,
    MD_CCW_STATE_ONLINE,
} MdCcwState;

/*
 * Parses the number in the child `name`. Base 16 accepts hexadecimal numbers with and without the
 * prefix 0x; base 0 accepts decimal numbers, and hexadecimal ones with the prefix.
 * VIR_ERR_CONFIG_UNSUPPORTED if the number is missing or invalid.
 */
gboolean md_s390_parse_number(
    xmlNodePtr node, const char *name, guint base, guint max, guint *number, GError **error);

/* Parses the kernel's form, 0.0.1234. */
gboolean md_ccw_address_parse(const char *text, MdCcwAddress *address);

/* Parses the elements of an address inside `node`; VIR_ERR_CONFIG_UNSUPPORTED if one is missing or
 * invalid. */
gboolean md_ccw_address_parse_xml(xmlNodePtr node, MdCcwAddress *address, GError **error);
void md_ccw_address_format(const MdCcwAddress *address, MdXmlWriter *writer);

/* Parses the optional <state>; VIR_ERR_CONFIG_UNSUPPORTED if it is unknown. */
gboolean md_ccw_state_parse_xml(xmlNodePtr node, MdCcwState *state, GError **error);
void md_ccw_state_format(MdCcwState state, MdXmlWriter *writer);
