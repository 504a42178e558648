/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Also run with the thread sanitizer. */
/*
 * Which script runs when, with which arguments and input, and how its result is used.
 *
 * The order, the arguments and the choice of scripts are those of mdevctl 1.2.0, as recorded by
 * scripts in its directory during define, modify and undefine. Hidden files and names with spaces
 * are scripts, too. A script that cannot be executed, or is killed by a signal, is skipped. If all
 * scripts exit with 2 at `pre`, they are run again at `post`. Notifiers receive the device on
 * stdin, and the state `none` after a failed `pre`. Only later versions of mdevctl query the
 * versions that scripts support.
 */
#include "config.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../default-settings.h"
#include "../scratch.h"
#include "conf/cap-mdev.h"
#include "mdevctl/callouts.h"
#include "util/error.h"

#define UUID   "11111111-2222-3333-4444-555555555555"
#define PARENT "0000:00:99.0"
#define TYPE   "foo-1"

/* Milliseconds; too short for a hung script. */
#define SHORT_TIMEOUT 1000

/* Version 1 lacks `live`. */
#define ACTIONS "[\"start\",\"stop\",\"define\",\"undefine\",\"modify\",\"attributes\"]"
#define V1                                                                                         \
    "{\"supports\":{\"version\":1,\"actions\":" ACTIONS ",\"events\":[\"pre\",\"post\",\"get\"]}}"
#define V2                                                                                         \
    "{\"supports\":{\"version\":2,\"more\":null,\"actions\":" ACTIONS                              \
    ",\"events\":[\"pre\",\"post\",\"get\",\"live\",\"dance\"]}}"

#define ANSWER(json) "[ $6 != capabilities ] || { echo '" json "'; exit 0; }\n"

typedef struct {
    char *root;
    MdSettings *settings;
    MdCallouts *callouts;
    MdDefinition *device;
    GMainLoop *loop;
    gboolean ok;
    GPtrArray *attrs;
    GError *error;
} Fixture;


/* Adds a script that records its name, event, action and state; `path` is
 * <root>/<directory>/<name>. */
static void
put(Fixture *fixture, const char *path, const char *body)
{
    g_autofree char *file = g_build_filename(fixture->root, path, NULL);
    g_autofree char *text =
        g_strdup_printf("#!/bin/sh\nD='%s'\necho \"${0##*/} $4 $6 $8\" >>\"$D/log\"\n%s\n",
                        fixture->root, body);

    g_assert_true(g_file_set_contents(file, text, -1, NULL));
    g_assert_cmpint(g_chmod(file, 0755), ==, 0);
}


/* Checks the records since the last call, one line each. */
static void
assert_log(Fixture *fixture, const char *expected)
{
    g_autofree char *path = g_build_filename(fixture->root, "log", NULL);
    g_autofree char *text = NULL;

    g_file_get_contents(path, &text, NULL, NULL);
    g_assert_cmpstr(text != NULL ? text : "", ==, expected);
    g_unlink(path);
}


static void
set_up(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    static const char *const directories[] = { "usr/callouts", "usr/notifiers", "etc/callouts",
                                               "etc/notifiers" };
    g_autoptr(GPtrArray) attrs = md_mdev_attrs_new();

    fixture->root = g_dir_make_tmp("mediated callouts-XXXXXX", NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(directories); i++) {
        g_autofree char *path = g_build_filename(fixture->root, directories[i], NULL);

        g_assert_cmpint(g_mkdir_with_parents(path, 0755), ==, 0);
    }
    fixture->settings = default_settings_load();
    g_free(fixture->settings->scripts_dir);
    g_free(fixture->settings->scripts_deprecated_dir);
    fixture->settings->scripts_dir = g_build_filename(fixture->root, "usr", NULL);
    fixture->settings->scripts_deprecated_dir = g_build_filename(fixture->root, "etc", NULL);
    fixture->callouts = md_callouts_new(fixture->settings);
    md_mdev_attrs_add(attrs, "a/b", "c d");
    fixture->device = md_definition_new(PARENT, UUID, TYPE, TRUE, attrs);
    fixture->loop = g_main_loop_new(NULL, FALSE);
}


static void
tear_down(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_test_assert_expected_messages();
    g_clear_error(&fixture->error);
    g_clear_pointer(&fixture->attrs, g_ptr_array_unref);
    md_definition_unref(fixture->device);
    md_callouts_unref(fixture->callouts);
    md_settings_free(fixture->settings);
    g_main_loop_unref(fixture->loop);
    scratch_remove(fixture->root);
}


static void
set_short_timeout(Fixture *fixture)
{
    md_callouts_unref(fixture->callouts);
    fixture->settings->script_timeout = SHORT_TIMEOUT;
    fixture->callouts = md_callouts_new(fixture->settings);
}


static MdCallout *
begin(Fixture *fixture, MdCalloutAction action)
{
    return md_callout_new(fixture->callouts, action, fixture->device, md_owner_get_daemon());
}


static void
on_before(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    Fixture *fixture = data;

    fixture->ok = md_callout_before_finish(result, &fixture->error);
    g_main_loop_quit(fixture->loop);
}


static void
on_after(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    Fixture *fixture = data;

    md_callout_after_finish(result);
    g_main_loop_quit(fixture->loop);
}


static void
on_live(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    Fixture *fixture = data;

    fixture->ok = md_callout_live_finish(result, &fixture->error);
    g_main_loop_quit(fixture->loop);
}


static void
on_attributes(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    Fixture *fixture = data;

    fixture->attrs = md_callouts_get_attributes_finish(result, &fixture->error);
    g_main_loop_quit(fixture->loop);
}


static gboolean
before(Fixture *fixture, MdCallout *callout)
{
    g_clear_error(&fixture->error);
    md_callout_before_async(callout, on_before, fixture);
    g_main_loop_run(fixture->loop);
    g_assert_true(fixture->ok == (fixture->error == NULL));
    return fixture->ok;
}


static void
after(Fixture *fixture, MdCallout *callout, gboolean success)
{
    md_callout_after_async(callout, success, on_after, fixture);
    g_main_loop_run(fixture->loop);
}


static gboolean
live(Fixture *fixture)
{
    g_autoptr(MdCallout) callout = begin(fixture, MD_CALLOUT_MODIFY);

    g_clear_error(&fixture->error);
    md_callout_live_async(callout, on_live, fixture);
    g_main_loop_run(fixture->loop);
    g_assert_true(fixture->ok == (fixture->error == NULL));
    return fixture->ok;
}


/* Returns names and values from the callouts of an active device, or NULL with an error. */
static char *
get_attributes(Fixture *fixture)
{
    GString *text = g_string_new(NULL);

    g_clear_error(&fixture->error);
    g_clear_pointer(&fixture->attrs, g_ptr_array_unref);
    md_callouts_get_attributes_async(fixture->callouts, PARENT, UUID, TYPE, md_owner_get_daemon(),
                                     on_attributes, fixture);
    g_main_loop_run(fixture->loop);
    g_assert_true((fixture->attrs == NULL) == (fixture->error != NULL));
    if (fixture->attrs == NULL)
        return g_string_free(text, TRUE);

    for (guint i = 0; i < fixture->attrs->len; i++) {
        const MdMdevAttr *attr = g_ptr_array_index(fixture->attrs, i);

        g_string_append_printf(text, "%s=%s;", attr->name, attr->value);
    }
    return g_string_free(text, FALSE);
}


/* Runs the callouts before and after a successful operation. */
static void
succeed(Fixture *fixture, MdCalloutAction action)
{
    g_autoptr(MdCallout) callout = begin(fixture, action);

    before(fixture, callout);
    g_assert_no_error(fixture->error);
    after(fixture, callout, TRUE);
}


/* Checks that a script refuses the operation with a message containing these words. */
static void
be_refused(Fixture *fixture, MdCalloutAction action, int code, const char *words)
{
    g_autoptr(MdCallout) callout = begin(fixture, action);

    g_assert_false(before(fixture, callout));
    g_assert_error(fixture->error, MD_ERROR, code);
    if (strstr(fixture->error->message, words) == NULL)
        g_error("'%s' is not in '%s'", words, fixture->error->message);
}


static void
expect_warning(const char *pattern)
{
    g_test_expect_message(G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, pattern);
}


static void
test_none(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(MdCallout) callout = begin(fixture, MD_CALLOUT_START);

    fixture->ok = FALSE;
    md_callout_before_async(callout, on_before, fixture);
    g_assert_false(fixture->ok);
    g_main_loop_run(fixture->loop);
    g_assert_no_error(fixture->error);
    g_assert_true(fixture->ok);
    after(fixture, callout, TRUE);
    g_assert_false(live(fixture));
    g_assert_error(fixture->error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
    g_assert_null(get_attributes(fixture));
    g_assert_error(fixture->error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
}


static void
test_no_directories(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    md_callouts_unref(fixture->callouts);
    g_free(fixture->settings->scripts_dir);
    fixture->settings->scripts_dir = g_strdup("/there/is/none");
    fixture->callouts = md_callouts_new(fixture->settings);
    put(fixture, "etc/callouts/a", "exit 0");
    succeed(fixture, MD_CALLOUT_STOP);
    assert_log(fixture, "a get capabilities none\na pre stop none\na post stop success\n");
}


#define WORDS(event, state)                                                                        \
    "[-t][" TYPE "][-e][" event "][-a][define][-s][" state "][-u][" UUID "][-p][" PARENT "]\n"
#define DEVICE "{\"mdev_type\":\"foo-1\",\"start\":\"auto\",\"attrs\":[{\"a/b\":\"c d\"}]}\n"
#define ASKED                                                                                      \
    "{\"provides\":{\"version\":2,\"actions\":[\"start\",\"stop\",\"define\",\"undefine\","        \
    "\"modify\",\"attributes\",\"capabilities\"],\"events\":[\"pre\",\"post\",\"notify\","         \
    "\"get\",\"live\"]}}\n"


/* All arguments in order, and stdin. */
static void
test_words(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    static const char *const body = "{ [ $6 = capabilities ] || { printf '[%s]' \"$@\"; echo; }\n"
                                    "cat; echo; } >>\"$D/words\"\n"
                                    "[ $6 != capabilities ] || exit 2";
    g_autofree char *path = g_build_filename(fixture->root, "words", NULL);
    g_autofree char *text = NULL;

    put(fixture, "usr/callouts/with a space", body);
    put(fixture, "etc/notifiers/n", body);
    succeed(fixture, MD_CALLOUT_DEFINE);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==,
                    ASKED WORDS("pre", "none") DEVICE WORDS("post", "success")
                        DEVICE WORDS("notify", "success") DEVICE);
}


static void
test_order(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *plain = g_build_filename(fixture->root, "usr/callouts/15-plain", NULL);
    g_autofree char *dir = g_build_filename(fixture->root, "usr/callouts/17-dir", NULL);
    g_autofree char *link = g_build_filename(fixture->root, "usr/callouts/18-link", NULL);
    g_autoptr(MdCallout) callout = begin(fixture, MD_CALLOUT_UNDEFINE);

    put(fixture, "usr/callouts/.hidden", "exit 2");
    put(fixture, "usr/callouts/05 space~", "exit 2");
    put(fixture, "usr/callouts/10-two", "exit 2");
    put(fixture, "usr/callouts/15-plain", "exit 0");
    put(fixture, "usr/callouts/16-signal", "[ $4 = get ] || kill -9 $$");
    put(fixture, "usr/callouts/20-ok", "exit 0");
    put(fixture, "etc/callouts/00-later", "exit 0");
    put(fixture, "usr/notifiers/b", "exit 1");
    put(fixture, "usr/notifiers/a", "exit 2");
    put(fixture, "etc/notifiers/.c", "exit 0");
    g_assert_cmpint(g_chmod(plain, 0644), ==, 0);
    g_assert_cmpint(g_mkdir(dir, 0755), ==, 0);
    g_assert_cmpint(symlink("10-two", link), ==, 0);

    expect_warning("Skipping a script: *16-signal' was killed by signal 9");
    g_assert_true(before(fixture, callout));
    assert_log(fixture, ".hidden get capabilities none\n05 space~ get capabilities none\n"
                        "10-two get capabilities none\n16-signal get capabilities none\n"
                        "18-link get capabilities none\n20-ok get capabilities none\n"
                        "00-later get capabilities none\n"
                        ".hidden pre undefine none\n05 space~ pre undefine none\n"
                        "10-two pre undefine none\n16-signal pre undefine none\n"
                        "18-link pre undefine none\n20-ok pre undefine none\n");

    expect_warning("Failed to notify: *notifiers/a' failed with exit status 2");
    expect_warning("Failed to notify: *notifiers/b' failed with exit status 1");
    after(fixture, callout, FALSE);
    assert_log(fixture, "20-ok post undefine failure\na notify undefine failure\n"
                        "b notify undefine failure\n.c notify undefine failure\n");
}


static void
test_refused(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    put(fixture, "etc/callouts/a", "printf ' first\\nse\\033cond\\377\\n\\n' >&2; exit 3");
    put(fixture, "etc/callouts/b", "exit 0");
    put(fixture, "usr/notifiers/n", "exit 0");
    be_refused(fixture, MD_CALLOUT_DEFINE, VIR_ERR_INTERNAL_ERROR,
               "etc/callouts/a' failed with exit status 3: first; se cond\357\277\275");
    assert_log(fixture, "a get capabilities none\nb get capabilities none\n"
                        "a pre define none\nn notify define none\n");
}


static void
test_of_another_user(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *path = g_build_filename(fixture->root, "usr/callouts/a", NULL);

    put(fixture, "usr/callouts/a", "exit 0");
    if (geteuid() != 0)
        return;
    g_assert_cmpint(chown(path, 65534, (gid_t)-1), ==, 0);
    expect_warning("Skipping script '*usr/callouts/a': '*' belongs to user 65534");
    succeed(fixture, MD_CALLOUT_STOP);
    assert_log(fixture, "");
}


/* No script claims the type: the scripts are asked again after the operation. */
static void
test_not_mine(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    put(fixture, "usr/callouts/a", "exit 2");
    succeed(fixture, MD_CALLOUT_DEFINE);
    assert_log(fixture, "a get capabilities none\na pre define none\na post define success\n");
}


static void
test_post_fails(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    put(fixture, "usr/callouts/a", "[ $4 != post ] || { echo no >&2; exit 2; }");
    put(fixture, "usr/notifiers/n", "exit 0");
    expect_warning("*callouts/a' failed with exit status 2: no");
    succeed(fixture, MD_CALLOUT_MODIFY);
    assert_log(fixture, "a get capabilities none\na pre modify none\n"
                        "a post modify success\nn notify modify success\n");
}


static void
test_cannot_start(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *path = g_build_filename(fixture->root, "usr/callouts/a", NULL);

    g_assert_true(g_file_set_contents(path, "#!/there/is/none\n", -1, NULL));
    g_assert_cmpint(g_chmod(path, 0755), ==, 0);
    put(fixture, "usr/callouts/b", "exit 0");
    expect_warning("Skipping a script: *callouts/a' could not be started: *");
    succeed(fixture, MD_CALLOUT_MODIFY);
    assert_log(fixture, "b get capabilities none\nb pre modify none\nb post modify success\n");
}


/* A script removed before its turn is skipped. */
static void
test_removed(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    put(fixture, "usr/callouts/a", "rm -f \"$D/usr/callouts/b\"; exit 2");
    put(fixture, "usr/callouts/b", "exit 1");
    put(fixture, "usr/callouts/c", "exit 0");
    expect_warning("Skipping a script: *callouts/b' could not be started: *");
    succeed(fixture, MD_CALLOUT_MODIFY);
    assert_log(fixture, "a get capabilities none\nc get capabilities none\na pre modify none\n"
                        "c pre modify none\nc post modify success\n");
}


static void
test_versioned(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    MdDefinition *other = NULL;

    put(fixture, "usr/callouts/a", "exit 0");
    put(fixture, "etc/callouts/b", ANSWER(V1));
    succeed(fixture, MD_CALLOUT_START);
    assert_log(fixture, "a get capabilities none\nb get capabilities none\n"
                        "b pre start none\nb post start success\n");

    /* The answers are cached. */
    succeed(fixture, MD_CALLOUT_STOP);
    assert_log(fixture, "b pre stop none\nb post stop success\n");

    /* Another type requires another query. */
    other = md_definition_new(PARENT, UUID, "foo-2", TRUE, fixture->device->attrs);
    md_definition_unref(fixture->device);
    fixture->device = other;
    succeed(fixture, MD_CALLOUT_STOP);
    assert_log(fixture, "a get capabilities none\nb get capabilities none\n"
                        "b pre stop none\nb post stop success\n");

    /* So does another file. */
    put(fixture, "usr/callouts/a", ANSWER(V2));
    succeed(fixture, MD_CALLOUT_STOP);
    assert_log(fixture, "a get capabilities none\na pre stop none\na post stop success\n");
}


/* From a script that supports versions, a missing action and status 2 are errors. */
static void
test_versioned_errors(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    put(fixture, "usr/callouts/a",
        ANSWER(
            "{\"supports\":{\"version\":1,\"actions\":[\"stop\"],\"events\":[\"pre\"]}}") "[ $4 != "
                                                                                          "pre ] "
                                                                                          "|| exit "
                                                                                          "2");
    put(fixture, "usr/callouts/b", "exit 0");
    be_refused(fixture, MD_CALLOUT_START, VIR_ERR_INTERNAL_ERROR,
               "callouts/a' does not support action 'start'");
    be_refused(fixture, MD_CALLOUT_STOP, VIR_ERR_INTERNAL_ERROR, "failed with exit status 2");

    put(fixture, "usr/callouts/a",
        ANSWER("{\"supports\":{\"version\":1,\"actions\":[\"stop\"],\"events\":[\"get\"]}}"));
    be_refused(fixture, MD_CALLOUT_STOP, VIR_ERR_INTERNAL_ERROR,
               "callouts/a' does not support event 'pre'");

    put(fixture, "usr/callouts/a", ANSWER(V1) "kill -9 $$");
    be_refused(fixture, MD_CALLOUT_STOP, VIR_ERR_INTERNAL_ERROR, "was killed by signal 9");
}


/* Only a valid answer to the query for versions makes a script the callout. */
static void
test_answer(Fixture *fixture, gconstpointer data)
{
    gboolean good = *(const char *)data == '+';

    put(fixture, "usr/callouts/a", "[ $4 != pre ] || exit 2");
    put(fixture, "usr/callouts/b", (const char *)data + 1);
    if (good)
        succeed(fixture, MD_CALLOUT_STOP);
    else
        be_refused(fixture, MD_CALLOUT_STOP, VIR_ERR_INTERNAL_ERROR,
                   "b' failed with exit status 9");
    assert_log(fixture, good ? "a get capabilities none\nb get capabilities none\n"
                               "b pre stop none\nb post stop success\n"
                             : "a get capabilities none\nb get capabilities none\n"
                               "a pre stop none\nb pre stop none\n");
}


static void
test_live(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    put(fixture, "usr/notifiers/n", "exit 0");
    put(fixture, "usr/callouts/a", "exit 0");
    g_assert_false(live(fixture));
    g_assert_error(fixture->error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);

    put(fixture, "usr/callouts/a", ANSWER(V1));
    g_assert_false(live(fixture));
    g_assert_error(fixture->error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
    assert_log(fixture, "a get capabilities none\na get capabilities none\n");

    put(fixture, "usr/callouts/a", ANSWER(V2) "cat >\"$D/input\"");
    g_assert_true(live(fixture));
    assert_log(fixture, "a get capabilities none\na live modify none\nn notify modify none\n");

    put(fixture, "usr/callouts/a", ANSWER(V2) "echo busy >&2; exit 1");
    g_assert_false(live(fixture));
    g_assert_error(fixture->error, MD_ERROR, VIR_ERR_INTERNAL_ERROR);
    g_assert_nonnull(strstr(fixture->error->message, "failed with exit status 1: busy"));
    assert_log(fixture, "a get capabilities none\na live modify none\nn notify modify none\n");
}


static void
test_attributes(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    static const struct {
        const char *body;
        const char *attrs; /* NULL: an error */
    } cases[] = {
        { "exit 0", "" },
        { "printf '[{}]\\0\\0'", "" },
        { "echo '[{\"b\": \"2\"}, {\"a\": \"1\"}]'", "b=2;a=1;" },
        { ANSWER(V1) "[ -z \"$(cat)\" ] && echo '[{\"a\": \"1\"}]'", "a=1;" },
        { "echo nonsense", NULL },
        { "echo '[{\"a\": \"1\"}]'; exit 1", NULL },
        { ANSWER("{\"supports\":{\"version\":1,\"actions\":[\"stop\"],\"events\":[\"get\"]}}"),
          NULL },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *attrs = NULL;

        put(fixture, "usr/callouts/a", cases[i].body);
        attrs = get_attributes(fixture);
        g_assert_cmpstr(attrs, ==, cases[i].attrs);
        if (attrs == NULL)
            g_assert_nonnull(strstr(fixture->error->message, "usr/callouts/a"));
        assert_log(fixture, i < 6 ? "a get capabilities none\na get attributes none\n"
                                  : "a get capabilities none\n");
    }

    put(fixture, "usr/callouts/a", "exit 2");
    g_assert_null(get_attributes(fixture));
    g_assert_error(fixture->error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
}


static void
test_hang(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    set_short_timeout(fixture);
    put(fixture, "usr/callouts/a", "[ $4 != pre ] || sleep 1000");
    put(fixture, "usr/callouts/b", "exit 0");
    put(fixture, "usr/notifiers/m", "sleep 1000");
    put(fixture, "usr/notifiers/n", "exit 0");
    expect_warning("Failed to notify: *notifiers/m' did not exit in time and was killed");
    be_refused(fixture, MD_CALLOUT_START, VIR_ERR_OPERATION_TIMEOUT,
               "callouts/a' did not exit in time and was killed");
    assert_log(fixture, "a get capabilities none\nb get capabilities none\na pre start none\n"
                        "m notify start none\nn notify start none\n");
}


static void
test_hang_when_asked(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    set_short_timeout(fixture);
    put(fixture, "usr/callouts/a", "sleep 1000");
    for (guint i = 0; i < 2; i++) {
        be_refused(fixture, MD_CALLOUT_START, VIR_ERR_OPERATION_TIMEOUT, "callouts/a'");
        assert_log(fixture, "a get capabilities none\n");
    }
}


static void
test_flood(Fixture *fixture, gconstpointer data)
{
    g_autofree char *body = g_strdup_printf("[ $4 != pre ] || %s", (const char *)data);

    put(fixture, "usr/callouts/a", body);
    be_refused(fixture, MD_CALLOUT_START, VIR_ERR_INTERNAL_ERROR,
               "callouts/a' wrote more than 1048576 bytes and was killed");
    g_assert_cmpuint(strlen(fixture->error->message), <, 2048);
}


/* Input that exceeds the pipe, for a script that does not read. */
static void
test_stdin_closed(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GPtrArray) attrs = md_mdev_attrs_new();
    g_autofree char *value = g_strnfill(1000, 'x');

    for (guint i = 0; i < 1000; i++)
        md_mdev_attrs_add(attrs, "name", value);
    md_definition_unref(fixture->device);
    fixture->device = md_definition_new(PARENT, UUID, TYPE, FALSE, attrs);
    put(fixture, "usr/callouts/a", "exec <&-; exit 0");
    put(fixture, "usr/notifiers/n", "[ $(wc -c) -gt 1000000 ]");
    succeed(fixture, MD_CALLOUT_START);
    assert_log(fixture, "a get capabilities none\na pre start none\na post start success\n"
                        "n notify start success\n");
}


static void
test_many_notifiers(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GString) expected = g_string_new(NULL);

    for (guint i = 0; i < 50; i++) {
        g_autofree char *path =
            g_strdup_printf("%s/notifiers/%02u", i < 25 ? "usr" : "etc", (i * 7) % 25);

        put(fixture, path, "exit 0");
    }
    for (guint i = 0; i < 50; i++)
        g_string_append_printf(expected, "%02u notify stop success\n", i % 25);
    succeed(fixture, MD_CALLOUT_STOP);
    assert_log(fixture, expected->str);
}


/* A cancelled operation runs to its end. */
static void
test_unref(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    MdCallout *callout = begin(fixture, MD_CALLOUT_START);

    put(fixture, "usr/callouts/a", "exit 0");
    md_callout_before_async(callout, on_before, fixture);
    md_callout_unref(callout);
    g_main_loop_run(fixture->loop);
    g_assert_true(fixture->ok);
    assert_log(fixture, "a get capabilities none\na pre start none\n");
}


#define ADD(name, data, func) g_test_add("/callouts/" name, Fixture, data, set_up, func, tear_down)
#define NO                    "\n[ $4 != pre ] || exit 9"


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("none", NULL, test_none);
    ADD("no-directories", NULL, test_no_directories);
    ADD("words", NULL, test_words);
    ADD("order", NULL, test_order);
    ADD("refused", NULL, test_refused);
    ADD("of-another-user", NULL, test_of_another_user);
    ADD("not-mine", NULL, test_not_mine);
    ADD("post-fails", NULL, test_post_fails);
    ADD("cannot-start", NULL, test_cannot_start);
    ADD("removed", NULL, test_removed);
    ADD("versioned", NULL, test_versioned);
    ADD("versioned-errors", NULL, test_versioned_errors);
    ADD("answer/plain", "+" ANSWER(V1), test_answer);
    ADD("answer/nuls", "+[ $4 != get ] || printf '%s\\n\\0\\0' '" V2 "'", test_answer);
    ADD("answer/exit-1", "+[ $4 != get ] || { echo '" V1 "'; exit 1; }", test_answer);
    ADD("answer/exit-2", "-[ $4 != get ] || { echo '" V1 "'; exit 2; }" NO, test_answer);
    ADD("answer/signal", "-[ $4 != get ] || { echo '" V1 "'; kill -9 $$; }" NO, test_answer);
    ADD("answer/nothing", "-" NO, test_answer);
    ADD("answer/garbage", "-[ $4 != get ] || head -c 1000 /bin/sh" NO, test_answer);
    ADD("answer/deep", "-[ $4 != get ] || yes [ | head -n 500000" NO, test_answer);
    ADD("answer/hidden-deep", "-[ $4 != get ] || { echo '/*\"*/'; yes [ | head -n 500000; }" NO,
        test_answer);
    ADD("answer/echo", "-cat" NO, test_answer);
    ADD("answer/no-version",
        "-" ANSWER("{\"supports\":{\"actions\":[\"stop\"],\"events\":[\"pre\"]}}") NO, test_answer);
    ADD("answer/not-words",
        "-" ANSWER("{\"supports\":{\"version\":1,\"actions\":[1],\"events\":[\"pre\"]}}") NO,
        test_answer);
    ADD("live", NULL, test_live);
    ADD("attributes", NULL, test_attributes);
    ADD("hang", NULL, test_hang);
    ADD("hang-when-asked", NULL, test_hang_when_asked);
    ADD("flood-stdout", "yes", test_flood);
    ADD("flood-stderr", "yes >&2", test_flood);
    ADD("stdin-closed", NULL, test_stdin_closed);
    ADD("many-notifiers", NULL, test_many_notifiers);
    ADD("unref", NULL, test_unref);
    return g_test_run();
}
