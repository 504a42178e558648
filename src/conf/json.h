/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON from files and scripts, looked at before a parser is let near it. */
#pragma once

#include <json-glib/json-glib.h>

/* The most that is looked at, in bytes. */
#define MD_JSON_SIZE_MAX 1048576

/* The length of a text without what scripts end it in: white space, and the NUL of a C string. */
gsize md_json_trim(const char *text, gsize length);

/* The root of a text, owned by the parser. VIR_ERR_CONF_SYNTAX says what is wrong with the text. */
JsonNode *md_json_load(JsonParser *parser, const char *text, gsize length, GError **error);
