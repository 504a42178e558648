/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The module accepts tested releases with all functions, and names a missing function. */
#include "config.h"

#include <string.h>

#include "libvirtd/symbols.h"

static const char *missing;
static guint n_lookups;


static gpointer
lookup(const char *name)
{
    n_lookups++;
    return g_strcmp0(name, missing) == 0 ? NULL : GUINT_TO_POINTER(n_lookups);
}


static void
test_all(void)
{
    MdSymbols symbols = { 0 };
    gpointer fields[sizeof(symbols) / sizeof(gpointer)];

    missing = NULL;
    n_lookups = 0;
    g_assert_null(md_symbols_find(&symbols, lookup));
    g_assert_cmpuint(n_lookups, ==, G_N_ELEMENTS(fields));
    memcpy(fields, &symbols, sizeof(symbols));
    for (gsize i = 0; i < G_N_ELEMENTS(fields); i++)
        g_assert_nonnull(fields[i]);
}


static void
test_missing(void)
{
    static const char *const needed[] = {
        "virSetSharedNodeDeviceDriver",
        "virRegisterConnectDriver",
        "virGetNodeDevice",
        "virIdentityGetCurrent",
        "virIdentityGetParameters",
        "virTypedParamListFree",
        "virSetError",
        "virObjectLock",
        "virObjectUnlock",
        "virNetServerClientIsClosedLocked",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(needed); i++) {
        MdSymbols symbols = { 0 };

        missing = needed[i];
        g_assert_cmpstr(md_symbols_find(&symbols, lookup), ==, needed[i]);
    }
}


static void
test_optional(void)
{
    MdSymbols symbols = { 0 };

    missing = "virTypedParamListFetch";
    g_assert_null(md_symbols_find(&symbols, lookup));
    g_assert_null(symbols.fetch_params);
    missing = "virNodeDeviceUpdate";
    g_assert_null(md_symbols_find(&symbols, lookup));
    g_assert_null(symbols.update);
    g_assert_nonnull(symbols.fetch_params);
}


static void
test_releases(void)
{
    g_assert_false(md_symbols_is_tested(0));
    g_assert_false(md_symbols_is_tested(8010000));
    g_assert_true(md_symbols_is_tested(9000000));
    g_assert_true(md_symbols_is_tested(11003000));
    g_assert_true(md_symbols_is_tested(12008000));
    g_assert_true(md_symbols_is_tested(12008001));
    g_assert_false(md_symbols_is_tested(12009000));
    g_assert_false(md_symbols_is_tested(13000000));
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/symbols/all", test_all);
    g_test_add_func("/symbols/missing", test_missing);
    g_test_add_func("/symbols/optional", test_optional);
    g_test_add_func("/symbols/releases", test_releases);
    return g_test_run();
}
