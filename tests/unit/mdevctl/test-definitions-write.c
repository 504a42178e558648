/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Also run with the thread sanitizer. */
/* Definitions written and removed by the store: atomic, reported once, in order. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "conf/cap-mdev.h"
#include "store-fixture.h"
#include "util/error.h"
#include "util/fd.h"


/*
 * The disk: two system calls of the store that can be made to fail or block, which no file system
 * does on demand.
 */
static struct {
    GMutex mutex;
    GCond cond;
    gboolean shut; /* fsync() waits */
    gint fsync_errno;
    gint rename_errno;
} disk;


int
fsync(int fd)
{
    g_mutex_lock(&disk.mutex);
    while (disk.shut)
        g_cond_wait(&disk.cond, &disk.mutex);
    g_mutex_unlock(&disk.mutex);

    errno = g_atomic_int_get(&disk.fsync_errno);
    return errno != 0 ? -1 : (int)syscall(SYS_fsync, fd);
}


int
renameat(int old_fd, const char *old_name, int new_fd, const char *new_name)
{
    errno = g_atomic_int_get(&disk.rename_errno);
    return errno != 0 ? -1 : (int)syscall(SYS_renameat2, old_fd, old_name, new_fd, new_name, 0);
}


static void
set_disk_shut(gboolean shut)
{
    g_mutex_lock(&disk.mutex);
    disk.shut = shut;
    g_cond_broadcast(&disk.cond);
    g_mutex_unlock(&disk.mutex);
}


/* Checks that a change is reported exactly once, before the answer. */
static void
test_write(StoreFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *path = store_path_of(fixture, FILE_OF);
    g_autoptr(GPtrArray) attrs = md_mdev_attrs_new();
    g_autoptr(MdDefinition) definition = NULL;
    g_autofree char *text = NULL;
    struct stat st;

    store_start(fixture);
    md_mdev_attrs_add(attrs, "frame_rate", "60");
    definition = md_definition_new(PARENT, UUID, "nvidia-11", FALSE, attrs);
    text = md_definition_format(definition, TRUE);
    store_write(fixture, "nvidia-11");
    g_assert_no_error(fixture->error);
    g_assert_cmpstr(fixture->reports->str, ==, PARENT "/" UUID "=nvidia-11 ");
    g_assert_true(
        md_definition_is_equal(md_definitions_find(fixture->store, PARENT, UUID), definition));
    store_assert_content(fixture, FILE_OF, text);
    store_assert_names(fixture, PARENT);
    g_assert_cmpint(stat(path, &st), ==, 0);
    g_assert_cmpint(st.st_mode, ==, S_IFREG | 0644);
    store_assert_reports(fixture, PARENT "/" UUID "=nvidia-11 ");

    /* Writing the same definition is not a change. */
    store_write(fixture, "nvidia-11");
    g_assert_no_error(fixture->error);
    store_assert_reports(fixture, "");

    store_write(fixture, "nvidia-12");
    g_assert_no_error(fixture->error);
    store_assert_reports(fixture, PARENT "/" UUID "=nvidia-12 ");

    /* Our write and another program's do not interfere. */
    store_put(fixture, FILE_OF, TEXT("nvidia-13"));
    store_assert_reports(fixture, PARENT "/" UUID "=nvidia-13 ");
    store_assert_names(fixture, PARENT);
    store_assert_logged(fixture, "", "");
}


static void
test_remove(StoreFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    store_put(fixture, FILE_OF, TEXT("nvidia-11"));
    store_start(fixture);
    g_string_truncate(fixture->reports, 0);

    store_remove(fixture);
    g_assert_no_error(fixture->error);
    g_assert_cmpstr(fixture->reports->str, ==, PARENT "/" UUID "= ");
    store_assert_reports(fixture, PARENT "/" UUID "= ");
    store_assert_content(fixture, FILE_OF, NULL);
    store_assert_names(fixture, PARENT);

    store_remove(fixture);
    store_assert_error(fixture, FILE_OF, ENOENT);
    store_erase(fixture, PARENT);
    store_remove(fixture);
    store_assert_error(fixture, FILE_OF, ENOENT);
    store_assert_reports(fixture, "");
}


/* Another program has removed the file, which our own removal detects. */
static void
test_remove_what_has_gone(StoreFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    store_put(fixture, FILE_OF, TEXT("nvidia-11"));
    store_start(fixture);
    g_string_truncate(fixture->reports, 0);
    store_erase(fixture, FILE_OF);
    store_remove(fixture);
    store_assert_error(fixture, FILE_OF, ENOENT);
    g_assert_null(md_definitions_find(fixture->store, PARENT, UUID));
    store_assert_reports(fixture, PARENT "/" UUID "= ");
}


/* After any failure: the old file, the old definition, no temporary files, and an error. */
static void
assert_nothing_written(StoreFixture *fixture, int errnum)
{
    store_write(fixture, "nvidia-12");
    store_assert_error(fixture, FILE_OF, errnum);
    store_assert_content(fixture, FILE_OF, TEXT("nvidia-11"));
    store_assert_reports(fixture, "");
    store_assert_list(fixture, PARENT "/" UUID "=nvidia-11 ");
    store_assert_names(fixture, PARENT);

    store_begin_write(fixture, PARENT, OTHER, "nvidia-12");
    store_wait_for_answers(fixture, 1);
    store_assert_error(fixture, PARENT "/" OTHER, errnum);
    store_assert_content(fixture, PARENT "/" OTHER, NULL);
    store_assert_names(fixture, PARENT);
}


static void
test_disk_error(StoreFixture *fixture, gconstpointer data)
{
    static const int errnums[] = { ENOSPC, EROFS, EACCES, EIO, EDQUOT };
    gint *failing = data != NULL ? &disk.rename_errno : &disk.fsync_errno;

    store_put(fixture, FILE_OF, TEXT("nvidia-11"));
    store_start(fixture);
    g_string_truncate(fixture->reports, 0);
    for (guint i = 0; i < G_N_ELEMENTS(errnums); i++) {
        g_atomic_int_set(failing, errnums[i]);
        assert_nothing_written(fixture, errnums[i]);
        g_atomic_int_set(failing, 0);
    }
    store_write(fixture, "nvidia-12");
    g_assert_no_error(fixture->error);
    store_assert_reports(fixture, PARENT "/" UUID "=nvidia-12 ");
}


/* The write fails half way, as on a full disk. */
static void
test_full(StoreFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    struct rlimit limit;
    struct rlimit small;

    store_put(fixture, FILE_OF, TEXT("nvidia-11"));
    store_start(fixture);
    g_string_truncate(fixture->reports, 0);

    signal(SIGXFSZ, SIG_IGN);
    g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &limit), ==, 0);
    small = limit;
    small.rlim_cur = 10;
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &small), ==, 0);
    store_write(fixture, "nvidia-12");
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
    store_assert_error(fixture, FILE_OF, EFBIG);
    store_assert_content(fixture, FILE_OF, TEXT("nvidia-11"));
    store_assert_names(fixture, PARENT);
    store_assert_reports(fixture, "");
}


static void
test_bad_names(StoreFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *long_name = g_strnfill(NAME_MAX + 1, 'a');
    const char *rows[][2] = {
        { "", UUID },          { ".", UUID },
        { "..", UUID },        { "../outside", UUID },
        { "a/b", UUID },       { "/etc", UUID },
        { "scripts.d", UUID }, { ".hidden", UUID },
        { "a\nb", UUID },      { "\xfc", UUID },
        { long_name, UUID },   { PARENT, "" },
        { PARENT, ".." },      { PARENT, "../" UUID },
        { PARENT, "readme" },  { PARENT, "0695D332-7831-493F-9E71-1C85C8911A08" },
    };

    store_put(fixture, "../outside/" UUID, TEXT("nvidia-11"));
    store_start(fixture);
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        store_begin_write(fixture, rows[i][0], rows[i][1], "nvidia-12");
        store_wait_for_answers(fixture, 1);
        g_assert_error(fixture->error, MD_ERROR, VIR_ERR_INVALID_ARG);
        store_begin_remove(fixture, rows[i][0], rows[i][1]);
        store_wait_for_answers(fixture, 1);
        g_assert_error(fixture->error, MD_ERROR, VIR_ERR_INVALID_ARG);
    }
    store_assert_names(fixture, "");
    store_assert_content(fixture, "../outside/" UUID, TEXT("nvidia-11"));
    store_assert_reports(fixture, "");
    store_assert_logged(fixture, "", "");
}


/* Concurrent writes: ordered for one file, independent for different files. */
static void
test_order(StoreFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    enum { ROUNDS = 20, OTHERS = 50 };
    g_autoptr(GPtrArray) list = NULL;

    store_start(fixture);
    for (guint i = 0; i < ROUNDS; i++) {
        store_begin_write(fixture, PARENT, UUID, "nvidia-11");
        store_begin_remove(fixture, PARENT, UUID);
        store_begin_write(fixture, PARENT, UUID, i + 1 < ROUNDS ? "nvidia-12" : "last");
    }
    for (guint i = 0; i < OTHERS; i++) {
        g_autofree char *uuid = g_uuid_string_random();

        store_begin_write(fixture, "mtty", uuid, "mtty-1");
    }
    store_wait_for_answers(fixture, ROUNDS * 3 + OTHERS);
    g_assert_no_error(fixture->error);
    g_assert_cmpstr(md_definitions_find(fixture->store, PARENT, UUID)->type_id, ==, "last");
    list = md_definitions_list(fixture->store);
    g_assert_cmpuint(list->len, ==, 1 + OTHERS);
    g_string_truncate(fixture->reports, 0);
    store_assert_reports(fixture, "");
}


static gboolean
is_writing(StoreFixture *fixture)
{
    g_autofree char *top = store_path_of(fixture, ".");
    g_autoptr(GDir) dir = g_dir_open(top, 0, NULL);
    const char *name = NULL;

    while ((name = g_dir_read_name(dir)) != NULL) {
        if (g_str_has_prefix(name, ".mediated-"))
            return TRUE;
    }
    return FALSE;
}


/* A hung disk: the caller gets an error, and the write never takes effect later. */
static void
test_deadline(StoreFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    gint64 limit = g_get_monotonic_time() + 10 * G_TIME_SPAN_SECOND;

    store_start(fixture);
    /* Like a reload of the settings. */
    fixture->settings.driver_timeout = 1;
    set_disk_shut(TRUE);
    store_write(fixture, "nvidia-11");
    g_assert_error(fixture->error, MD_ERROR, VIR_ERR_OPERATION_TIMEOUT);
    g_assert_nonnull(strstr(fixture->error->message, FILE_OF));
    g_assert_null(md_definitions_find(fixture->store, PARENT, UUID));

    set_disk_shut(FALSE);
    while (is_writing(fixture)) {
        g_assert_cmpint(g_get_monotonic_time(), <, limit);
        g_thread_yield();
    }
    store_assert_content(fixture, PARENT "/" UUID, NULL);
    store_assert_reports(fixture, "");
}


/* Removes files left by a crash; keeps files that another daemon is writing. */
static void
test_stale_files(StoreFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *path = store_path_of(fixture, ".mediated-2");
    g_auto(MdFd) fd = -1;

    store_put(fixture, ".mediated-1", "{");
    store_put(fixture, ".mediated-2", "{");
    store_make_directory(fixture, ".mediated-3");
    store_put_link(fixture, ".mediated-4", ".mediated-2");
    store_put(fixture, ".other", "{");
    fd = open(path, O_RDONLY | O_CLOEXEC);
    g_assert_cmpint(flock(fd, LOCK_EX), ==, 0);
    store_start(fixture);
    store_assert_content(fixture, ".mediated-1", NULL);
    store_assert_content(fixture, ".mediated-2", "{");
    store_assert_content(fixture, ".other", "{");
    store_assert_list(fixture, "");
    store_assert_logged(fixture, "", "");
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    STORE_TEST("/definitions/write", NULL, test_write);
    STORE_TEST("/definitions/remove", NULL, test_remove);
    STORE_TEST("/definitions/remove-what-has-gone", NULL, test_remove_what_has_gone);
    STORE_TEST("/definitions/fsync-fails", NULL, test_disk_error);
    STORE_TEST("/definitions/rename-fails", "rename", test_disk_error);
    STORE_TEST("/definitions/full", NULL, test_full);
    STORE_TEST("/definitions/bad-names", NULL, test_bad_names);
    STORE_TEST("/definitions/order", NULL, test_order);
    STORE_TEST("/definitions/deadline", NULL, test_deadline);
    STORE_TEST("/definitions/stale-files", NULL, test_stale_files);
    return g_test_run();
}
