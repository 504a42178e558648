/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Frames of the wire: a length word that counts itself, a header, a payload. Nothing is allocated
 * for a length that a frame merely claims, only for bytes that came. Errors are VIR_ERR_RPC of
 * VIR_FROM_RPC.
 */
#pragma once

#include <glib.h>

#include "protocol/protocol.h"

/* Bytes, with the length word. What is outside of these cannot be a frame. */
#define MD_MESSAGE_LENGTH_MIN 28
#define MD_MESSAGE_LENGTH_MAX 33554432

/*
 * The longest frame that is kept of a client: until its connection is open, for readers, and for
 * those who may send documents of up to a mebibyte.
 */
#define MD_MESSAGE_LIMIT_UNOPENED 4096
#define MD_MESSAGE_LIMIT_READER   (256 * 1024)
#define MD_MESSAGE_LIMIT_WRITER   (1024 * 1024 + 64 * 1024)

/* How to encode or decode a type of protocol.x. */
#define MD_XDR(type) ((xdrproc_t)(void (*)(void))xdr_##type)

typedef struct {
    md_header header;
    gsize length;    /* of the frame */
    gsize limit;     /* of the reader, when the frame had come */
    GBytes *payload; /* NULL: the frame is longer than the limit, and was not kept */
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

/* Keeps frames of any length until it is given a limit. */
MdMessageReader *md_message_reader_new(void);
void md_message_reader_free(MdMessageReader *self);

/* Longer frames are passed over without being stored. It may change at any time, and counts for the
 * frame that is being received, too. */
void md_message_reader_set_limit(MdMessageReader *self, gsize limit);

void md_message_reader_feed(MdMessageReader *self, const guint8 *bytes, gsize size);

/* NULL with an error: what comes is no frame, and nothing after it can be. NULL without: more bytes
 * are needed. */
MdMessage *md_message_reader_next(MdMessageReader *self, GError **error);

/* Whether the next call of md_message_reader_next() would begin to pass a frame over. */
gboolean md_message_reader_is_beyond_limit(MdMessageReader *self);

/* The length of the next frame, 0 if it is not known yet. */
guint32 md_message_reader_peek_length(MdMessageReader *self);

/* Bytes of memory that it takes. */
gsize md_message_reader_get_cost(MdMessageReader *self);

/* Bytes are waiting that no message has been made of yet. */
gboolean md_message_reader_is_midway(MdMessageReader *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdMessage, md_message_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdMessageReader, md_message_reader_free)
