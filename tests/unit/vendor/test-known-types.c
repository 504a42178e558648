/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Also run with the thread sanitizer. */
/* Types known of cards: what is added, kept over a restart, and forgotten. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "conf/mdev-type.h"
#include "fake-card.h"
#include "vendor/known-types.h"

#define CARD      "/sys/devices/pci0000:3a/" FAKE_CARD_NAME
#define RECORD    "vgpu-types/" FAKE_CARD_NAME
#define N_THREADS 8
#define N_LEARNED 64

/* Runs this program again: the daemon after a restart. */
#define OPTION_RESTARTED "--restarted"

/* The directory of state files, which is the same for all tests, as for a daemon. */
static char *state_dir;


static void
learn(const char *card, guint64 inode, guint32 number, const char *name)
{
    g_autoptr(GPtrArray) types = md_vgpu_types_new();

    g_ptr_array_add(types, md_vgpu_type_new(number, name));
    md_known_types_learn(card, inode, types);
}


static void
assert_known(const char *card, guint64 inode, const char *expected)
{
    g_autoptr(GPtrArray) types = md_known_types_copy(card, inode);
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < types->len; i++) {
        const MdVgpuType *type = g_ptr_array_index(types, i);

        g_string_append_printf(text, "%u=%s;", type->number, type->name != NULL ? type->name : "?");
    }
    g_assert_cmpstr(text->str, ==, expected);
    g_assert_cmpint(md_known_types_exist(card, inode), ==, *expected != '\0');
}


static char *
read_record(void)
{
    g_autofree char *path = scratch_path(state_dir, RECORD);
    char *text = NULL;

    g_file_get_contents(path, &text, NULL, NULL);
    return text;
}


static void
test_learn(void)
{
    g_autofree char *record = NULL;
    g_autoptr(GPtrArray) none = md_vgpu_types_new();

    md_known_types_learn(CARD, 7, none);
    assert_known(CARD, 7, "");
    learn(CARD, 7, 1156, "L40S-48Q");
    learn(CARD, 7, 1155, NULL);
    assert_known(CARD, 7, "1155=?;1156=L40S-48Q;");
    learn(CARD, 7, 1155, "L40S-24Q");
    learn(CARD, 7, 1156, NULL);
    assert_known(CARD, 7, "1155=L40S-24Q;1156=L40S-48Q;");
    record = read_record();
    g_assert_cmpstr(record, ==, CARD "\n7\n1155 L40S-24Q\n1156 L40S-48Q\nend\n");
    assert_known("/sys/devices/other", 7, "");
}


/* Properties that are known later, or change, replace the former ones. A number alone replaces
 * nothing. */
static void
test_properties(void)
{
    g_autoptr(GPtrArray) types = md_vgpu_types_new();
    g_autoptr(GPtrArray) known = NULL;
    MdVgpuType *type = md_vgpu_type_new(1155, NULL);

    learn(CARD, 7, 1155, "L40S-24Q");
    md_mdev_properties_add(type->properties, "num_heads", "4", NULL);
    g_ptr_array_add(types, type);
    md_known_types_learn(CARD, 7, types);
    md_known_types_learn_number(CARD, 7, 1155);
    md_known_types_learn_number(CARD, 7, 1157);
    known = md_known_types_copy(CARD, 7);
    g_assert_nonnull(md_vgpu_types_find(known, 1157));
    type = md_vgpu_types_find(known, 1155);
    g_assert_cmpuint(type->properties->len, ==, 1);
    g_assert_cmpstr(type->name, ==, "L40S-24Q");
}


/* A driver that is bound again offers other types. */
static void
test_bound_again(void)
{
    learn(CARD, 8, 1, "old");
    assert_known(CARD, 9, "");
    learn(CARD, 9, 2, "new");
    assert_known(CARD, 8, "");
    assert_known(CARD, 9, "2=new;");
}


static void
test_limit(void)
{
    g_autoptr(GPtrArray) types = md_vgpu_types_new();
    g_autoptr(GPtrArray) known = NULL;

    for (guint i = 1; i <= MD_MDEV_TYPES_MAX + 10; i++)
        g_ptr_array_add(types, md_vgpu_type_new(i, NULL));
    md_known_types_learn(CARD, 11, types);
    known = md_known_types_copy(CARD, 11);
    g_assert_cmpuint(known->len, ==, MD_MDEV_TYPES_MAX);
}


static gpointer
learn_many(gpointer data)
{
    guint first = GPOINTER_TO_UINT(data) * N_LEARNED;

    for (guint i = 1; i <= N_LEARNED; i++) {
        learn(CARD, 12, first + i, "many");
        g_assert_true(md_known_types_exist(CARD, 12));
    }
    return NULL;
}


/* The file has the last state, whatever the order in which the threads end. */
static void
test_threads(void)
{
    GThread *threads[N_THREADS];
    g_autoptr(GPtrArray) known = NULL;
    g_autofree char *record = NULL;
    g_auto(GStrv) lines = NULL;

    for (guint i = 0; i < N_THREADS; i++)
        threads[i] = g_thread_new("learn", learn_many, GUINT_TO_POINTER(i));
    for (guint i = 0; i < N_THREADS; i++)
        g_thread_join(threads[i]);
    known = md_known_types_copy(CARD, 12);
    g_assert_cmpuint(known->len, ==, N_THREADS * N_LEARNED);
    record = read_record();
    lines = g_strsplit(record, "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, N_THREADS * N_LEARNED + 4);
}


typedef struct {
    const char *name;
    const char *text;
} Record;

/* The daemon may be killed while it writes a file. */
static const Record damaged[] = {
    { "0000:01:00.0", "" },
    { "0000:02:00.0", "/sys/devices/0000:02:00.0\n5\n1 a\n" },
    { "0000:03:00.0", "/sys/devices/0000:03:00.0\n5\n1 a\nend" },
    { "0000:04:00.0", "/sys/devices/other\n5\n1 a\nend\n" },
    { "0000:05:00.0", "/sys/devices/0000:05:00.0\n0\n1 a\nend\n" },
    { "0000:06:00.0", "/sys/devices/0000:06:00.0\n5\n0 a\nend\n" },
    { "0000:07:00.0", "/sys/devices/0000:07:00.0\n5\na\nend\n" },
    { "0000:08:00.0", "/sys/devices/0000:08:00.0\nend\n" },
};


static void
write_record(const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(state_dir, "vgpu-types", name, NULL);

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}


static void
test_restart(void)
{
    g_autofree char *program = g_file_read_link("/proc/self/exe", NULL);
    const char *words[] = { program, OPTION_RESTARTED, state_dir, NULL };
    g_autoptr(GError) error = NULL;
    int status = 0;

    learn(CARD, 13, 1155, "L40S: 24Q");
    learn(CARD, 13, 1156, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(damaged); i++)
        write_record(damaged[i].name, damaged[i].text);
    g_assert_true(g_spawn_sync(NULL, (char **)words, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL,
                               &status, &error));
    g_assert_no_error(error);
    g_assert_true(g_spawn_check_wait_status(status, NULL));
}


/* The files are read; damaged ones are removed. */
static int
check_restarted(const char *directory)
{
    state_dir = g_strdup(directory);
    md_known_types_set_up(directory);
    assert_known(CARD, 13, "1155=L40S: 24Q;1156=?;");
    assert_known(CARD, 12, "");
    for (gsize i = 0; i < G_N_ELEMENTS(damaged); i++) {
        g_autofree char *path = g_build_filename(directory, "vgpu-types", damaged[i].name, NULL);
        g_autofree char *card = g_strconcat("/sys/devices/", damaged[i].name, NULL);

        g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
        assert_known(card, 5, "");
    }
    g_free(state_dir);
    return 0;
}


/* A function of a card: its driver's list and the vendor's table. The driver's name precedes. */
static void
test_list_creatable(void)
{
    g_autoptr(FakeCard) card = fake_card_new();
    const MdVendor *vendor = NULL;
    gpointer handle = NULL;
    g_autoptr(GPtrArray) types = NULL;
    g_autofree char *path = NULL;
    guint64 inode = 0;

    g_assert_true(g_file_set_contents(card->table, FAKE_TABLE, -1, NULL));
    md_vendor_set_up(TRUE, card->table, state_dir);
    vendor = md_vendor_find(card->function);
    handle = md_vendor_open_card(vendor, card->function, NULL);
    md_known_types_learn_supported(vendor, handle, card->function);
    g_assert_true(md_vendor_find_card(card->function, &path, &inode));
    g_assert_cmpstr(path, ==, card->card);
    assert_known(path, inode, "1155=table;1156=other;");
    types = md_known_types_list_creatable(vendor, handle, card->function, NULL);
    g_assert_cmpuint(types->len, ==, 1);
    assert_known(path, inode, "1155=L40S-24Q;1156=other;");
    md_known_types_learn_supported(vendor, handle, card->function);
    vendor->close(handle);
    assert_known(path, inode, "1155=L40S-24Q;1156=other;");

    g_clear_pointer(&path, g_free);
    fake_card_bind(card);
    g_assert_true(md_vendor_find_card(card->function, &path, &inode));
    assert_known(path, inode, "");
}


int
main(int argc, char **argv)
{
    int result = 0;

    if (argc == 3 && g_str_equal(argv[1], OPTION_RESTARTED))
        return check_restarted(argv[2]);
    g_test_init(&argc, &argv, NULL);
    state_dir = g_dir_make_tmp("mediated-state-XXXXXX", NULL);
    md_known_types_set_up(state_dir);
    g_test_add_func("/known-types/learn", test_learn);
    g_test_add_func("/known-types/properties", test_properties);
    g_test_add_func("/known-types/bound-again", test_bound_again);
    g_test_add_func("/known-types/limit", test_limit);
    g_test_add_func("/known-types/threads", test_threads);
    g_test_add_func("/known-types/restart", test_restart);
    g_test_add_func("/known-types/list-creatable", test_list_creatable);
    result = g_test_run();
    fake_card_remove_all();
    scratch_remove(state_dir);
    return result;
}
