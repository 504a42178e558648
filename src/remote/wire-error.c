/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "remote/wire-error.h"

#include <string.h>

#include "rpc/message.h"
#include "util/error.h"
#include "util/text.h"

/* Maximum length of a detail in bytes. Details may quote client input, which may be longer than a
 * reply can be. */
#define DETAIL_MAX 4096

/* The prefix of each error code that clients know; codes not listed have none. */
typedef struct {
    int code;
    const char *prefix;
} Class;

static const Class classes[] = {
    { VIR_ERR_INTERNAL_ERROR, "internal error: " },
    { VIR_ERR_NO_SUPPORT, "this function is not supported by the connection driver: " },
    { VIR_ERR_NO_CONNECT, "no connection driver available for " },
    { VIR_ERR_INVALID_ARG, "invalid argument: " },
    { VIR_ERR_OPERATION_FAILED, "operation failed: " },
    { VIR_ERR_XML_ERROR, "XML error: " },
    { VIR_ERR_OPERATION_DENIED, "operation forbidden: " },
    { VIR_ERR_PARSE_FAILED, "failed to parse configuration file " },
    { VIR_ERR_CONF_SYNTAX, "configuration file syntax error: " },
    { VIR_ERR_NO_NODE_DEVICE, "Node device not found: " },
    { VIR_ERR_OPERATION_INVALID, "Requested operation is not valid: " },
    { VIR_ERR_CONFIG_UNSUPPORTED, "unsupported configuration: " },
    { VIR_ERR_AUTH_FAILED, "authentication failed: " },
    { VIR_ERR_AUTH_CANCELLED, "authentication cancelled: " },
    { VIR_ERR_AUTH_UNAVAILABLE, "authentication unavailable: " },
    { VIR_ERR_ACCESS_DENIED, "access denied: " },
    { VIR_ERR_ARGUMENT_UNSUPPORTED, "argument unsupported: " },
    { VIR_ERR_OPERATION_TIMEOUT, "Timed out during operation: " },
    { VIR_ERR_OPERATION_ABORTED, "operation aborted: " },
    { VIR_ERR_RESOURCE_BUSY, "resource busy: " },
    { VIR_ERR_NO_SERVER, "Server not found: " },
    { VIR_ERR_NO_CLIENT, "Client not found: " },
    { VIR_ERR_XML_INVALID_SCHEMA, "XML document failed to validate against schema: " },
};

static const char *
find_prefix(int code)
{
    for (gsize i = 0; i < G_N_ELEMENTS(classes); i++) {
        if (classes[i].code == code)
            return classes[i].prefix;
    }
    return "";
}


/* The error's message, at most DETAIL_MAX bytes, without characters harmful to a terminal: a
 * message may quote clients and devices. */
static char *
get_detail(const GError *error)
{
    gsize length = strnlen(error->message, DETAIL_MAX);

    return md_text_clean(error->message, (gssize)length);
}


GBytes *
md_wire_error_encode(const md_header *call, const GError *error)
{
    int code = md_error_get_code(error);
    g_autofree char *detail = get_detail(error);
    g_autofree char *format = NULL;
    g_autofree char *message = NULL;
    char *function = (char *)md_error_get_flags_function(error);
    char *flags = (char *)"flags";
    md_header header = *call;
    md_error wire = { .code = code, .level = VIR_ERR_ERROR };

    wire.domain = md_error_get_from(error);
    /* libvirt reports refused flags with the function's name and without a prefix. */
    if (function != NULL) {
        wire.message = &detail;
        wire.text1 = &function;
        wire.text2 = &flags;
    } else {
        format = g_strconcat(find_prefix(code), "%s", NULL);
        message = g_strconcat(find_prefix(code), detail, NULL);
        wire.message = &message;
        wire.text1 = &format;
        wire.text2 = &detail;
        wire.number1 = code == VIR_ERR_SYSTEM_ERROR ? md_error_get_errno(error) : -1;
        wire.number2 = -1;
    }

    header.type = MD_MESSAGE_REPLY;
    header.status = MD_STATUS_ERROR;
    return md_message_encode(&header, MD_XDR(md_error), &wire, NULL);
}
