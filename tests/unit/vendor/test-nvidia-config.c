/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* NVIDIA's table of types: what is taken from it, which entry fits a card, damaged and changed
 * files. */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../scratch.h"
#include "conf/mdev-type.h"
#include "util/error.h"
#include "vendor/nvidia-config.h"
#include "vendor/vgpu-type.h"

#define TYPE_1                                                                                     \
    "<vgpuType id='555' name='NVIDIA A40-1B' class='NVS'>"                                         \
    "<devId vendorId='0x10de' deviceId='0x1111' subsystemVendorId='0x0' subsystemId='0x0'/>"       \
    "<profileSize>0x40000000</profileSize><framebuffer>0x3C000000</framebuffer>"                   \
    "<numHeads>4</numHeads><display width='5120' height='2880'/>"                                  \
    "<frlConfig>0x2d</frlConfig></vgpuType>"
#define TYPE_2           "<vgpuType id='0x22c' name='NVIDIA A40-2B'/>"
#define ANY              "subsystemVendorId='0x10de' subsystemId='0x0'"
#define EXACT            "subsystemVendorId='0x10DE' subsystemId='0x14AB'"
#define OFFER_1          "<supportedVgpu vgpuId='555'><maxVgpus>32</maxVgpus></supportedVgpu>"
#define OFFER_2          "<supportedVgpu vgpuId='556'><digest>ff</digest></supportedVgpu>"
#define OFFER_3          "<supportedVgpu vgpuId='557'><maxVgpus>1</maxVgpus></supportedVgpu>"
#define FILE_OF(content) "<vgpuconfig>" content "</vgpuconfig>"
#define BOARD(subsystem, offers)                                                                   \
    "<pgpu hostVgpuMode='sriov'><devId vendorId='0x10de' deviceId='0x26B9' " subsystem "/>" offers \
    "</pgpu>"
#define WHOLE FILE_OF(TYPE_1 TYPE_2 BOARD(ANY, OFFER_1 OFFER_2 OFFER_3))

static const MdNvidiaIds card = { 0x10de, 0x26b9, 0x1028, 0x1234 };


static char *
print_types(MdNvidiaConfig *config, const MdNvidiaIds *ids)
{
    g_autoptr(GPtrArray) types = md_nvidia_config_list(config, ids);
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < types->len; i++) {
        const MdVgpuType *type = g_ptr_array_index(types, i);

        g_string_append_printf(text, "%u %s", type->number, type->name);
        for (guint k = 0; k < type->properties->len; k++) {
            const MdMdevProperty *property = g_ptr_array_index(type->properties, k);

            g_string_append_printf(text, " %s=%s%s", property->name, property->value,
                                   property->unit != NULL ? property->unit : "");
        }
        g_string_append(text, ";");
    }
    return g_string_free(text, FALSE);
}


static void
assert_types(const char *text, const MdNvidiaIds *ids, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MdNvidiaConfig) config = md_nvidia_config_parse(text, strlen(text), &error);
    g_autofree char *printed = NULL;

    g_assert_no_error(error);
    printed = print_types(config, ids);
    g_assert_cmpstr(printed, ==, expected);
}


static void
test_properties(void)
{
    g_autoptr(MdNvidiaConfig) config = md_nvidia_config_parse(WHOLE, strlen(WHOLE), NULL);
    g_autoptr(GPtrArray) types = md_nvidia_config_list(config, &card);
    const MdVgpuType *type = md_vgpu_types_find(types, 555);

    assert_types(WHOLE, &card,
                 "555 NVIDIA A40-1B num_heads=4 frl_config=45 framebuffer=1048576KiB hres=5120 "
                 "vres=2880 max_instance=32;556 NVIDIA A40-2B;");
    g_assert_cmpuint(type->framebuffer, ==, 1048576);
    g_assert_cmpuint(type->max_instances, ==, 32);
}


/* Entries for one subsystem and for any, in both orders. */
static void
test_subsystem(void)
{
    static const MdNvidiaIds exact = { 0x10de, 0x26b9, 0x10de, 0x14ab };
    static const MdNvidiaIds other = { 0x10de, 0x26b8, 0x10de, 0x14ab };
    const char *both[] = {
        FILE_OF(TYPE_1 TYPE_2 BOARD(EXACT, OFFER_2) BOARD(ANY, OFFER_1)),
        FILE_OF(BOARD(ANY, OFFER_1) BOARD(EXACT, OFFER_2) TYPE_2 TYPE_1),
    };

    for (gsize i = 0; i < G_N_ELEMENTS(both); i++) {
        assert_types(both[i], &exact, "556 NVIDIA A40-2B;");
        assert_types(both[i], &card,
                     "555 NVIDIA A40-1B num_heads=4 frl_config=45 framebuffer=1048576KiB "
                     "hres=5120 vres=2880 max_instance=32;");
        assert_types(both[i], &other, "");
    }
    assert_types(FILE_OF(TYPE_2 BOARD(EXACT, OFFER_2)), &card, "");
}


/* Values that are no numbers, or missing, make no property. */
static void
test_odd_values(void)
{
    assert_types(FILE_OF("<vgpuType id='556' name='a'><numHeads>many</numHeads>"
                         "<profileSize/><display width='-1'/><frlConfig> 60\n</frlConfig>"
                         "</vgpuType><vgpuType id='0'/><vgpuType id='-5'/><vgpuType/>"
                         "<vgpuType id='556' name='again'/>" BOARD(ANY, OFFER_2 OFFER_2)),
                 &card, "556 a frl_config=60;");
    assert_types(FILE_OF("<vgpuType id='556' name='a'><numHeads><!-- -->0<!-- -->x2</numHeads>"
                         "</vgpuType>" BOARD(ANY, OFFER_2)),
                 &card, "556 a num_heads=2;");
    assert_types(FILE_OF("<vgpuType id='556' name='a'><frlConfig>99999999999999999999"
                         "</frlConfig></vgpuType>" BOARD(ANY, OFFER_2)),
                 &card, "556 a;");
    /* Elements in other elements than expected have no meaning. */
    assert_types(FILE_OF(TYPE_2 BOARD(ANY, "<supportedVgpu vgpuId='556'><pgpu/><vgpuType id='5'/>"
                                           "<a><maxVgpus>7</maxVgpus></a><maxVgpus>3</maxVgpus>"
                                           "</supportedVgpu>")),
                 &card, "556 NVIDIA A40-2B max_instance=3;");
    assert_types(FILE_OF(TYPE_2 "<pgpu><devId vendorId='0x10de' deviceId='0x126b9' " ANY
                                "/>" OFFER_2 "</pgpu>"),
                 &card, "");
}


/* A document type is skipped: nothing is loaded or expanded. */
static void
test_doctype(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MdNvidiaConfig) config = NULL;
    const char *bomb = "<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>"
                       "<!ENTITY f SYSTEM 'file:///etc/passwd'>]>" FILE_OF(
                           "<vgpuType id='556' name='&b;&f;'/>" BOARD(ANY, OFFER_2));

    assert_types("<?xml version='1.0'?><!DOCTYPE vgpuconfig SYSTEM "
                 "'http://www.nvidia.com/vgpuconfig.dtd'>" FILE_OF(TYPE_2 BOARD(ANY, OFFER_2)),
                 &card, "556 NVIDIA A40-2B;");
    config = md_nvidia_config_parse(bomb, strlen(bomb), &error);
    g_assert_null(config);
    g_assert_error(error, G_MARKUP_ERROR, G_MARKUP_ERROR_PARSE);
}


static void
test_damaged(void)
{
    g_autoptr(GString) deep = g_string_new(NULL);
    const char *texts[] = { "", "\n", "<vgpuconfig>", "<a></b>", FILE_OF("\xff"), "no text", NULL };

    for (guint i = 0; i <= MD_NVIDIA_CONFIG_DEPTH_MAX; i++)
        g_string_append(deep, "<a>");
    texts[G_N_ELEMENTS(texts) - 1] = deep->str;
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(md_nvidia_config_parse(texts[i], strlen(texts[i]), &error));
        g_assert_nonnull(error);
    }
}


typedef struct {
    char *root;
    char *path;
} Fixture;


static void
set_up(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    fixture->root = g_dir_make_tmp("mediated-table-XXXXXX", NULL);
    fixture->path = scratch_path(fixture->root, "vgpuConfig.xml");
}


static void
tear_down(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_free(fixture->path);
    scratch_remove(fixture->root);
}


static void
write_table(Fixture *fixture, const char *text)
{
    g_assert_true(g_file_set_contents(fixture->path, text, -1, NULL));
}


static void
test_changed(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(MdNvidiaConfig) first = NULL;
    g_autoptr(MdNvidiaConfig) second = NULL;
    g_autoptr(MdNvidiaConfig) third = NULL;
    g_autofree char *types = NULL;

    g_assert_null(md_nvidia_config_load(fixture->path));
    write_table(fixture, FILE_OF(TYPE_2 BOARD(ANY, OFFER_2)));
    first = md_nvidia_config_load(fixture->path);
    second = md_nvidia_config_load(fixture->path);
    g_assert_nonnull(first);
    g_assert_true(first == second);

    write_table(fixture, WHOLE);
    third = md_nvidia_config_load(fixture->path);
    g_assert_true(third != first);
    types = print_types(first, &card);
    g_assert_cmpstr(types, ==, "556 NVIDIA A40-2B;");

    g_assert_cmpint(g_unlink(fixture->path), ==, 0);
    g_assert_null(md_nvidia_config_load(fixture->path));
}


/* The message is logged once per version of the file. */
static void
test_damaged_file(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    write_table(fixture, "<vgpuconfig>");
    g_test_expect_message(G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "Not using '*vgpuConfig.xml'*");
    g_assert_null(md_nvidia_config_load(fixture->path));
    g_test_assert_expected_messages();
    g_assert_null(md_nvidia_config_load(fixture->path));
}


/* A file that would take long to read, or block. */
static void
test_no_file(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    write_table(fixture, WHOLE);
    g_assert_cmpint(truncate(fixture->path, 100 << 20), ==, 0);
    g_test_expect_message(G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE,
                          "*not a file of at most 4194304 bytes");
    g_assert_null(md_nvidia_config_load(fixture->path));
    g_test_assert_expected_messages();

    g_assert_cmpint(g_unlink(fixture->path), ==, 0);
    g_assert_cmpint(mkfifo(fixture->path, 0600), ==, 0);
    g_test_expect_message(G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE,
                          "*not a file of at most 4194304 bytes");
    g_assert_null(md_nvidia_config_load(fixture->path));
    g_test_assert_expected_messages();

    g_test_expect_message(G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE,
                          "*not a file of at most 4194304 bytes");
    g_assert_null(md_nvidia_config_load(fixture->root));
    g_test_assert_expected_messages();
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/nvidia-config/properties", test_properties);
    g_test_add_func("/nvidia-config/subsystem", test_subsystem);
    g_test_add_func("/nvidia-config/odd-values", test_odd_values);
    g_test_add_func("/nvidia-config/doctype", test_doctype);
    g_test_add_func("/nvidia-config/damaged", test_damaged);
    g_test_add("/nvidia-config/changed", Fixture, NULL, set_up, test_changed, tear_down);
    g_test_add("/nvidia-config/damaged-file", Fixture, NULL, set_up, test_damaged_file, tear_down);
    g_test_add("/nvidia-config/no-file", Fixture, NULL, set_up, test_no_file, tear_down);
    return g_test_run();
}
