/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Vital product data: the result of parsing valid and invalid bytes. */
#include "config.h"

#include <string.h>

#include "probe/pci-vpd.h"

#define END "\x78"

/* Bytes before the checksum; excludes the NUL at the end of the literal. */
#define BYTES(literal)                                                                             \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

typedef struct {
    const char *bytes;
    gsize size;
} Bytes;

typedef struct {
    const char *name;
    Bytes before; /* the checksum; its byte and END are appended */
    Bytes behind; /* END */
    const char *shown;
} Case;

/* Name "Card", then a read-only section with a length up to its checksum byte. */
#define CARD                                                                                       \
    "\x82\x04\x00"                                                                                 \
    "Card"
#define READ(length) "\x90" length "\x00"
#define SUM          "RV\x01"

/* clang-format off */
static const Case cases[] = {
    { "plain", BYTES(CARD READ("\x08") "SN\x01" "7" SUM), BYTES(""), "Card|SN=7|-" },
    { "blanks", BYTES("\x82\x06\x00  C \t " READ("\x0b") "SN\x04 7 \n" SUM),
      BYTES(""), "C|SN=7|-" },
    { "empty-name", BYTES("\x82\x00\x00" READ("\x04") SUM), BYTES(""), "|-|-" },
    { "no-name", BYTES(READ("\x08") "SN\x01" "7" SUM), BYTES(""), "NULL|SN=7|-" },
    { "two-names", BYTES(CARD "\x82\x01\x00" "B" READ("\x04") SUM), BYTES(""), "B|-|-" },
    { "empty-value", BYTES(CARD READ("\x07") "SN\x00" SUM), BYTES(""), "Card|SN=|-" },
    { "order-kept", BYTES(CARD READ("\x0c") "V2\x01" "a" "PN\x01" "b" SUM), BYTES(""),
      "Card|V2=a,PN=b|-" },
    { "twice", BYTES(CARD READ("\x0c") "SN\x01" "a" "SN\x01" "b" SUM), BYTES(""), "Card|SN=b|-" },
    { "nul-ends", BYTES(CARD READ("\x0a") "SN\x03" "1\0" "2" SUM), BYTES(""), "Card|SN=1|-" },
    { "control", BYTES(CARD READ("\x0c") "SN\x01" "\x01" "PN\x01" "p" SUM),
      BYTES(""), "Card|PN=p|-" },
    { "only-control", BYTES(CARD READ("\x08") "SN\x01" "\x01" SUM), BYTES(""), "Card|-|-" },
    { "not-ascii", BYTES(CARD READ("\x08") "SN\x01" "\xe9" SUM), BYTES(""), "Card|-|-" },
    { "unknown-field", BYTES(CARD READ("\x08") "ZZ\x01" "z" SUM), BYTES(""), "Card|-|-" },
    { "nul-keyword", BYTES(CARD READ("\x08") "\0A\x01" "z" SUM), BYTES(""), "Card|-|-" },
    { "lower-case", BYTES(CARD READ("\x08") "v1\x01" "z" SUM), BYTES(""), "Card|-|-" },
    { "field-of-the-other", BYTES(CARD READ("\x08") "YA\x01" "z" SUM), BYTES(""), "Card||-" },
    { "binary", BYTES(CARD READ("\x08") "CP\x01" "\xff" SUM), BYTES(""), "Card||-" },
    { "unknown-large", BYTES("\x85\x02\x00zz" CARD READ("\x04") SUM), BYTES(""), "Card|-|-" },
    { "unknown-small", BYTES("\x0azz" CARD READ("\x04") SUM), BYTES(""), "Card|-|-" },
    { "writable-first", BYTES(CARD "\x91\x04\x00YA\x01t" READ("\x04") SUM), BYTES(""),
      "Card|-|YA=t" },
    { "behind-end", BYTES(CARD READ("\x04") SUM), BYTES("\xff\xff"), "Card|-|-" },

    { "bad-name", BYTES("\x82\x01\x00\xe9" READ("\x04") SUM), BYTES(""), NULL },
    { "no-read-only", BYTES(CARD "\x91\x04\x00YA\x01"), BYTES(""), NULL },
    { "no-checksum", BYTES(CARD READ("\x04") "SN\x01"), BYTES(""), NULL },
    { "checksum-not-last", BYTES(CARD READ("\x08") SUM "\0SN\x01"), BYTES(""), NULL },
    { "checksum-in-writable", BYTES(CARD "\x91\x04\x00" SUM), BYTES(""), NULL },
    { "checksum-empty", BYTES(CARD READ("\x03") "RV\x00"), BYTES(""), NULL },
    { "stray", BYTES(CARD READ("\x06") SUM), BYTES("\0"), NULL },
    { "space-in-read-only", BYTES(CARD READ("\x08") "RW\x01" "x" SUM), BYTES(""), NULL },
    { "field-too-long", BYTES(CARD READ("\x08") "SN\x09" "x" SUM), BYTES(""), NULL },
    { "resource-too-long", BYTES(CARD "\x90\xff\x7f" SUM), BYTES(""), NULL },
};
/* clang-format on */


static void
show_section(GString *text, const GPtrArray *fields)
{
    g_string_append_c(text, '|');
    if (fields == NULL)
        g_string_append_c(text, '-');
    for (guint i = 0; fields != NULL && i < fields->len; i++) {
        const MdPciVpdField *field = g_ptr_array_index(fields, i);

        g_string_append_printf(text, "%s%s=%s", i > 0 ? "," : "", field->keyword, field->value);
    }
}


/* Formats as name|read-only|writable, with `-` for a missing section; NULL without any data. */
static char *
show(const MdPciVpd *vpd)
{
    GString *text = NULL;

    if (vpd == NULL)
        return NULL;

    text = g_string_new(vpd->name != NULL ? vpd->name : "NULL");
    for (guint section = 0; section < MD_PCI_VPD_N_SECTIONS; section++)
        show_section(text, vpd->fields[section]);
    return g_string_free(text, FALSE);
}


/* Appends the checksum byte and the end tag. */
static GByteArray *
build(const Bytes *before, const Bytes *behind)
{
    GByteArray *bytes = g_byte_array_new();
    guint8 sum = 0;

    g_byte_array_append(bytes, (const guint8 *)before->bytes, before->size);
    for (guint i = 0; i < bytes->len; i++)
        sum -= bytes->data[i];
    g_byte_array_append(bytes, &sum, 1);
    g_byte_array_append(bytes, (const guint8 *)END, 1);
    g_byte_array_append(bytes, (const guint8 *)behind->bytes, behind->size);
    return bytes;
}


static char *
decode(const guint8 *bytes, gsize size)
{
    /* An allocation of the exact size lets memory checkers detect overruns. */
    g_autofree guint8 *exact = g_memdup2(bytes, size);
    g_autoptr(MdPciVpd) vpd = md_pci_vpd_decode(exact, size);

    return show(vpd);
}


static void
test_case(gconstpointer data)
{
    const Case *test = data;
    g_autoptr(GByteArray) bytes = build(&test->before, &test->behind);
    g_autofree char *shown = decode(bytes->data, bytes->len);

    g_assert_cmpstr(shown, ==, test->shown);
}


/* Data that is truncated anywhere, or differs in any byte covered by the checksum, is rejected. */
static void
test_every_byte(void)
{
    g_autoptr(GByteArray) bytes = build(&cases[0].before, &cases[0].behind);

    for (guint size = 0; size < bytes->len; size++) {
        g_autofree char *shown = decode(bytes->data, size);

        g_assert_null(shown);
    }
    for (guint i = 0; i < bytes->len - 1; i++) {
        g_autofree char *shown = NULL;

        bytes->data[i] ^= 1;
        shown = decode(bytes->data, bytes->len);
        bytes->data[i] ^= 1;
        g_assert_null(shown);
    }
}


/* A card without VPD, or one that does not respond, returns one byte repeatedly. */
static void
test_one_byte_only(void)
{
    g_autofree guint8 *bytes = g_malloc(MD_PCI_VPD_SIZE_MAX + 1);

    for (guint byte = 0; byte <= G_MAXUINT8; byte++) {
        g_autofree char *shown = NULL;

        memset(bytes, (int)byte, MD_PCI_VPD_SIZE_MAX + 1);
        shown = decode(bytes, MD_PCI_VPD_SIZE_MAX + 1);
        g_assert_null(shown);
    }
}


/* The maximum size, and one byte more. */
static void
test_largest(void)
{
    static const guint8 head[] = { 0x90, 0x04, 0x00, 'R', 'V', 0x01, 0x15 };
    gsize filler = MD_PCI_VPD_SIZE_MAX - sizeof(head) - 1 - 3;
    g_autofree guint8 *bytes = g_malloc0(MD_PCI_VPD_SIZE_MAX + 1);
    g_autofree char *shown = NULL;
    g_autofree char *beyond = NULL;

    memcpy(bytes, head, sizeof(head));
    for (gsize i = 0; i < sizeof(head) - 1; i++)
        bytes[sizeof(head) - 1] -= i == 0 ? 0x15 + head[i] : head[i];
    bytes[sizeof(head)] = 0x85;
    bytes[sizeof(head) + 1] = filler & 0xff;
    bytes[sizeof(head) + 2] = (guint8)(filler >> 8);
    bytes[MD_PCI_VPD_SIZE_MAX - 1] = 0x78;
    shown = decode(bytes, MD_PCI_VPD_SIZE_MAX);
    g_assert_cmpstr(shown, ==, "NULL|-|-");

    bytes[sizeof(head) + 1]++;
    bytes[MD_PCI_VPD_SIZE_MAX - 1] = 0;
    bytes[MD_PCI_VPD_SIZE_MAX] = 0x78;
    beyond = decode(bytes, MD_PCI_VPD_SIZE_MAX + 1);
    g_assert_null(beyond);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strdup_printf("/node_device/pci-vpd/%s", cases[i].name);

        g_test_add_data_func(path, &cases[i], test_case);
    }
    g_test_add_func("/node_device/pci-vpd/every-byte", test_every_byte);
    g_test_add_func("/node_device/pci-vpd/one-byte-only", test_one_byte_only);
    g_test_add_func("/node_device/pci-vpd/largest", test_largest);
    return g_test_run();
}
