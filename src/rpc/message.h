/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Frames of the protocol: a length word that counts itself, a header, a payload. Memory is
 * allocated for received bytes only, not for a claimed length. Errors are VIR_ERR_RPC of
 * VIR_FROM_RPC.
 */
#pragma once

#include <glib.h>

#include "protocol/protocol.h"

/* Valid length of a frame in bytes, including the length word. */
#define MD_MESSAGE_LENGTH_MIN 28
#define MD_MESSAGE_LENGTH_MAX 33554432

/*
 * The longest frame that is kept, instead of being discarded: from a client whose connection is not
 * open yet, from a reader, and from a writer, who may send documents of up to 1 MiB.
 */
#define MD_MESSAGE_LIMIT_UNOPENED 4096
#define MD_MESSAGE_LIMIT_READER   (256 * 1024)
#define MD_MESSAGE_LIMIT_WRITER   (1024 * 1024 + 64 * 1024)

/* The XDR function of a type of protocol.x. */
#define MD_XDR(type) ((xdrproc_t)(void (*)(void))xdr_##type)

typedef struct {
    md_header header;
    gsize length;    /* of the frame */
    gsize limit;     /* the limit when the frame was received */
    GBytes *payload; /* NULL: the frame exceeded the limit and was not kept */
} MdMessage;

/* The message of a frame from md_message_encode(). */
MdMessage *md_message_new(const md_header *header, GBytes *frame);
void md_message_free(MdMessage *self);

/* Whether the header is that of a call of this program, in the program's only version. */
gboolean md_message_check_header(const md_header *header, guint32 program, GError **error);

/* Whether the frame has been kept, because it did not exceed the limit of the connection. */
gboolean md_message_check_length(const MdMessage *self, GError **error);

/*
 * Decodes the payload into `data`, which must be zeroed; free its contents with md_message_clear().
 * As tolerant as libvirt, because some clients do not encode exactly: ignores the values of padding
 * and all bytes after the last argument, and accepts any number other than 0 as TRUE. VIR_ERR_RPC
 * if the payload is too short, a text or an array is too long, or a text contains a zero byte.
 */
gboolean md_message_decode(const MdMessage *self, xdrproc_t type, gpointer data, GError **error);
void md_message_clear(xdrproc_t type, gpointer data);

/* The same, but allocates memory of this size, to be freed with g_free() after md_message_clear().
 * NULL with an error; NULL without an error if `type` is NULL: the payload is ignored. */
gpointer md_message_decode_new(const MdMessage *self, xdrproc_t type, gsize size, GError **error);

/* Encodes a frame. `type` NULL: without payload. */
GBytes *
md_message_encode(const md_header *header, xdrproc_t type, gconstpointer data, GError **error);

/* Splits a byte stream into messages. */
typedef struct _MdMessageReader MdMessageReader;

/* Keeps frames of any length until a limit is set. */
MdMessageReader *md_message_reader_new(void);
void md_message_reader_free(MdMessageReader *self);

/* Longer frames are discarded without being stored. The limit may change at any time, and also
 * applies to the frame being received. */
void md_message_reader_set_limit(MdMessageReader *self, gsize limit);

void md_message_reader_feed(MdMessageReader *self, const guint8 *bytes, gsize size);

/* NULL with an error: the stream contains an invalid frame, after which nothing can be read. NULL
 * without an error: more bytes are needed. */
MdMessage *md_message_reader_next(MdMessageReader *self, GError **error);

/* Whether the next call of md_message_reader_next() would begin to discard a frame. */
gboolean md_message_reader_is_beyond_limit(MdMessageReader *self);

/* The length of the next frame, 0 if not known yet. */
guint32 md_message_reader_peek_length(MdMessageReader *self);

/* Its memory in bytes. */
gsize md_message_reader_get_cost(MdMessageReader *self);

/* Whether part of a frame has been received, so that the rest is awaited. */
gboolean md_message_reader_has_partial_frame(MdMessageReader *self);

/* The unparsed input of a reader, with which the next daemon continues. `bytes` may be empty. */
typedef struct {
    const guint8 *bytes; /* parts of frames, not parsed yet */
    gsize size;
    const MdMessage *discarded; /* its frame is being discarded; NULL: none is */
    gsize remaining;            /* bytes of this frame that have not been received */
} MdMessageRest;

/* Borrowed until the next feed. */
void md_message_reader_get_rest(MdMessageReader *self, MdMessageRest *rest);

/* Continues with the rest, which is copied; the reader must be new. */
void md_message_reader_set_rest(MdMessageReader *self, const MdMessageRest *rest);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdMessage, md_message_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdMessageReader, md_message_reader_free)
