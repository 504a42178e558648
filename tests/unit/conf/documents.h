/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by tests of documents: checks of refused and accepted documents. */
#pragma once

#include "conf/xml.h"
#include "util/error.h"

typedef struct {
    const char *name;
    const char *document;
    int code;
    int from;
    const char *message;
} Refusal;

/* Code, domain and message. */
#define XML(message)         VIR_ERR_XML_ERROR, VIR_FROM_XML, message
#define INTERNAL(message)    VIR_ERR_INTERNAL_ERROR, VIR_FROM_NODEDEV, message
#define UNSUPPORTED(message) VIR_ERR_CONFIG_UNSUPPORTED, VIR_FROM_NODEDEV, message

/* Adds one test per refusal, as <prefix>/refused/<name>. */
void documents_add_refusals(const char *prefix, const Refusal *refusals, gsize n);

/* Fails the test if the document is refused. */
MdNodeDeviceDef *documents_parse(const char *document);
