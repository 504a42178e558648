/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The texts of NVIDIA's files: good ones as captured on cards, and bad ones. */
#include "config.h"

#include <string.h>

#include "conf/mdev-type.h"
#include "vendor/nvidia-list.h"
#include "vendor/vgpu-type.h"

typedef struct {
    const char *name;
    const char *text;
    const char *types; /* as print_types() prints them */
} Case;

static const Case cases[] = {
    { "header", "ID    : vGPU Name\n1155  : NVIDIA L40S-24Q\n1156  : NVIDIA L40S-48Q\n",
      "1155=NVIDIA L40S-24Q;1156=NVIDIA L40S-48Q" },
    { "header-alone", "ID    : vGPU Name\n", "" },
    { "empty", "", "" },
    { "no-header", "941   : NVIDIA RTX 6000 Ada-1Q", "941=NVIDIA RTX 6000 Ada-1Q" },
    { "dashes", "1561  : NVIDIA RTX Pro 6000 Blackwell DC-1-24Q",
      "1561=NVIDIA RTX Pro 6000 Blackwell DC-1-24Q" },
    { "colon", "7 : a: b : c", "7=a: b : c" },
    { "no-colon", "1155 NVIDIA L40S-24Q\n1156 : NVIDIA L40S-48Q\n", "1156=NVIDIA L40S-48Q" },
    { "no-name", "1155  : \n1156 :", "1155=?;1156=?" },
    { "zero", "0 : none\n00001 : one\n", "" },
    { "negative", "-1 : a\n+1 : b\n", "" },
    { "large", "2147483648 : a\n4294967297 : b\n18446744073709551617 : c\n2147483647 : d\n",
      "2147483647=d" },
    { "hex", "0x10 : a\n1e1 : b\n", "" },
    { "twice", "5 : a\n6 : b\n5 : c\n", "5=a;6=b" },
    { "carriage-return", "5 : a\r\n6 : b\r\n", "5=a;6=b" },
    { "tab", "5\t:\ta\tb\n", "5=a b" },
    { "no-utf8", "5 : a\xff\xfe\n", "5=a\xef\xbf\xbd\xef\xbf\xbd" },
    { "escape", "5 : a\x1b[31mb\n", "5=a[31mb" },
};


static char *
print_types(GPtrArray *types)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < types->len; i++) {
        const MdVgpuType *type = g_ptr_array_index(types, i);

        g_string_append_printf(text, "%s%u=%s", i > 0 ? ";" : "", type->number,
                               type->name != NULL ? type->name : "?");
    }
    return g_string_free(text, FALSE);
}


static void
test_list(gconstpointer data)
{
    const Case *row = data;
    g_autoptr(GPtrArray) types = md_nvidia_list_parse(row->text);
    g_autofree char *printed = print_types(types);

    g_assert_cmpstr(printed, ==, row->types);
}


/* A name of the maximum length is kept, a longer one is unknown. */
static void
test_long_name(void)
{
    g_autofree char *longest = g_strnfill(MD_VGPU_NAME_MAX, 'x');
    g_autofree char *longer = g_strnfill(4096, 'y');
    g_autofree char *text = g_strdup_printf("1 : %s\n2 : %sx\n3 : %s\n", longest, longest, longer);
    g_autoptr(GPtrArray) types = md_nvidia_list_parse(text);

    g_assert_cmpuint(types->len, ==, 3);
    g_assert_cmpstr(md_vgpu_types_find(types, 1)->name, ==, longest);
    g_assert_null(md_vgpu_types_find(types, 2)->name);
    g_assert_null(md_vgpu_types_find(types, 3)->name);
}


static void
test_many_lines(void)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GPtrArray) types = NULL;

    for (guint i = 1; i <= 10000; i++)
        g_string_append_printf(text, "%u : type %u\n", i, i);
    types = md_nvidia_list_parse(text->str);
    g_assert_cmpuint(types->len, ==, MD_MDEV_TYPES_MAX);
    g_assert_nonnull(md_vgpu_types_find(types, MD_MDEV_TYPES_MAX));
    g_assert_null(md_vgpu_types_find(types, MD_MDEV_TYPES_MAX + 1));
}


static void
test_assigned(void)
{
    static const char *const refused[] = { "",           "-1", "x",   "1155 1156",
                                           "2147483648", "+",  " 12", "0x1",
                                           "4294967296", "00", "\v5" };
    guint32 number = 1;

    g_assert_true(md_nvidia_assigned_parse("0", &number));
    g_assert_cmpuint(number, ==, 0);
    g_assert_true(md_nvidia_assigned_parse("1155", &number));
    g_assert_cmpuint(number, ==, 1155);
    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++)
        g_assert_false(md_nvidia_assigned_parse(refused[i], &number));
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *name = g_strconcat("/nvidia-list/", cases[i].name, NULL);

        g_test_add_data_func(name, &cases[i], test_list);
    }
    g_test_add_func("/nvidia-list/long-name", test_long_name);
    g_test_add_func("/nvidia-list/many-lines", test_many_lines);
    g_test_add_func("/nvidia-list/assigned", test_assigned);
    return g_test_run();
}
