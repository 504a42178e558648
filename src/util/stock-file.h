/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The syntax of libvirt's configuration files: `key = value` lines, comments from # on, and values
 * that are numbers, strings in quotes without escapes, or lists of these in brackets.
 */
#pragma once

#include <glib.h>

typedef enum {
    MD_STOCK_NUMBER,
    MD_STOCK_TEXT,
    MD_STOCK_LIST,
} MdStockType;

typedef struct {
    char *key;
    guint line; /* of the key, from 1 */
    MdStockType type;
    gint64 number;
    char *text;  /* any bytes except NUL */
    char **list; /* strings and numbers, as text */
} MdStockEntry;

/*
 * Returns all entries (of MdStockEntry *) in the order of the file; a key may occur several times.
 * NULL with VIR_ERR_CONF_SYNTAX if there is a syntax error; the message begins with the number of
 * its line, and names the key unless the error is in the key itself.
 */
GPtrArray *md_stock_file_parse(const char *text, gsize length, GError **error);
