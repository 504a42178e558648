/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An error keeps libvirt's number and domain, and the kernel's errno, through copies and prefixes.
 */
#include "config.h"

#include <errno.h>
#include <gio/gio.h>

#include "util/error.h"


static void
test_domain(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) copy = NULL;

    md_error_set_from(&error, VIR_FROM_XML, VIR_ERR_XML_ERROR, "bad %s", "root");
    g_prefix_error(&error, "%s: ", "document");
    copy = g_error_copy(error);

    g_assert_error(copy, MD_ERROR, VIR_ERR_XML_ERROR);
    g_assert_cmpstr(copy->message, ==, "document: bad root");
    g_assert_cmpint(md_error_get_from(copy), ==, VIR_FROM_XML);
    g_assert_cmpint(md_error_get_code(copy), ==, VIR_ERR_XML_ERROR);
    g_assert_cmpint(md_error_get_errno(copy), ==, 0);
}


static void
test_errno(void)
{
    g_autoptr(GError) error = NULL;

    md_error_set_errno(&error, ENODEV, "Unable to write '%s'", "create");

    g_assert_error(error, MD_ERROR, VIR_ERR_SYSTEM_ERROR);
    g_assert_cmpstr(error->message, ==, "Unable to write 'create': No such device");
    g_assert_cmpint(md_error_get_errno(error), ==, ENODEV);
    g_assert_cmpint(md_error_get_from(error), ==, VIR_FROM_NODEDEV);
    g_assert_true(md_error_is_gone(error));
}


static void
test_foreign(void)
{
    g_autoptr(GError) error = g_error_new(G_IO_ERROR, G_IO_ERROR_FAILED, "broken");

    g_assert_cmpint(md_error_get_code(error), ==, VIR_ERR_INTERNAL_ERROR);
    g_assert_cmpint(md_error_get_from(error), ==, VIR_FROM_NODEDEV);
    g_assert_cmpint(md_error_get_errno(error), ==, 0);
    g_assert_false(md_error_is_gone(error));
}


static void
test_ignored(void)
{
    g_autoptr(GError) error = NULL;

    md_error_set(NULL, VIR_ERR_INTERNAL_ERROR, "nobody listens");
    md_error_set_errno(NULL, EIO, "nobody listens");
    md_error_set(&error, VIR_ERR_NO_NODE_DEVICE, "no node device with matching name '%s'", "x");
    g_assert_true(md_error_is_gone(error));
}


/* Messages for clients and the log are always valid UTF-8. */
static void
test_no_utf8(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) system_error = NULL;

    md_error_set(&error, VIR_ERR_INTERNAL_ERROR, "no device '%s'", "a\xff");
    g_assert_cmpstr(error->message, ==, "no device 'a\xef\xbf\xbd'");
    md_error_set_errno(&system_error, EIO, "cannot open '%s'", "\xc3");
    g_assert_cmpstr(system_error->message, ==, "cannot open '\xef\xbf\xbd': Input/output error");
    g_assert_cmpint(md_error_get_errno(system_error), ==, EIO);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/error/domain", test_domain);
    g_test_add_func("/error/errno", test_errno);
    g_test_add_func("/error/foreign", test_foreign);
    g_test_add_func("/error/ignored", test_ignored);
    g_test_add_func("/error/no-utf8", test_no_utf8);
    return g_test_run();
}
