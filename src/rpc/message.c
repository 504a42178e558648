/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "rpc/message.h"

#include <string.h>

#include "util/error.h"

#define LENGTH_SIZE 4
#define HEADER_SIZE 24

G_STATIC_ASSERT(LENGTH_SIZE + HEADER_SIZE == MD_MESSAGE_LENGTH_MIN);

/* A buffer larger than this is freed once empty. */
#define BUFFER_KEEP 1024

struct _MdMessageReader {
    guint8 *buffer;
    gsize capacity;
    gsize filled;
    gsize used; /* bytes at the front of the buffer that have been parsed */
    gsize limit;
    MdMessage *discarded; /* its frame is being discarded; NULL: none is */
    gsize remaining;      /* bytes of that frame still to be received */
};


MdMessage *
md_message_new(const md_header *header, GBytes *frame)
{
    MdMessage *self = g_new0(MdMessage, 1);

    self->header = *header;
    self->length = g_bytes_get_size(frame);
    self->limit = self->length;
    self->payload =
        g_bytes_new_from_bytes(frame, MD_MESSAGE_LENGTH_MIN, self->length - MD_MESSAGE_LENGTH_MIN);
    return self;
}


void
md_message_free(MdMessage *self)
{
    if (self == NULL)
        return;

    g_clear_pointer(&self->payload, g_bytes_unref);
    g_free(self);
}


gboolean
md_message_check_header(const md_header *header, guint32 program, GError **error)
{
    if (header->prog != program || header->vers != MD_PROGRAM_VERSION) {
        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_RPC, "Cannot find program %u version %u",
                          header->prog, header->vers);
        return FALSE;
    }
    if (header->status != MD_STATUS_OK) {
        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_RPC, "Unexpected message status %d",
                          header->status);
        return FALSE;
    }
    return TRUE;
}


gboolean
md_message_check_length(const MdMessage *self, GError **error)
{
    if (self->payload != NULL)
        return TRUE;

    md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_RPC,
                      "message of %" G_GSIZE_FORMAT
                      " bytes is too large, the limit of this connection is %" G_GSIZE_FORMAT,
                      self->length, self->limit);
    return FALSE;
}


gboolean
md_message_decode(const MdMessage *self, xdrproc_t type, gpointer data, GError **error)
{
    gsize size = 0;
    gconstpointer bytes = g_bytes_get_data(self->payload, &size);
    gboolean ok = FALSE;
    XDR xdr;

    xdrmem_create(&xdr, (char *)bytes, (guint)size, XDR_DECODE);
    ok = type(&xdr, data);
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


gpointer
md_message_decode_new(const MdMessage *self, xdrproc_t type, gsize size, GError **error)
{
    gpointer data = NULL;

    if (type == NULL)
        return NULL;

    data = g_malloc0(size);
    if (!md_message_decode(self, type, data, error)) {
        md_message_clear(type, data);
        g_clear_pointer(&data, g_free);
    }
    return data;
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

    /* As no type is empty, a size of 0 means that the data exceeds a limit of protocol.x. */
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

    self->limit = MD_MESSAGE_LENGTH_MAX;
    return self;
}


void
md_message_reader_free(MdMessageReader *self)
{
    if (self == NULL)
        return;

    md_message_free(self->discarded);
    g_free(self->buffer);
    g_free(self);
}


void
md_message_reader_set_limit(MdMessageReader *self, gsize limit)
{
    self->limit = limit;
}


static gsize
count_waiting(MdMessageReader *self)
{
    return self->filled - self->used;
}


guint32
md_message_reader_peek_length(MdMessageReader *self)
{
    guint32 length = 0;

    if (count_waiting(self) < LENGTH_SIZE)
        return 0;
    memcpy(&length, self->buffer + self->used, LENGTH_SIZE);
    return GUINT32_FROM_BE(length);
}


/* Moves pending bytes to the front, so that the buffer grows to one frame and one feed at most. */
static void
compact(MdMessageReader *self)
{
    self->filled = count_waiting(self);
    if (self->filled > 0)
        memmove(self->buffer, self->buffer + self->used, self->filled);
    self->used = 0;

    if (self->filled == 0 && self->capacity > BUFFER_KEEP) {
        g_clear_pointer(&self->buffer, g_free);
        self->capacity = 0;
    }
}


/* Doubles the buffer, but not beyond the end of the current frame. */
static void
make_room(MdMessageReader *self, gsize size)
{
    gsize needed = self->filled + size;

    if (needed <= self->capacity)
        return;

    self->capacity = MAX(needed, MIN(2 * self->capacity, md_message_reader_peek_length(self)));
    self->buffer = g_realloc(self->buffer, self->capacity);
}


void
md_message_reader_feed(MdMessageReader *self, const guint8 *bytes, gsize size)
{
    gsize skipped = MIN(size, self->remaining);

    self->remaining -= skipped;
    if (skipped == size)
        return;

    compact(self);
    make_room(self, size - skipped);
    memcpy(self->buffer + self->filled, bytes + skipped, size - skipped);
    self->filled += size - skipped;
}


static void
decode_header(const guint8 *bytes, md_header *header)
{
    XDR xdr;

    /* Reading six words from 24 bytes cannot fail. */
    xdrmem_create(&xdr, (char *)bytes, HEADER_SIZE, XDR_DECODE);
    xdr_md_header(&xdr, header);
    xdr_destroy(&xdr);
}


/* Removes bytes from the front. */
static void
reader_consume(MdMessageReader *self, gsize size)
{
    self->used += size;
    if (count_waiting(self) == 0)
        compact(self);
}


/* Creates a message from the frame at the front, whose header is complete. */
static MdMessage *
reader_make_message(MdMessageReader *self, gsize length)
{
    MdMessage *message = g_new0(MdMessage, 1);

    decode_header(self->buffer + self->used + LENGTH_SIZE, &message->header);
    message->length = length;
    message->limit = self->limit;
    return message;
}


static void
reader_discard(MdMessageReader *self, gsize length)
{
    gsize there = MIN(count_waiting(self), length);

    self->discarded = reader_make_message(self, length);
    self->remaining = length - there;
    reader_consume(self, there);
}


static gboolean
check_length(guint32 length, GError **error)
{
    if (length >= MD_MESSAGE_LENGTH_MIN && length <= MD_MESSAGE_LENGTH_MAX)
        return TRUE;

    md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_RPC,
                      "message length %u is not between %d and %d", length, MD_MESSAGE_LENGTH_MIN,
                      MD_MESSAGE_LENGTH_MAX);
    return FALSE;
}


MdMessage *
md_message_reader_next(MdMessageReader *self, GError **error)
{
    guint32 length = 0;
    MdMessage *message = NULL;

    if (self->discarded == NULL && count_waiting(self) >= LENGTH_SIZE) {
        length = md_message_reader_peek_length(self);
        if (!check_length(length, error))
            return NULL;
        if (length > self->limit && count_waiting(self) >= MD_MESSAGE_LENGTH_MIN)
            reader_discard(self, length);
    }
    if (self->discarded != NULL)
        return self->remaining == 0 ? g_steal_pointer(&self->discarded) : NULL;
    if (length == 0 || count_waiting(self) < length)
        return NULL;

    message = reader_make_message(self, length);
    message->payload = g_bytes_new(self->buffer + self->used + MD_MESSAGE_LENGTH_MIN,
                                   length - MD_MESSAGE_LENGTH_MIN);
    reader_consume(self, length);
    return message;
}


gboolean
md_message_reader_is_beyond_limit(MdMessageReader *self)
{
    return self->discarded == NULL && md_message_reader_peek_length(self) > self->limit;
}


gsize
md_message_reader_get_cost(MdMessageReader *self)
{
    return self->capacity;
}


gboolean
md_message_reader_has_partial_frame(MdMessageReader *self)
{
    return count_waiting(self) > 0 || self->discarded != NULL;
}


void
md_message_reader_get_rest(MdMessageReader *self, MdMessageRest *rest)
{
    rest->bytes = self->buffer != NULL ? self->buffer + self->used : NULL;
    rest->size = count_waiting(self);
    rest->discarded = self->discarded;
    rest->remaining = self->remaining;
}


void
md_message_reader_set_rest(MdMessageReader *self, const MdMessageRest *rest)
{
    if (rest->size > 0)
        md_message_reader_feed(self, rest->bytes, rest->size);
    if (rest->discarded != NULL) {
        self->discarded = g_memdup2(rest->discarded, sizeof(*rest->discarded));
        self->remaining = rest->remaining;
    }
}
