/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What tests of documents have in common: those that must be refused, and one that must be taken.
 */
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

/* Code, domain and words. */
#define XML(message)         VIR_ERR_XML_ERROR, VIR_FROM_XML, message
#define INTERNAL(message)    VIR_ERR_INTERNAL_ERROR, VIR_FROM_NODEDEV, message
#define UNSUPPORTED(message) VIR_ERR_CONFIG_UNSUPPORTED, VIR_FROM_NODEDEV, message

/* One test for each, as <prefix>/refused/<name>. */
void documents_add_refusals(const char *prefix, const Refusal *refusals, gsize n);

/* Fails the test if the document is refused. */
MdNodeDeviceDef *documents_parse(const char *document);
