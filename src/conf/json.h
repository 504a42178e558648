/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON from files and scripts, validated before it reaches the parser. */
#pragma once

#include <json-glib/json-glib.h>

/* Maximum size in bytes. */
#define MD_JSON_SIZE_MAX 1048576

/* The length of a text without trailing white space and NUL, which scripts may append. */
gsize md_json_trim(const char *text, gsize length);

/* Parses a text; its root is owned by the parser. VIR_ERR_CONF_SYNTAX describes the error. */
JsonNode *md_json_load(JsonParser *parser, const char *text, gsize length, GError **error);
