/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Errors in the protocol: their bytes, and the message of each code. */
#include "config.h"

#include <errno.h>
#include <gio/gio.h>
#include <string.h>

#include "remote/wire-error.h"
#include "rpc/message.h"
#include "util/error.h"

static const md_header call = { .prog = MD_PROGRAM_REMOTE,
                                .vers = MD_PROGRAM_VERSION,
                                .proc = MD_PROC_LOOK_UP_BY_NAME,
                                .serial = 9 };


static void
test_bytes(void)
{
    static const guint8 expected[] = {
        0x00, 0x00, 0x00, 0x7c, /* length: 124 */
        0x20, 0x00, 0x80, 0x86, /* program */
        0x00, 0x00, 0x00, 0x01, /* version */
        0x00, 0x00, 0x00, 0x71, /* procedure: 113 */
        0x00, 0x00, 0x00, 0x01, /* type: reply */
        0x00, 0x00, 0x00, 0x09, /* serial: that of the call */
        0x00, 0x00, 0x00, 0x01, /* status: error */
        0x00, 0x00, 0x00, 0x37, /* code: 55 */
        0x00, 0x00, 0x00, 0x16, /* domain: 22 */
        0x00, 0x00, 0x00, 0x01, /* message: there is one */
        0x00, 0x00, 0x00, 0x25, /* its length: 37 */
        'R',  'e',  'q',  'u',  'e', 's', 't', 'e', 'd', ' ', 'o', 'p', 'e', 'r',
        'a',  't',  'i',  'o',  'n', ' ', 'i', 's', ' ', 'n', 'o', 't', ' ', 'v',
        'a',  'l',  'i',  'd',  ':', ' ', 'n', 'a', 'y', 0,   0,   0,
    };
    static const guint8 tail[] = {
        0x00, 0x00, 0x00, 0x03, /* length of the second text */
        'n',  'a',  'y',  0,    /* and the text */
        0x00, 0x00, 0x00, 0x00, /* no third text */
        0xff, 0xff, 0xff, 0xff, /* first number: -1 */
        0xff, 0xff, 0xff, 0xff, /* second number: -1 */
        0x00, 0x00, 0x00, 0x00, /* no network */
    };
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) frame = NULL;
    const guint8 *bytes = NULL;
    gsize size = 0;

    md_error_set(&error, VIR_ERR_OPERATION_INVALID, "nay");
    frame = md_wire_error_encode(&call, error);
    bytes = g_bytes_get_data(frame, &size);

    g_assert_cmpuint(size, >, sizeof(expected) + sizeof(tail));
    g_assert_cmpuint(bytes[3], ==, size);
    g_assert_cmpmem(bytes + 4, sizeof(expected) - 4, expected + 4, sizeof(expected) - 4);
    g_assert_cmpmem(bytes + size - sizeof(tail), sizeof(tail), tail, sizeof(tail));
}


static void
decode(const GError *error, md_error *wire)
{
    g_autoptr(GBytes) frame = md_wire_error_encode(&call, error);
    g_autoptr(MdMessageReader) reader = md_message_reader_new();
    g_autoptr(MdMessage) message = NULL;
    gsize size = 0;
    const guint8 *bytes = g_bytes_get_data(frame, &size);

    md_message_reader_feed(reader, bytes, size);
    message = md_message_reader_next(reader, NULL);
    g_assert_nonnull(message);
    g_assert_cmpint(message->header.type, ==, MD_MESSAGE_REPLY);
    g_assert_cmpint(message->header.status, ==, MD_STATUS_ERROR);
    g_assert_cmpuint(message->header.serial, ==, call.serial);
    g_assert_true(md_message_decode(message, MD_XDR(md_error), wire, NULL));
    g_assert_cmpint(wire->level, ==, VIR_ERR_ERROR);
}


static void
assert_worded(int code, const char *text, const char *class)
{
    g_autoptr(GError) error = NULL;
    md_error wire = { 0 };

    md_error_set(&error, code, "detail");
    decode(error, &wire);

    g_assert_cmpint(wire.code, ==, code);
    g_assert_cmpint(wire.domain, ==, VIR_FROM_NODEDEV);
    g_assert_cmpstr(*wire.message, ==, text);
    g_assert_cmpstr(*wire.text1, ==, class);
    g_assert_cmpstr(*wire.text2, ==, "detail");
    g_assert_cmpint(wire.number1, ==, -1);
    g_assert_cmpint(wire.number2, ==, -1);
    md_message_clear(MD_XDR(md_error), &wire);
}


static void
test_words(void)
{
    assert_worded(VIR_ERR_INTERNAL_ERROR, "internal error: detail", "internal error: %s");
    assert_worded(VIR_ERR_NO_NODE_DEVICE, "Node device not found: detail",
                  "Node device not found: %s");
    assert_worded(VIR_ERR_CONFIG_UNSUPPORTED, "unsupported configuration: detail",
                  "unsupported configuration: %s");
    assert_worded(VIR_ERR_INVALID_ARG, "invalid argument: detail", "invalid argument: %s");
    assert_worded(VIR_ERR_XML_ERROR, "XML error: detail", "XML error: %s");
    assert_worded(VIR_ERR_OPERATION_DENIED, "operation forbidden: detail",
                  "operation forbidden: %s");
    assert_worded(VIR_ERR_NO_SUPPORT,
                  "this function is not supported by the connection driver: detail",
                  "this function is not supported by the connection driver: %s");
    assert_worded(VIR_ERR_XML_DETAIL, "detail", "%s");
    assert_worded(VIR_ERR_RPC, "detail", "%s");
}


static void
test_flags(void)
{
    g_autoptr(GError) error = NULL;
    md_error wire = { 0 };

    g_assert_true(md_error_check_flags(3, 3, VIR_FROM_NODEDEV, "f", &error));
    g_assert_no_error(error);
    g_assert_false(md_error_check_flags(9, 3, VIR_FROM_NODEDEV, "f", &error));
    decode(error, &wire);

    g_assert_cmpstr(*wire.message, ==, "unsupported flags (0x8) in function f");
    g_assert_cmpstr(*wire.text1, ==, "f");
    g_assert_cmpstr(*wire.text2, ==, "flags");
    g_assert_cmpint(wire.number1, ==, 0);
    md_message_clear(MD_XDR(md_error), &wire);
}


static void
test_errno(void)
{
    g_autoptr(GError) error = NULL;
    md_error wire = { 0 };

    md_error_set_errno(&error, ENODEV, "cannot write 'create'");
    decode(error, &wire);

    g_assert_cmpint(wire.code, ==, VIR_ERR_SYSTEM_ERROR);
    g_assert_cmpint(wire.number1, ==, ENODEV);
    g_assert_cmpstr(*wire.message, ==, "cannot write 'create': No such device");
    md_message_clear(MD_XDR(md_error), &wire);
}


/* Errors of GLib, and details longer than the limit of a message. */
static void
test_foreign(void)
{
    g_autofree char *detail = g_strnfill(8 * 1024 * 1024, 'x');
    g_autoptr(GError) error = g_error_new_literal(G_IO_ERROR, G_IO_ERROR_FAILED, detail);
    md_error wire = { 0 };

    decode(error, &wire);

    g_assert_cmpint(wire.code, ==, VIR_ERR_INTERNAL_ERROR);
    g_assert_true(g_str_has_prefix(*wire.message, "internal error: xxx"));
    g_assert_cmpuint(strlen(*wire.message), <, 70000);
    md_message_clear(MD_XDR(md_error), &wire);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/wire-error/bytes", test_bytes);
    g_test_add_func("/wire-error/words", test_words);
    g_test_add_func("/wire-error/flags", test_flags);
    g_test_add_func("/wire-error/errno", test_errno);
    g_test_add_func("/wire-error/foreign", test_foreign);
    return g_test_run();
}
