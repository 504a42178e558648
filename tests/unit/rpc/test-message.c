/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames byte by byte, and malformed frames. */
#include "config.h"

#include <glib.h>
#include <string.h>

#include "rpc/message.h"
#include "util/error.h"

#define LIMIT 4096

/* A lookup of "computer", serial 7. */
static const guint8 lookup[] = {
    0x00, 0x00, 0x00, 0x28, /* length: 40 */
    0x20, 0x00, 0x80, 0x86, /* program */
    0x00, 0x00, 0x00, 0x01, /* version */
    0x00, 0x00, 0x00, 0x71, /* procedure: 113 */
    0x00, 0x00, 0x00, 0x00, /* type: call */
    0x00, 0x00, 0x00, 0x07, /* serial */
    0x00, 0x00, 0x00, 0x00, /* status: ok */
    0x00, 0x00, 0x00, 0x08, /* length of the name */
    'c',  'o',  'm',  'p',  /* the name, a multiple of four already */
    'u',  't',  'e',  'r',
};

/* The shortest frame: a ping. */
static const guint8 ping[] = {
    0x00, 0x00, 0x00, 0x1c, /* length: 28 */
    0x6b, 0x65, 0x65, 0x70, /* program: keepalive */
    0x00, 0x00, 0x00, 0x01, /* version */
    0x00, 0x00, 0x00, 0x01, /* procedure: ping */
    0x00, 0x00, 0x00, 0x02, /* type: event */
    0x00, 0x00, 0x00, 0x00, /* serial */
    0x00, 0x00, 0x00, 0x00, /* status: ok */
};


static void
assert_lookup(const MdMessage *message)
{
    md_name_args args = { 0 };

    g_assert_nonnull(message);
    g_assert_cmphex(message->header.prog, ==, MD_PROGRAM_REMOTE);
    g_assert_cmpuint(message->header.vers, ==, MD_PROGRAM_VERSION);
    g_assert_cmpint(message->header.proc, ==, MD_PROC_LOOK_UP_BY_NAME);
    g_assert_cmpint(message->header.type, ==, MD_MESSAGE_CALL);
    g_assert_cmpuint(message->header.serial, ==, 7);
    g_assert_cmpint(message->header.status, ==, MD_STATUS_OK);
    g_assert_true(md_message_decode(message, MD_XDR(md_name_args), &args, NULL));
    g_assert_cmpstr(args.name, ==, "computer");
    md_message_clear(MD_XDR(md_name_args), &args);
}


static void
test_encode(void)
{
    const md_header header = { .prog = MD_PROGRAM_REMOTE,
                               .vers = MD_PROGRAM_VERSION,
                               .proc = MD_PROC_LOOK_UP_BY_NAME,
                               .serial = 7 };
    const md_header keepalive = { .prog = MD_PROGRAM_KEEPALIVE,
                                  .vers = MD_PROGRAM_VERSION,
                                  .proc = MD_KEEPALIVE_PING,
                                  .type = MD_MESSAGE_EVENT };
    const md_name_args args = { (char *)"computer" };
    g_autoptr(GBytes) frame = md_message_encode(&header, MD_XDR(md_name_args), &args, NULL);
    g_autoptr(GBytes) empty = md_message_encode(&keepalive, NULL, NULL, NULL);

    g_assert_cmpmem(g_bytes_get_data(frame, NULL), g_bytes_get_size(frame), lookup, sizeof(lookup));
    g_assert_cmpmem(g_bytes_get_data(empty, NULL), g_bytes_get_size(empty), ping, sizeof(ping));
}


/* A string above the protocol's limit is not sent. */
static void
test_encode_too_long(void)
{
    const md_header header = { .prog = MD_PROGRAM_REMOTE };
    g_autofree char *longest = g_strnfill(MD_TEXT_MAX, 'x');
    g_autofree char *longer = g_strnfill(MD_TEXT_MAX + 1, 'x');
    const md_text_ret good = { longest };
    const md_text_ret bad = { longer };
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) frame = md_message_encode(&header, MD_XDR(md_text_ret), &good, NULL);
    g_autoptr(GBytes) none = md_message_encode(&header, MD_XDR(md_text_ret), &bad, &error);

    g_assert_nonnull(frame);
    g_assert_cmpuint(g_bytes_get_size(frame), ==, MD_MESSAGE_LENGTH_MIN + 4 + MD_TEXT_MAX);
    g_assert_null(none);
    g_assert_error(error, MD_ERROR, VIR_ERR_RPC);
}


/* Each name may be within its limit while all together exceed a frame. */
static void
test_encode_too_large(void)
{
    const md_header header = { .prog = MD_PROGRAM_REMOTE };
    g_autofree char *name = g_strnfill(1024, 'x');
    g_autofree char **names = g_new(char *, MD_NAMES_MAX);
    const md_names_ret ret = { { MD_NAMES_MAX, names } };
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) none = NULL;

    for (guint i = 0; i < MD_NAMES_MAX; i++)
        names[i] = name;
    none = md_message_encode(&header, MD_XDR(md_names_ret), &ret, &error);

    g_assert_null(none);
    g_assert_error(error, MD_ERROR, VIR_ERR_RPC);
}


static void
test_read_split(void)
{
    g_autoptr(MdMessageReader) reader = md_message_reader_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(MdMessage) message = NULL;

    for (gsize i = 0; i < sizeof(lookup); i++) {
        message = md_message_reader_next(reader, &error);
        g_assert_no_error(error);
        g_assert_null(message);
        g_assert_cmpint(md_message_reader_has_partial_frame(reader), ==, i > 0);
        md_message_reader_feed(reader, &lookup[i], 1);
    }
    message = md_message_reader_next(reader, &error);

    g_assert_no_error(error);
    assert_lookup(message);
    g_assert_false(md_message_reader_has_partial_frame(reader));
}


static void
test_read_joined(void)
{
    g_autoptr(MdMessageReader) reader = md_message_reader_new();
    g_autoptr(MdMessage) first = NULL;
    g_autoptr(MdMessage) second = NULL;

    md_message_reader_feed(reader, ping, sizeof(ping));
    md_message_reader_feed(reader, lookup, sizeof(lookup));
    md_message_reader_feed(reader, ping, 10);

    first = md_message_reader_next(reader, NULL);
    g_assert_nonnull(first);
    g_assert_cmphex(first->header.prog, ==, MD_PROGRAM_KEEPALIVE);
    g_assert_cmpuint(g_bytes_get_size(first->payload), ==, 0);
    second = md_message_reader_next(reader, NULL);
    assert_lookup(second);
    g_assert_null(md_message_reader_next(reader, NULL));
    g_assert_true(md_message_reader_has_partial_frame(reader));
}


static void
test_read_bad_length(void)
{
    const guint32 lengths[] = { 0, 3, 4, 27, 33554433, 0x80000000, G_MAXUINT32 };

    for (gsize i = 0; i < G_N_ELEMENTS(lengths); i++) {
        g_autoptr(MdMessageReader) reader = md_message_reader_new();
        g_autoptr(GError) error = NULL;
        guint32 word = GUINT32_TO_BE(lengths[i]);

        md_message_reader_feed(reader, (const guint8 *)&word, sizeof(word));

        g_assert_null(md_message_reader_next(reader, &error));
        g_assert_error(error, MD_ERROR, VIR_ERR_RPC);
        g_assert_cmpint(md_error_get_from(error), ==, VIR_FROM_RPC);
    }
}


/* The limits themselves are accepted. */
static void
test_read_bounds(void)
{
    g_autoptr(MdMessageReader) reader = md_message_reader_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(MdMessage) message = NULL;
    g_autofree guint8 *frame = g_malloc0(MD_MESSAGE_LENGTH_MAX);

    memcpy(frame, lookup, MD_MESSAGE_LENGTH_MIN);
    *(guint32 *)(gpointer)frame = GUINT32_TO_BE(MD_MESSAGE_LENGTH_MAX);
    md_message_reader_feed(reader, frame, MD_MESSAGE_LENGTH_MAX - 1);
    g_assert_null(md_message_reader_next(reader, &error));
    g_assert_no_error(error);
    md_message_reader_feed(reader, frame, 1);
    message = md_message_reader_next(reader, &error);

    g_assert_no_error(error);
    g_assert_nonnull(message);
    g_assert_cmpuint(g_bytes_get_size(message->payload), ==,
                     MD_MESSAGE_LENGTH_MAX - MD_MESSAGE_LENGTH_MIN);
    g_assert_false(md_message_reader_has_partial_frame(reader));
}


/* A frame above the limit is skipped in pieces, and only its header is stored. */
static void
test_read_limit(void)
{
    g_autoptr(MdMessageReader) reader = md_message_reader_new();
    g_autoptr(MdMessage) kept = NULL;
    g_autoptr(MdMessage) discarded = NULL;
    g_autoptr(MdMessage) next = NULL;
    g_autofree guint8 *piece = g_malloc0(LIMIT);
    g_autofree guint8 *frame = g_malloc0(LIMIT);

    memcpy(frame, lookup, MD_MESSAGE_LENGTH_MIN);
    *(guint32 *)(gpointer)frame = GUINT32_TO_BE(LIMIT);
    md_message_reader_set_limit(reader, LIMIT);
    md_message_reader_feed(reader, frame, LIMIT);
    kept = md_message_reader_next(reader, NULL);
    g_assert_nonnull(kept->payload);

    *(guint32 *)(gpointer)frame = GUINT32_TO_BE(100 * LIMIT);
    md_message_reader_feed(reader, frame, 10);
    g_assert_true(md_message_reader_is_beyond_limit(reader));
    g_assert_null(md_message_reader_next(reader, NULL));
    md_message_reader_feed(reader, frame + 10, LIMIT - 10);
    for (guint i = 1; i < 100; i++) {
        g_assert_null(md_message_reader_next(reader, NULL));
        g_assert_true(md_message_reader_has_partial_frame(reader));
        g_assert_cmpuint(md_message_reader_get_cost(reader), <=, 2 * LIMIT);
        md_message_reader_feed(reader, piece, LIMIT);
    }
    md_message_reader_feed(reader, lookup, sizeof(lookup));

    discarded = md_message_reader_next(reader, NULL);
    g_assert_nonnull(discarded);
    g_assert_null(discarded->payload);
    g_assert_cmpuint(discarded->length, ==, 100 * LIMIT);
    g_assert_cmpuint(discarded->limit, ==, LIMIT);
    g_assert_cmpuint(discarded->header.serial, ==, 7);
    next = md_message_reader_next(reader, NULL);
    assert_lookup(next);
    g_assert_false(md_message_reader_has_partial_frame(reader));
}


/* A lowered limit applies to the frame being received. */
static void
test_read_limit_falls(void)
{
    g_autoptr(MdMessageReader) reader = md_message_reader_new();
    g_autoptr(MdMessage) message = NULL;
    g_autofree guint8 *frame = g_malloc0(2 * LIMIT);

    memcpy(frame, lookup, MD_MESSAGE_LENGTH_MIN);
    *(guint32 *)(gpointer)frame = GUINT32_TO_BE(2 * LIMIT);
    md_message_reader_feed(reader, frame, LIMIT);
    g_assert_null(md_message_reader_next(reader, NULL));
    g_assert_cmpuint(md_message_reader_get_cost(reader), >=, LIMIT);
    md_message_reader_set_limit(reader, LIMIT);
    g_assert_null(md_message_reader_next(reader, NULL));
    g_assert_cmpuint(md_message_reader_get_cost(reader), ==, 0);
    md_message_reader_feed(reader, frame + LIMIT, LIMIT);
    message = md_message_reader_next(reader, NULL);
    g_assert_nonnull(message);
    g_assert_null(message->payload);
}


/* The allocation for a frame is never much larger than the received part, nor larger than the
 * frame. */
static void
test_read_cost(void)
{
    g_autoptr(MdMessageReader) reader = md_message_reader_new();
    g_autoptr(MdMessage) message = NULL;
    g_autofree guint8 *frame = g_malloc0(65 * LIMIT);

    memcpy(frame, lookup, MD_MESSAGE_LENGTH_MIN);
    *(guint32 *)(gpointer)frame = GUINT32_TO_BE(65 * LIMIT);
    for (guint i = 0; i < 65; i++) {
        g_assert_null(md_message_reader_next(reader, NULL));
        md_message_reader_feed(reader, frame + i * LIMIT, LIMIT);
        g_assert_cmpuint(md_message_reader_get_cost(reader), >=, (i + 1) * LIMIT);
        g_assert_cmpuint(md_message_reader_get_cost(reader), <=, MIN(2 * (i + 1), 65) * LIMIT);
    }
    message = md_message_reader_next(reader, NULL);
    g_assert_nonnull(message);
    g_assert_cmpuint(md_message_reader_get_cost(reader), ==, 0);
}


static void
assert_undecodable(const guint8 *payload, gsize size)
{
    MdMessage message = { .payload = g_bytes_new(payload, size) };
    md_name_args args = { 0 };
    g_autoptr(GError) error = NULL;

    g_assert_false(md_message_decode(&message, MD_XDR(md_name_args), &args, &error));
    g_assert_error(error, MD_ERROR, VIR_ERR_RPC);
    md_message_clear(MD_XDR(md_name_args), &args);
    g_bytes_unref(message.payload);
}


static void
test_decode_bad(void)
{
    const guint8 none[] = { 0 };
    const guint8 cut[] = {
        0x00, 0x00, 0x00, 0x08, /* length of the name: more than there is */
        'c',  'o',  'm',  'p',
    };
    const guint8 endless[] = {
        0xff, 0xff, 0xff, 0xff, /* length of the name */
        'c',  'o',  'm',  'p',
    };
    const guint8 too_long[] = {
        0x00, 0x40, 0x00, 0x01, /* length of the name: 4194305 */
        'c',  'o',  'm',  'p',
    };
    const guint8 zero[] = {
        0x00, 0x00, 0x00, 0x04, /* length of the name */
        'c',  'o',  0x00, 'p',  /* the name */
    };
    const guint8 zero_at_end[] = {
        0x00, 0x00, 0x00, 0x04, /* length of the name */
        'c',  'o',  'm',  0x00, /* the name */
    };
    const guint8 no_padding[] = {
        0x00, 0x00, 0x00, 0x03, /* length of the name */
        'c',  'o',  'm',        /* the name */
    };

    assert_undecodable(none, 0);
    assert_undecodable(none, 1);
    assert_undecodable(cut, sizeof(cut));
    assert_undecodable(endless, sizeof(endless));
    assert_undecodable(too_long, sizeof(too_long));
    assert_undecodable(zero, sizeof(zero));
    assert_undecodable(zero_at_end, sizeof(zero_at_end));
    assert_undecodable(no_padding, sizeof(no_padding));
}


/* libvirt accepts all of these as well. */
static void
test_decode_inexact(void)
{
    const guint8 open[] = {
        0x01, 0x00, 0x00, 0x00, /* a name follows, in the wrong byte order */
        0x00, 0x00, 0x00, 0x03, /* length of the name */
        'c',  'o',  'm',  0xff, /* the name and padding */
        0x00, 0x00, 0x00, 0x01, /* flags */
        0x12, 0x34,             /* something else */
    };
    MdMessage message = { .payload = g_bytes_new_static(open, sizeof(open)) };
    md_open_args args = { 0 };

    g_assert_true(md_message_decode(&message, MD_XDR(md_open_args), &args, NULL));
    g_assert_cmpstr(*args.name, ==, "com");
    g_assert_cmpuint(args.flags, ==, 1);
    md_message_clear(MD_XDR(md_open_args), &args);
    g_bytes_unref(message.payload);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/message/encode", test_encode);
    g_test_add_func("/message/encode/too-long", test_encode_too_long);
    g_test_add_func("/message/encode/too-large", test_encode_too_large);
    g_test_add_func("/message/read/split", test_read_split);
    g_test_add_func("/message/read/joined", test_read_joined);
    g_test_add_func("/message/read/bad-length", test_read_bad_length);
    g_test_add_func("/message/read/bounds", test_read_bounds);
    g_test_add_func("/message/read/limit", test_read_limit);
    g_test_add_func("/message/read/limit-falls", test_read_limit_falls);
    g_test_add_func("/message/read/cost", test_read_cost);
    g_test_add_func("/message/decode/bad", test_decode_bad);
    g_test_add_func("/message/decode/inexact", test_decode_inexact);
    return g_test_run();
}
