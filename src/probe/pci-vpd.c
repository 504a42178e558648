/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The format is defined in the PCI specification (PCI Express base, "Vital Product Data"). */
#include "config.h"

#include "probe/pci-vpd.h"

#include <errno.h>
#include <string.h>

#include "util/error.h"
#include "util/names.h"

/* The first byte of a resource is its tag. In a large resource, two bytes follow with the length;
 * in a small one, three bits of the tag are the length. */
#define TAG_LARGE        0x80
#define TAG_SMALL_SHIFT  3
#define SMALL_LENGTH     0x07
#define LARGE_HEADER     3
#define SMALL_HEADER     1
#define RESOURCE_END     0x0f
#define RESOURCE_STRING  (TAG_LARGE | 0x02)
#define RESOURCE_READ    (TAG_LARGE | 0x10)
#define RESOURCE_WRITE   (TAG_LARGE | 0x11)
#define FIELD_HEADER     3 /* two letters, and a byte with the length */
#define KEYWORD_CHECKSUM "RV"
#define KEYWORD_SPACE    "RW" /* space that may still be written */
#define KEYWORD_EXTENDED "CP" /* location of further capabilities, in binary */

/* The part that has not been decoded yet. */
typedef struct {
    const guint8 *start; /* of all data */
    const guint8 *at;
    gsize left;
} Cursor;

typedef struct {
    guint tag;
    Cursor data;
} Resource;

typedef struct {
    char keyword[3];
    const guint8 *value;
    gsize length;
} Field;


/* FALSE if no data is left, or if the resource is truncated. Valid data contains an end tag
 * before. */
static gboolean
next_resource(Cursor *cursor, Resource *resource)
{
    gsize header = 0;
    gsize length = 0;

    if (cursor->left == 0)
        return FALSE;

    if ((cursor->at[0] & TAG_LARGE) != 0) {
        header = LARGE_HEADER;
        if (cursor->left < header)
            return FALSE;
        resource->tag = cursor->at[0];
        length = cursor->at[1] | (gsize)cursor->at[2] << 8;
    } else {
        header = SMALL_HEADER;
        resource->tag = cursor->at[0] >> TAG_SMALL_SHIFT;
        length = cursor->at[0] & SMALL_LENGTH;
    }
    if (resource->tag != RESOURCE_END && length > cursor->left - header)
        return FALSE;

    resource->data = (Cursor){ cursor->start, cursor->at + header, length };
    cursor->at += header + length;
    cursor->left -= MIN(header + length, cursor->left);
    return TRUE;
}


/* FALSE if the field exceeds the resource. */
static gboolean
next_field(Cursor *cursor, Field *field)
{
    memcpy(field->keyword, cursor->at, 2);
    field->keyword[2] = '\0';
    field->length = cursor->at[2];
    field->value = cursor->at + FIELD_HEADER;
    if (field->length > cursor->left - FIELD_HEADER)
        return FALSE;

    cursor->at += FIELD_HEADER + field->length;
    cursor->left -= FIELD_HEADER + field->length;
    return TRUE;
}


/* Strips blanks, and the NUL that manufacturers append. NULL unless the text is printable ASCII. */
static char *
read_text(const guint8 *bytes, gsize length)
{
    g_autofree char *text = g_strstrip(g_strndup((const char *)bytes, length));

    for (const char *p = text; *p != '\0'; p++) {
        if (!g_ascii_isprint(*p))
            return NULL;
    }
    return g_steal_pointer(&text);
}


/* Whether all bytes of the data, up to and including the first byte of the field, add up to 0. */
static gboolean
is_checksum_right(const guint8 *start, const Field *field)
{
    guint8 sum = 0;

    if (field->length == 0)
        return FALSE;
    for (const guint8 *p = start; p <= field->value; p++)
        sum += *p;
    return sum == 0;
}


/* Whether the keyword is vendor-specific (V) or system-specific (Y): this letter, followed by an
 * upper-case letter or a digit. */
static gboolean
is_vendor_or_system(const char *keyword)
{
    return (keyword[0] == 'V' || keyword[0] == 'Y') &&
           (g_ascii_isupper(keyword[1]) || g_ascii_isdigit(keyword[1]));
}


static void
add_field(MdPciVpd *vpd, MdPciVpdSection section, const Field *field)
{
    static const char *const texts[] = { "EC", "MN", "PN", "SN", NULL };
    g_autofree char *text = NULL;

    if (g_str_equal(field->keyword, KEYWORD_EXTENDED)) {
        md_pci_vpd_add_section(vpd, section);
        return;
    }
    if (!g_strv_contains(texts, field->keyword) && !is_vendor_or_system(field->keyword))
        return;

    text = read_text(field->value, field->length);
    if (text == NULL)
        return;
    /* libvirt shows a section even if all of its fields belong to the other section. */
    md_pci_vpd_add_section(vpd, section);
    md_pci_vpd_set(vpd, section, field->keyword, text);
}


/* The read-only section must end with its checksum. The writable section may end with a field for
 * the remaining space. */
static gboolean
decode_fields(MdPciVpd *vpd, MdPciVpdSection section, Cursor cursor)
{
    gboolean is_readonly = section == MD_PCI_VPD_READONLY;
    Field field;

    while (cursor.left >= FIELD_HEADER) {
        if (!next_field(&cursor, &field))
            return FALSE;
        if (g_str_equal(field.keyword, KEYWORD_CHECKSUM))
            return is_readonly && cursor.left == 0 && is_checksum_right(cursor.start, &field);
        if (g_str_equal(field.keyword, KEYWORD_SPACE))
            return !is_readonly && cursor.left == 0;
        add_field(vpd, section, &field);
    }
    return !is_readonly && cursor.left == 0;
}


static gboolean
decode_resource(MdPciVpd *vpd, const Resource *resource)
{
    switch (resource->tag) {
    case RESOURCE_STRING:
        g_free(vpd->name);
        vpd->name = read_text(resource->data.at, resource->data.left);
        return vpd->name != NULL;
    case RESOURCE_READ:
        return decode_fields(vpd, MD_PCI_VPD_READONLY, resource->data);
    case RESOURCE_WRITE:
        return decode_fields(vpd, MD_PCI_VPD_READWRITE, resource->data);
    default:
        return TRUE;
    }
}


MdPciVpd *
md_pci_vpd_decode(const guint8 *bytes, gsize size)
{
    g_autoptr(MdPciVpd) vpd = md_pci_vpd_new();
    Cursor cursor = { bytes, bytes, MIN(size, MD_PCI_VPD_SIZE_MAX) };
    gboolean has_readonly = FALSE;
    Resource resource;

    while (next_resource(&cursor, &resource)) {
        if (resource.tag == RESOURCE_END)
            return has_readonly ? g_steal_pointer(&vpd) : NULL;
        if (!decode_resource(vpd, &resource))
            return NULL;
        has_readonly = has_readonly || resource.tag == RESOURCE_READ;
    }
    return NULL;
}


gboolean
md_pci_vpd_read(MdSysfsDir *dir, MdPciVpd **vpd)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes =
        md_sysfs_dir_read_bytes(dir, MD_ATTR_VPD, MD_PCI_VPD_SIZE_MAX, &error);

    g_clear_pointer(vpd, md_pci_vpd_free);
    if (bytes != NULL)
        *vpd = md_pci_vpd_decode(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    return bytes != NULL || md_error_get_errno(error) == EACCES;
}
