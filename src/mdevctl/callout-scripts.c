/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "mdevctl/callout-scripts.h"

#include <string.h>
#include <sys/stat.h>

#include "util/error.h"

/* Maximum length in bytes of stderr quoted in an error. */
#define STDERR_SHOWN 512

/* Maximum number of cached answers, because definitions can name any number of parents and types.
 * Beyond it, all answers are dropped. */
#define ANSWERS_MAX 4096

/* A script's answer; valid while the file stays the same. */
typedef struct {
    struct stat file;
    gboolean versioned;
    MdCalloutVersion version;
} Answer;

struct _MdCallouts {
    MdCalloutSearch *search;
    const MdSettings *settings;
    GHashTable *answers; /* path, parent and type, one per line -> Answer */
};

/* One query. */
typedef struct {
    MdCallouts *callouts;
    char *path;
    char *key;
    Answer *answer;
} Question;


MdCallouts *
md_callouts_new(const MdSettings *settings)
{
    MdCallouts *self = g_rc_box_new0(MdCallouts);

    self->search = md_callout_search_new(settings);
    self->settings = settings;
    self->answers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return self;
}


MdCallouts *
md_callouts_ref(MdCallouts *self)
{
    return g_rc_box_acquire(self);
}


static void
callouts_clear(MdCallouts *self)
{
    md_callout_search_unref(self->search);
    g_hash_table_unref(self->answers);
}


void
md_callouts_unref(MdCallouts *self)
{
    if (self != NULL)
        g_rc_box_release_full(self, (GDestroyNotify)callouts_clear);
}


static void
on_started(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;
    GPtrArray *files[MD_SCRIPT_N_KINDS] = { NULL };

    if (!md_callout_search_run_finish(result, files, &error))
        g_message("%s", error->message);
    for (gsize i = 0; i < MD_SCRIPT_N_KINDS; i++)
        g_clear_pointer(&files[i], g_ptr_array_unref);
}


void
md_callouts_start(MdCallouts *self)
{
    md_callout_search_run_async(self->search, md_owner_get_daemon(), on_started, NULL);
}


MdCalloutSearch *
md_callouts_get_search(MdCallouts *self)
{
    return self->search;
}


gboolean
md_callouts_may_exist(MdCallouts *self)
{
    return !md_callout_search_knows_no_script(self->search);
}


gboolean
md_callouts_may_answer(MdCallouts *self)
{
    return !md_callout_search_knows_none(self->search, MD_SCRIPT_CALLOUT);
}


void
md_callouts_run_async(MdCallouts *self,
                      const char *path,
                      MdDefinition *device,
                      MdCalloutEvent event,
                      MdCalloutAction action,
                      const char *state,
                      const char *input,
                      MdOwner *owner,
                      GAsyncReadyCallback callback,
                      gpointer user_data)
{
    const char *event_word = md_callout_event_to_string(event);
    const char *action_word = md_callout_action_to_string(action);
    const char *argv[] = {
        path,  "-t", device->type_id, "-e", event_word,          "-a", action_word, "-s",
        state, "-u", device->uuid,    "-p", device->parent_addr, NULL
    };

    g_debug("Running '%s': %s %s %s on %s of '%s'", path, event_word, action_word, state,
            device->uuid, device->parent_addr);
    md_script_run_async(argv, input, self->settings->script_timeout, owner, callback, user_data);
}


static void
question_free(Question *question)
{
    md_callouts_unref(question->callouts);
    g_free(question->path);
    g_free(question->key);
    g_free(question->answer);
    g_free(question);
}


static gboolean
is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}


static void
keep_answer(Question *question)
{
    GHashTable *answers = question->callouts->answers;

    if (g_hash_table_size(answers) >= ANSWERS_MAX)
        g_hash_table_remove_all(answers);
    g_hash_table_replace(answers, g_strdup(question->key),
                         g_memdup2(question->answer, sizeof(Answer)));
}


static void
on_answered(GObject *source G_GNUC_UNUSED, GAsyncResult *async, gpointer data)
{
    g_autoptr(GTask) task = data;
    g_autoptr(MdScriptResult) result = md_script_run_finish(async);
    g_autoptr(GError) error = NULL;
    Question *question = g_task_get_task_data(task);

    switch (result->end) {
    case MD_SCRIPT_EXITED:
        question->answer->versioned =
            result->status <= 1 && md_callout_version_parse(result->out->str, result->out->len,
                                                            &question->answer->version, &error);
        keep_answer(question);
        break;
    case MD_SCRIPT_SIGNALED:
    case MD_SCRIPT_NOT_STARTED:
        break;
    case MD_SCRIPT_REFUSED:
    case MD_SCRIPT_ABANDONED:
    case MD_SCRIPT_TIMED_OUT:
    case MD_SCRIPT_FLOODED:
        g_clear_error(&error);
        md_callouts_set_error(&error, question->path, result);
        g_task_return_error(task, g_steal_pointer(&error));
        return;
    }
    g_task_return_boolean(task, question->answer->versioned);
}


void
md_callouts_ask_async(MdCallouts *self,
                      const MdScriptFile *file,
                      MdDefinition *device,
                      MdOwner *owner,
                      GAsyncReadyCallback callback,
                      gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, user_data);
    g_autofree char *input = md_callout_version_format();
    Question *question = g_new0(Question, 1);
    const Answer *known = NULL;

    g_task_set_source_tag(task, md_callouts_ask_async);
    g_task_set_task_data(task, question, (GDestroyNotify)question_free);
    question->callouts = md_callouts_ref(self);
    question->path = g_strdup(file->path);
    question->key = g_strjoin("\n", file->path, device->parent_addr, device->type_id, NULL);
    question->answer = g_new0(Answer, 1);
    question->answer->file = file->st;

    known = g_hash_table_lookup(self->answers, question->key);
    if (known != NULL && is_same_file(&file->st, &known->file)) {
        *question->answer = *known;
        g_task_return_boolean(task, known->versioned);
        return;
    }
    md_callouts_run_async(self, file->path, device, MD_CALLOUT_GET, MD_CALLOUT_CAPABILITIES, "none",
                          input, owner, on_answered, g_steal_pointer(&task));
}


gboolean
md_callouts_ask_finish(GAsyncResult *result, MdCalloutVersion *version, GError **error)
{
    Question *question = NULL;

    g_return_val_if_fail(g_async_result_is_tagged(result, md_callouts_ask_async), FALSE);

    question = g_task_get_task_data(G_TASK(result));
    if (!g_task_propagate_boolean(G_TASK(result), error))
        return FALSE;
    *version = question->answer->version;
    return TRUE;
}


/* The beginning of a script's output, in one line without characters harmful to a terminal. */
static char *
make_printable(const GString *text)
{
    g_autofree char *valid = g_utf8_make_valid(text->str, (gssize)MIN(text->len, STDERR_SHOWN));
    GString *line = g_string_new(NULL);

    g_strstrip(valid);
    for (const char *p = valid; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);

        if (c == '\n')
            g_string_append(line, "; ");
        else
            g_string_append_unichar(line, g_unichar_isprint(c) ? c : ' ');
    }
    return g_string_free(line, FALSE);
}


void
md_callouts_set_error(GError **error, const char *path, const MdScriptResult *result)
{
    int code = VIR_ERR_INTERNAL_ERROR;
    g_autofree char *said = make_printable(result->err);
    g_autofree char *what = NULL;

    switch (result->end) {
    case MD_SCRIPT_EXITED:
        what = g_strdup_printf("failed with exit status %d", result->status);
        break;
    case MD_SCRIPT_SIGNALED:
        what = g_strdup_printf("was killed by signal %d", result->status);
        break;
    case MD_SCRIPT_NOT_STARTED:
        what = g_strdup_printf("could not be started: %s", result->cause);
        break;
    case MD_SCRIPT_REFUSED:
        code = VIR_ERR_RESOURCE_BUSY;
        what = g_strdup_printf("was not started: %s", result->cause);
        break;
    case MD_SCRIPT_ABANDONED:
        code = VIR_ERR_OPERATION_ABORTED;
        what = g_strdup("was cancelled: the client disconnected");
        break;
    case MD_SCRIPT_TIMED_OUT:
        code = VIR_ERR_OPERATION_TIMEOUT;
        what = g_strdup("did not exit in time and was killed");
        break;
    case MD_SCRIPT_FLOODED:
        what = g_strdup_printf("wrote more than %d bytes and was killed", MD_SCRIPT_OUTPUT_MAX);
        break;
    }
    md_error_set(error, code, "script '%s' %s%s%s", path, what, *said != '\0' ? ": " : "", said);
}
