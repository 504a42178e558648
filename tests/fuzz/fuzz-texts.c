/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as each of the short texts of the kernel, udev, file names and other programs:
 * addresses, world-wide names, UUIDs, identities of processes. Accepted values are in their range;
 * their output has the right format and parses to the same value.
 */
#include "config.h"

#include <string.h>

#include "access/identity.h"
#include "conf/cap-ap-card.h"
#include "conf/cap-ap-queue.h"
#include "conf/cap-pci.h"
#include "conf/cap-scsi.h"
#include "conf/node-device.h"
#include "conf/s390.h"
#include "conf/wwn.h"
#include "conf/xml-reader.h"
#include "mdevctl/definition-file.h"
#include "vfio/vfio-users.h"

#define UUID_LENGTH 36

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);


static void
check_uuid(const char *text)
{
    g_autofree char *uuid = md_uuid_normalize(text);
    g_autofree char *again = uuid != NULL ? md_uuid_normalize(uuid) : NULL;

    if (uuid != NULL) {
        g_assert_cmpuint(strlen(uuid), ==, UUID_LENGTH);
        g_assert_true(g_uuid_string_is_valid(uuid));
        g_assert_cmpstr(uuid, ==, again);
    }
    g_assert_true(!md_definition_file_is_uuid(text) || g_strcmp0(uuid, text) == 0);
}


static void
check_wwn(const char *text)
{
    g_autofree char *wwn = md_wwn_normalize(text, 1);
    g_autofree char *again = wwn != NULL ? md_wwn_normalize(wwn, MD_WWN_DIGITS) : NULL;

    if (wwn == NULL)
        return;
    g_assert_cmpuint(strspn(wwn, "0123456789abcdef"), ==, MD_WWN_DIGITS);
    g_assert_cmpuint(strlen(wwn), ==, MD_WWN_DIGITS);
    g_assert_cmpstr(wwn, ==, again);
}


static void
check_addresses(const char *text)
{
    MdCcwAddress ccw = { 0 };
    MdPciAddress pci = { 0 };
    MdScsiAddress scsi = { 0 };
    guint adapter = 0;
    guint domain = 0;

    if (md_ccw_address_parse(text, &ccw)) {
        g_assert_cmpuint(ccw.cssid, <=, 0xfe);
        g_assert_cmpuint(ccw.ssid, <=, 3);
        g_assert_cmpuint(ccw.devno, <=, 0xffff);
    }
    if (md_pci_address_parse(text, &pci)) {
        g_assert_cmpuint(pci.bus, <=, 0xff);
        g_assert_cmpuint(pci.slot, <=, 0x1f);
        g_assert_cmpuint(pci.function, <=, 7);
    }
    md_scsi_address_parse(text, &scsi);
    if (md_ap_card_parse(text, &adapter))
        g_assert_cmpuint(adapter, <=, 0xff);
    if (md_ap_queue_parse(text, &adapter, &domain)) {
        g_assert_cmpuint(adapter, <=, 0xff);
        g_assert_cmpuint(domain, <=, 0xffff);
    }
}


static void
check_numbers(const char *text)
{
    guint number = 0;

    for (guint base = 0; base <= 16; base += base == 0 ? 8 : 2) {
        if (md_xml_parse_uint(text, base, 1000, &number))
            g_assert_cmpuint(number, <=, 1000);
    }
    md_identity_parse_start_time(text);
}


static void
check_names(const char *text)
{
    g_autofree char *name = md_node_device_make_name("mdev", text, NULL);
    g_autofree char *shown = md_xml_shorten(text);

    for (const char *p = name; *p != '\0'; p++)
        g_assert_true(g_ascii_isalnum(*p) || *p == '_');
    g_assert_true(g_utf8_validate(shown, -1, NULL));
    if (md_definition_file_is_parent(text)) {
        g_assert_null(strchr(text, '/'));
        g_assert_true(*text != '.' && g_utf8_validate(text, -1, NULL));
    }
}


static void
check_vfio_lines(const char *text)
{
    MdVfioHolder holder = { 0 };
    dev_t node = 0;

    md_vfio_users_parse_question(text, &node);
    if (md_vfio_users_parse_answer(text, &holder) == MD_VFIO_HELD) {
        g_autofree char *line = md_vfio_users_format_answer(MD_VFIO_HELD, &holder);
        MdVfioHolder again = { 0 };

        g_assert_cmpint(holder.pid, >, 0);
        g_assert_true(g_str_is_ascii(holder.name));
        g_strchomp(line);
        if (md_vfio_users_parse_answer(line, &again) == MD_VFIO_HELD)
            g_assert_cmpint(again.pid, ==, holder.pid);
    }
}


int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autofree char *text = g_strndup((const char *)data, size);

    check_uuid(text);
    check_wwn(text);
    check_addresses(text);
    check_numbers(text);
    check_names(text);
    check_vfio_lines(text);
    return 0;
}
