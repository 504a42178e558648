/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Frames of the wire: a length word that counts itself, a header, a payload. Nothing is allocated
 * for a length that a frame merely claims, only for bytes that came. Errors are VIR_ERR_RPC of
 * VIR_FROM_RPC.
 */
#pragma once

#include <glib.h>

#include "rpc/protocol.h"

/* Bytes, with the length word. */
#define MD_MESSAGE_LENGTH_MIN 28
#define MD_MESSAGE_LENGTH_MAX 33554432

/* How to encode or decode a type of protocol.x. */
#define MD_XDR(type) ((xdrproc_t)(void (*)(void))xdr_##type)

typedef struct {
    md_header header;
    GBytes *payload;
} MdMessage;

void md_message_free(MdMessage *self);

/* Decodes the whole payload into `data`, which must be zeroed; md_message_clear() frees what is
 * then below it. */
gboolean md_message_decode(const MdMessage *self, xdrproc_t type, gpointer data, GError **error);
void md_message_clear(xdrproc_t type, gpointer data);

/* A frame ready to be sent. `type` NULL: without payload. */
GBytes *
md_message_encode(const md_header *header, xdrproc_t type, gconstpointer data, GError **error);

/* Cuts a stream of bytes into messages. */
typedef struct _MdMessageReader MdMessageReader;

MdMessageReader *md_message_reader_new(void);
void md_message_reader_free(MdMessageReader *self);

void md_message_reader_feed(MdMessageReader *self, const guint8 *bytes, gsize size);

/* NULL with an error: what comes is no frame, and nothing after it can be. NULL without: more bytes
 * are needed. */
MdMessage *md_message_reader_next(MdMessageReader *self, GError **error);

/* Bytes are waiting that no message has been made of yet. */
gboolean md_message_reader_is_midway(MdMessageReader *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdMessage, md_message_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdMessageReader, md_message_reader_free)
