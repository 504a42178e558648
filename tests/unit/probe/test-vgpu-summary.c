/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The summary of a card: its functions, and how many more of each type they could take. */
#include "config.h"

#include <string.h>

#include "../vendor/fake-card.h"
#include "probe/vgpu-summary.h"
#include "vendor/vendor.h"

/* Types with frame buffers of 24, 24 and 48 GiB, of which 2, 2 and 1 fit on the card, and one of
 * which nothing is known. */
#define TABLE                                                                                      \
    "<v><vgpuType id='1' name='24Q'><profileSize>0x600000000</profileSize></vgpuType>"             \
    "<vgpuType id='2' name='24A'><profileSize>0x600000000</profileSize></vgpuType>"                \
    "<vgpuType id='3' name='48Q'><profileSize>0xC00000000</profileSize></vgpuType>"                \
    "<pgpu><devId vendorId='0x10de' deviceId='0x26B9' subsystemVendorId='0x0' subsystemId='0x0'/>" \
    "<supportedVgpu vgpuId='1'><maxVgpus>2</maxVgpus></supportedVgpu>"                             \
    "<supportedVgpu vgpuId='2'><maxVgpus>2</maxVgpus></supportedVgpu>"                             \
    "<supportedVgpu vgpuId='3'><maxVgpus>1</maxVgpus></supportedVgpu></pgpu></v>"

#define ALL     "1 : 24Q\n2 : 24A\n3 : 48Q\n4 : other\n"
#define SIZE_24 "1 : 24Q\n2 : 24A\n4 : other\n"

#define FULL   "the vGPUs of the card leave no room for another one"
#define OTHERS "the driver offers other types only"

typedef struct {
    const char *name;
    const char *functions[3][2]; /* list and type */
    const char *expected;
} Case;

static const Case cases[] = {
    { "unused", { { ALL, "0" }, { ALL, "0" }, { ALL, "0" } }, "3/3 1:2 2:2 3:1 4:3" },
    { "one-vgpu",
      { { "", "1" }, { SIZE_24, "0" }, { SIZE_24, "0" } },
      "3/2 1:1 2:1 3:0(the card has vGPUs with a frame buffer of another size) 4:2" },
    { "full",
      { { "", "1" }, { "", "2" }, { "", "0" } },
      "3/1 1:0(" FULL ") 2:0(" FULL ") 3:0(" FULL ") 4:0(" FULL ")" },
    { "no-function",
      { { "", "4" }, { "", "4" }, { "", "4" } },
      "3/0 1:0(all functions have a vGPU) 2:0(all functions have a vGPU) "
      "3:0(all functions have a vGPU) 4:0(all functions have a vGPU)" },
    /* Beyond the limit of the table, which a card in MIG mode has per instance. */
    { "instances",
      { { "", "1" }, { "", "1" }, { SIZE_24, "0" } },
      "3/1 1:1 2:1 3:0(the card has vGPUs with a frame buffer of another size) 4:1" },
    { "other-mode",
      { { "3 : 48Q\n4 : other\n", "0" }, { "3 : 48Q\n", "0" }, { "", "0" } },
      "3/3 1:0(" OTHERS ") 2:0(" OTHERS ") 3:1 4:1" },
    { "other-mode-in-use",
      { { "", "1" }, { "1 : 24Q\n4 : other\n", "0" }, { "", "0" } },
      "3/2 1:1 2:0(" OTHERS ") 3:0(the card has vGPUs with a frame buffer of another size) 4:1" },
    /* A function that does not answer is neither free nor in use. */
    { "no-answer", { { ALL, "nonsense" }, { ALL, "0" }, { ALL, "0" } }, "3/2 1:2 2:2 3:1 4:2" },
};


static char *
print_summary(const MdPciVgpus *vgpus)
{
    GString *text = g_string_new(NULL);

    g_string_append_printf(text, "%u/%u", vgpus->n_functions, vgpus->n_free);
    for (guint i = 0; i < vgpus->types->len; i++) {
        const MdPciVgpuType *type = g_ptr_array_index(vgpus->types, i);

        g_assert_cmpint(type->available == 0, ==, type->reason != NULL);
        g_string_append_printf(text, " %s:%u", type->id + strlen("nvidia-"), type->available);
        if (type->reason != NULL)
            g_string_append_printf(text, "(%s)", type->reason);
    }
    return g_string_free(text, FALSE);
}


static FakeCard *
make_card(const char *table)
{
    FakeCard *card = fake_card_new();

    if (table != NULL)
        g_assert_true(g_file_set_contents(card->table, table, -1, NULL));
    md_vendor_set_up(TRUE, card->table, card->state_dir);
    return card;
}


static MdPciVgpus *
read_summary(FakeCard *card)
{
    g_autoptr(MdSysfsDir) dir = md_sysfs_dir_open(card->card, NULL);

    return md_vgpu_summary_read(dir);
}


static void
test_types(gconstpointer data)
{
    const Case *row = data;
    g_autoptr(FakeCard) card = make_card(TABLE);
    g_autoptr(MdPciVgpus) before = NULL;
    g_autoptr(MdPciVgpus) vgpus = NULL;
    g_autofree char *printed = NULL;

    /* All types are known. */
    fake_card_set(card, "nvidia/creatable_vgpu_types", ALL);
    before = read_summary(card);
    g_assert_cmpuint(before->types->len, ==, 4);

    fake_card_set(card, "nvidia/creatable_vgpu_types", row->functions[0][0]);
    fake_card_set(card, "nvidia/current_vgpu_type", row->functions[0][1]);
    for (guint i = 1; i < G_N_ELEMENTS(row->functions); i++)
        fake_card_put_function(card, 4 + i, row->functions[i][0], row->functions[i][1]);
    vgpus = read_summary(card);
    printed = print_summary(vgpus);
    g_assert_cmpstr(printed, ==, row->expected);
}


/* Nothing is offered and nothing is in use: the vendor knows why. */
static void
test_empty(void)
{
    g_autoptr(FakeCard) card = make_card(TABLE);
    g_autoptr(MdPciVgpus) vgpus = NULL;
    const MdPciVgpuType *type = NULL;

    fake_card_set(card, "nvidia/creatable_vgpu_types", "ID : vGPU Name\n");
    vgpus = read_summary(card);
    g_assert_cmpuint(vgpus->types->len, ==, 3);
    type = g_ptr_array_index(vgpus->types, 0);
    g_assert_cmpstr(type->reason, ==,
                    "the card is in MIG mode and has no GPU instances, or nvidia-vgpud has not "
                    "started yet");
}


static void
test_no_vgpus(void)
{
    g_autoptr(FakeCard) card = make_card(NULL);

    fake_card_remove(card, "nvidia/creatable_vgpu_types");
    g_assert_null(read_summary(card));
    fake_card_set(card, "nvidia/creatable_vgpu_types", ALL);
    md_vendor_set_up(FALSE, card->table, card->state_dir);
    g_assert_null(read_summary(card));
}


int
main(int argc, char **argv)
{
    int result = 0;

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *name = g_strconcat("/vgpu-summary/", cases[i].name, NULL);

        g_test_add_data_func(name, &cases[i], test_types);
    }
    g_test_add_func("/vgpu-summary/empty", test_empty);
    g_test_add_func("/vgpu-summary/no-vgpus", test_no_vgpus);
    result = g_test_run();
    fake_card_remove_all();
    return result;
}
