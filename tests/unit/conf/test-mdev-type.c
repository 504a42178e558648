/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptions of all drivers, parsed into properties or left unchanged. */
#include "config.h"

#include "conf/mdev-type.h"

typedef struct {
    const char *text;
    const char *properties; /* name=value with unit, one a line; NULL: none */
    const char *description;
} Row;

static const Row rows[] = {
    { "num_heads=2, frl_config=45, framebuffer=512M, max_resolution=2560x1600, max_instance=16\n",
      "num_heads=2\nfrl_config=45\nframebuffer=524288 KiB\nhres=2560\nvres=1600\nmax_instance=16\n",
      NULL },
    { "low_gm_size: 128MB\nhigh_gm_size: 512MB\nfence: 4\nresolution: 1920x1200\nweight: 4\n",
      "low_gm_size=131072 KiB\nhigh_gm_size=524288 KiB\nfence=4\nhres=1920\nvres=1200\nweight=4\n",
      NULL },
    { "framebuffer=2048M", "framebuffer=2097152 KiB\n", NULL },
    { "a=1K,b=1 GiB , c=2T", "a=1 KiB\nb=1048576 KiB\nc=2147483648 KiB\n", NULL },
    { "a=12m, b=M, c=1.5G", "a=12m\nb=M\nc=1.5G\n", NULL },
    /* Sizes that overflow are not sizes. */
    { "a=18446744073709551615T, b=99999999999999999999M",
      "a=18446744073709551615T\nb=99999999999999999999M\n", NULL },
    /* Only a property named resolution, in this format, is one. */
    { "grid=2x4, max_resolution=4K-UHD, resolution=1920x1080@60, b=x3",
      "grid=2x4\nmax_resolution=4K-UHD\nresolution=1920x1080@60\nb=x3\n", NULL },
    { "max_resolution=x, resolution=5x", "max_resolution=x\nresolution=5x\n", NULL },
    /* Free text, even if it contains a separator. */
    { "virtual display, 640x480 framebuffer\n", NULL, "virtual display, 640x480 framebuffer" },
    { "virtual display, 4 MB video memory", NULL, "virtual display, 4 MB video memory" },
    { "num_heads=2, and a screen", NULL, "num_heads=2, and a screen" },
    { "Note: this is prose", NULL, "Note: this is prose" },
    { "num_heads=4\nsome more words\n", NULL, "num_heads=4\nsome more words" },
    { "a=, b=2", NULL, "a=, b=2" },
    { "a=1,, b=2", NULL, "a=1,, b=2" },
    { "=1", NULL, "=1" },
    { "9lives=1", NULL, "9lives=1" },
    { "two words=1", NULL, "two words=1" },
    { "key:", NULL, "key:" },
    /* Text that no document can contain is omitted, with everything that depends on it. */
    { "\x14", NULL, NULL },
    { "\x01num_heads=4, \x02"
      "b=\x03"
      "1",
      "num_heads=4\nb=1\n", NULL },
    { "a=\x01, b=2", NULL, "a=, b=2" },
    { "\xff text", NULL, "\xef\xbf\xbd text" },
    { "", NULL, NULL },
    { " \n\n", NULL, NULL },
    { NULL, NULL, NULL },
};


static char *
list_properties(const MdMdevType *type)
{
    GString *list = g_string_new(NULL);

    for (guint i = 0; i < type->properties->len; i++) {
        const MdMdevProperty *property = g_ptr_array_index(type->properties, i);

        g_string_append_printf(list, "%s=%s%s%s\n", property->name, property->value,
                               property->unit != NULL ? " " : "",
                               property->unit != NULL ? property->unit : "");
    }
    return g_string_free(list, FALSE);
}


static void
test_description(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MdMdevType) type = md_mdev_type_new("t-1");
        g_autofree char *properties = NULL;

        md_mdev_type_set_description(type, rows[i].text);
        properties = list_properties(type);
        g_test_message("row %u", i);
        g_assert_cmpstr(properties, ==, rows[i].properties != NULL ? rows[i].properties : "");
        g_assert_cmpstr(type->description, ==, rows[i].description);
    }
}


/* A second description replaces the first completely. */
static void
test_replace(void)
{
    g_autoptr(MdMdevType) type = md_mdev_type_new("t-1");

    md_mdev_type_set_description(type, "free text here");
    md_mdev_type_set_description(type, "a=1, b=2");
    g_assert_null(type->description);
    g_assert_cmpuint(type->properties->len, ==, 2);

    md_mdev_type_set_description(type, "free text here");
    g_assert_cmpstr(type->description, ==, "free text here");
    g_assert_cmpuint(type->properties->len, ==, 0);
}


static void
test_copy(void)
{
    g_autoptr(GPtrArray) types = g_ptr_array_new_with_free_func((GDestroyNotify)md_mdev_type_free);
    g_autoptr(GPtrArray) copies = NULL;
    MdMdevType *type = md_mdev_type_new("t-1");
    const MdMdevType *copy = NULL;
    g_autofree char *properties = NULL;

    type->name = g_strdup("One");
    type->device_api = g_strdup("vfio-pci");
    type->available = 3;
    md_mdev_type_set_description(type, "mem=1M");
    g_ptr_array_add(types, type);
    copies = md_mdev_types_copy(types);

    g_assert_cmpuint(copies->len, ==, 1);
    copy = g_ptr_array_index(copies, 0);
    g_assert_true(copy->properties == type->properties);
    md_mdev_type_set_description(type, "mem=2M");
    g_ptr_array_set_size(types, 0);

    properties = list_properties(copy);
    g_assert_cmpstr(copy->id, ==, "t-1");
    g_assert_cmpstr(copy->name, ==, "One");
    g_assert_cmpstr(copy->device_api, ==, "vfio-pci");
    g_assert_cmpuint(copy->available, ==, 3);
    g_assert_cmpstr(properties, ==, "mem=1024 KiB\n");
    g_assert_null(md_mdev_types_copy(NULL));
}


/* Without types there is no block, and without the setting no details. */
static void
test_nothing(void)
{
    g_autoptr(GPtrArray) types = g_ptr_array_new_with_free_func((GDestroyNotify)md_mdev_type_free);
    g_autoptr(MdXmlWriter) writer = md_xml_writer_new(TRUE);
    g_autoptr(MdXmlWriter) plain = md_xml_writer_new(FALSE);
    g_autofree char *empty = NULL;
    g_autofree char *bare = NULL;

    md_mdev_types_format(types, writer);
    md_mdev_types_format(NULL, writer);
    md_mdev_types_format_details(types, writer);
    md_mdev_types_format_details(NULL, writer);
    empty = md_xml_writer_finish(writer);
    g_assert_cmpstr(empty, ==, "");

    g_ptr_array_add(types, md_mdev_type_new("t-1"));
    md_mdev_types_format_details(types, plain);
    md_mdev_type_format_details(g_ptr_array_index(types, 0), plain);
    bare = md_xml_writer_finish(plain);
    g_assert_cmpstr(bare, ==, "");
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    g_test_add_func("/conf/mdev-type/description", test_description);
    g_test_add_func("/conf/mdev-type/replace", test_replace);
    g_test_add_func("/conf/mdev-type/copy", test_copy);
    g_test_add_func("/conf/mdev-type/nothing", test_nothing);
    return g_test_run();
}
