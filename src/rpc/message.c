/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "rpc/message.h"

#include <string.h>

#include "util/error.h"

#define LENGTH_SIZE 4
#define HEADER_SIZE 24

G_STATIC_ASSERT(LENGTH_SIZE + HEADER_SIZE == MD_MESSAGE_LENGTH_MIN);

/* A buffer that has grown beyond this is given back once it is empty. */
#define BUFFER_KEEP (256 * 1024)

struct _MdMessageReader {
    GByteArray *buffer;
    gsize used; /* at the front of the buffer, made into messages already */
};


void
md_message_free(MdMessage *self)
{
    if (self == NULL)
        return;

    g_bytes_unref(self->payload);
    g_free(self);
}


/* A text with a zero inside would end there for everybody who reads it in memory. */
static gboolean
encodes_to(xdrproc_t type, gpointer data, gconstpointer bytes, gsize size)
{
    g_autofree char *again = g_malloc(size);
    gboolean ok = FALSE;
    XDR xdr;

    xdrmem_create(&xdr, again, (guint)size, XDR_ENCODE);
    ok = type(&xdr, data) && xdr_getpos(&xdr) == size && memcmp(again, bytes, size) == 0;
    xdr_destroy(&xdr);
    return ok;
}


gboolean
md_message_decode(const MdMessage *self, xdrproc_t type, gpointer data, GError **error)
{
    gsize size = 0;
    gconstpointer bytes = g_bytes_get_data(self->payload, &size);
    gboolean ok = FALSE;
    XDR xdr;

    xdrmem_create(&xdr, (char *)bytes, (guint)size, XDR_DECODE);
    ok = type(&xdr, data) && xdr_getpos(&xdr) == size && encodes_to(type, data, bytes, size);
    xdr_destroy(&xdr);
    if (!ok)
        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_RPC, "Unable to decode message payload");
    return ok;
}


void
md_message_clear(xdrproc_t type, gpointer data)
{
    xdr_free(type, data);
}


GBytes *
md_message_encode(const md_header *header, xdrproc_t type, gconstpointer data, GError **error)
{
    gulong payload = type != NULL ? xdr_sizeof(type, (gpointer)data) : 0;
    gsize length = LENGTH_SIZE + HEADER_SIZE + payload;
    guint32 word = (guint32)length;
    g_autofree char *frame = NULL;
    gboolean ok = FALSE;
    XDR xdr;

    /* A size of 0 stands for something beyond the bounds of protocol.x: no type is empty. */
    if (length > MD_MESSAGE_LENGTH_MAX || (type != NULL && payload == 0)) {
        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_RPC,
                          "Unable to encode message payload: it is too large");
        return NULL;
    }

    frame = g_malloc(length);
    xdrmem_create(&xdr, frame, word, XDR_ENCODE);
    ok = xdr_uint32_t(&xdr, &word) && xdr_md_header(&xdr, (md_header *)header) &&
         (type == NULL || type(&xdr, (gpointer)data));
    xdr_destroy(&xdr);
    if (!ok) {
        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_RPC, "Unable to encode message payload");
        return NULL;
    }
    return g_bytes_new_take(g_steal_pointer(&frame), length);
}


MdMessageReader *
md_message_reader_new(void)
{
    MdMessageReader *self = g_new0(MdMessageReader, 1);

    self->buffer = g_byte_array_new();
    return self;
}


void
md_message_reader_free(MdMessageReader *self)
{
    if (self == NULL)
        return;

    g_byte_array_unref(self->buffer);
    g_free(self);
}


static gsize
count_waiting(MdMessageReader *self)
{
    return self->buffer->len - self->used;
}


/* Moves what is waiting to the front, so that the buffer is as long as one frame and one feed at
 * most. */
static void
compact(MdMessageReader *self)
{
    if (self->used == 0)
        return;

    if (count_waiting(self) == 0 && self->buffer->len > BUFFER_KEEP) {
        g_byte_array_unref(self->buffer);
        self->buffer = g_byte_array_new();
    } else {
        g_byte_array_remove_range(self->buffer, 0, (guint)self->used);
    }
    self->used = 0;
}


void
md_message_reader_feed(MdMessageReader *self, const guint8 *bytes, gsize size)
{
    compact(self);
    g_byte_array_append(self->buffer, bytes, (guint)size);
}


static void
decode_header(const guint8 *bytes, md_header *header)
{
    XDR xdr;

    /* Six words cannot fail to be read from 24 bytes. */
    xdrmem_create(&xdr, (char *)bytes, HEADER_SIZE, XDR_DECODE);
    xdr_md_header(&xdr, header);
    xdr_destroy(&xdr);
}


MdMessage *
md_message_reader_next(MdMessageReader *self, GError **error)
{
    gsize waiting = count_waiting(self);
    const guint8 *frame = NULL;
    MdMessage *message = NULL;
    guint32 length = 0;

    if (waiting < LENGTH_SIZE)
        return NULL;

    frame = self->buffer->data + self->used;
    memcpy(&length, frame, LENGTH_SIZE);
    length = GUINT32_FROM_BE(length);
    if (length < MD_MESSAGE_LENGTH_MIN || length > MD_MESSAGE_LENGTH_MAX) {
        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_RPC,
                          "a frame of %u bytes is not between %d and %d", length,
                          MD_MESSAGE_LENGTH_MIN, MD_MESSAGE_LENGTH_MAX);
        return NULL;
    }
    if (waiting < length)
        return NULL;

    message = g_new0(MdMessage, 1);
    decode_header(frame + LENGTH_SIZE, &message->header);
    message->payload = g_bytes_new(frame + MD_MESSAGE_LENGTH_MIN, length - MD_MESSAGE_LENGTH_MIN);
    self->used += length;
    if (count_waiting(self) == 0)
        compact(self);
    return message;
}


gboolean
md_message_reader_is_midway(MdMessageReader *self)
{
    return count_waiting(self) > 0;
}
