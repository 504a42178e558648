/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Different callers have different keys, so that no caller gets the connection of another one. */
#include "config.h"

#include <glib-object.h>

#include "libvirtd/caller.h"


static virTypedParameter
make_text(const char *field, const char *value)
{
    virTypedParameter param = { .type = VIR_TYPED_PARAM_STRING };

    g_strlcpy(param.field, field, sizeof(param.field));
    param.value.s = (char *)value;
    return param;
}


static virTypedParameter
make_number(const char *field, int type, guint64 value)
{
    virTypedParameter param = { .type = type };

    g_strlcpy(param.field, field, sizeof(param.field));
    /* libvirt does not initialize the rest of the union. */
    param.value.ul = G_MAXUINT64;
    if (type == VIR_TYPED_PARAM_ULLONG)
        param.value.ul = value;
    else
        param.value.ui = value;
    return param;
}


static void
check_differ(const virTypedParameter *one, gsize n_one, const virTypedParameter *two, gsize n_two)
{
    g_autofree char *key_one = md_caller_make_key(one, n_one);
    g_autofree char *again = md_caller_make_key(one, n_one);
    g_autofree char *key_two = md_caller_make_key(two, n_two);

    g_assert_cmpstr(key_one, ==, again);
    g_assert_cmpstr(key_one, !=, key_two);
}


static void
test_keys(void)
{
    virTypedParameter user = make_text("user-name", "alice");
    virTypedParameter other = make_text("user-name", "bob");
    virTypedParameter group = make_text("group-name", "alice");
    virTypedParameter pid = make_number("process-id", VIR_TYPED_PARAM_LLONG, 17);
    virTypedParameter time = make_number("process-time", VIR_TYPED_PARAM_ULLONG, 17);
    virTypedParameter later = make_number("process-time", VIR_TYPED_PARAM_ULLONG, 18);

    check_differ(&user, 1, &other, 1);
    check_differ(&user, 1, &group, 1);
    check_differ(&user, 1, NULL, 0);
    check_differ(&pid, 1, &time, 1);
    check_differ(&time, 1, &later, 1);
}


/* A value that contains the text of another parameter does not count as this parameter. */
static void
test_separators(void)
{
    virTypedParameter two[] = { make_text("a", "x"), make_text("b", "y") };
    virTypedParameter one = make_text("a", "x;b/7=1:y");

    check_differ(&one, 1, two, 2);
}


static void
test_numbers(void)
{
    virTypedParameter small = make_number("process-id", VIR_TYPED_PARAM_INT, 5);
    g_autofree char *key = md_caller_make_key(&small, 1);

    g_assert_cmpstr(key, ==, "process-id/1=5;");
}


static MdLibvirtIdentity *
get_no_identity(void)
{
    return NULL;
}


static MdLibvirtIdentity *
get_identity(void)
{
    return (MdLibvirtIdentity *)g_object_new(G_TYPE_OBJECT, NULL);
}


static MdLibvirtParamList *
get_empty_list(MdLibvirtIdentity *identity G_GNUC_UNUSED)
{
    return g_new0(MdLibvirtParamList, 1);
}


static void
free_list(MdLibvirtParamList *list)
{
    g_free(list);
}


/* A client about whom libvirtd knows nothing is not libvirtd itself, which may do everything. */
static void
test_unknown(void)
{
    MdSymbols symbols = { .get_identity = get_no_identity,
                          .get_identity_params = get_empty_list,
                          .free_params = free_list };
    g_autoptr(MdCaller) own = md_caller_new_current(&symbols);
    g_autoptr(MdCaller) unknown = NULL;

    symbols.get_identity = get_identity;
    unknown = md_caller_new_current(&symbols);
    g_assert_cmpuint(own->n_params, ==, 0);
    g_assert_cmpuint(unknown->n_params, ==, 1);
    g_assert_cmpstr(unknown->params->field, ==, VIR_CONNECT_IDENTITY_USER_NAME);
    g_assert_cmpstr(unknown->params->value.s, ==, "");
    g_assert_cmpstr(own->key, !=, unknown->key);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/caller/keys", test_keys);
    g_test_add_func("/caller/separators", test_separators);
    g_test_add_func("/caller/numbers", test_numbers);
    g_test_add_func("/caller/unknown", test_unknown);
    return g_test_run();
}
