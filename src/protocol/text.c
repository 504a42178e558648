/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Encodes texts. libtirpc's function for strings would cut a text at a zero byte, so that a name
 * could be checked in one form and used in another.
 */
#include "protocol/text.h"

#include <stdlib.h>
#include <string.h>


static bool_t
text_decode(XDR *xdrs, md_text *text)
{
    u_int length = 0;
    char *bytes = NULL;

    if (!xdr_u_int(xdrs, &length) || length > MD_TEXT_MAX)
        return FALSE;
    bytes = malloc((size_t)length + 1);
    if (bytes == NULL)
        return FALSE;
    if (!xdr_opaque(xdrs, bytes, length) || memchr(bytes, 0, length) != NULL) {
        free(bytes);
        return FALSE;
    }
    bytes[length] = '\0';
    *text = bytes;
    return TRUE;
}


bool_t
xdr_md_text(XDR *xdrs, md_text *text)
{
    switch (xdrs->x_op) {
    case XDR_ENCODE:
        return xdr_string(xdrs, text, MD_TEXT_MAX);
    case XDR_DECODE:
        return text_decode(xdrs, text);
    case XDR_FREE:
        free(*text);
        *text = NULL;
        return TRUE;
    }
    return FALSE;
}


md_maybe_text
md_maybe_text_new(const char *text)
{
    md_maybe_text optional = NULL;

    if (text == NULL)
        return NULL;
    optional = g_new0(md_text, 1);
    *optional = g_strdup(text);
    return optional;
}


const char *
md_maybe_text_get(md_maybe_text text)
{
    return text != NULL ? *text : NULL;
}
