/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "mdevctl/callout-search.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "util/error.h"
#include "util/fd.h"
#include "util/names.h"
#include "util/path-watch.h"
#include "util/trust.h"
#include "util/worker.h"

#define N_ROOTS 2

/* Maximum number of skipped scripts remembered as logged. Beyond it, all are logged again. */
#define LOGGED_MAX 4096

struct _MdCalloutSearch {
    char *roots[N_ROOTS];
    const MdSettings *settings;
    MdPathWatch *watch; /* of the last search, if a kind had no scripts; otherwise NULL */
    gboolean none[MD_SCRIPT_N_KINDS]; /* no scripts, until `watch` reports a change */
    GHashTable *logged; /* a set: paths of the skipped scripts that have been logged */
};

/* One search of all directories. */
typedef struct {
    char *directories[MD_SCRIPT_N_KINDS][N_ROOTS];
    MdPathWatch *watch;
    guint n_names[MD_SCRIPT_N_KINDS];
    GPtrArray *files[MD_SCRIPT_N_KINDS]; /* of MdScriptFile */
    GPtrArray *trusted;                  /* paths of the scripts that were not skipped */
    GPtrArray *left_out;                 /* of the skipped scripts: path, cause, path, cause ... */
    GPtrArray *problems;                 /* directories that cannot be read, with the cause */
    GError *error;                       /* why the search is incomplete; NULL: it is complete */
} Search;

static const char *const directory_names[MD_SCRIPT_N_KINDS] = {
    [MD_SCRIPT_CALLOUT] = MD_DIR_CALLOUTS,
    [MD_SCRIPT_NOTIFIER] = MD_DIR_NOTIFIERS,
};


static void
file_free(MdScriptFile *file)
{
    g_free(file->path);
    g_free(file);
}


static void
search_free(Search *search)
{
    for (gsize i = 0; i < MD_SCRIPT_N_KINDS; i++) {
        for (gsize j = 0; j < N_ROOTS; j++)
            g_free(search->directories[i][j]);
        g_clear_pointer(&search->files[i], g_ptr_array_unref);
    }
    md_path_watch_free(search->watch);
    g_ptr_array_unref(search->trusted);
    g_ptr_array_unref(search->left_out);
    g_ptr_array_unref(search->problems);
    g_clear_error(&search->error);
    g_free(search);
}


static Search *
search_new(MdCalloutSearch *self)
{
    Search *search = g_new0(Search, 1);

    for (gsize i = 0; i < MD_SCRIPT_N_KINDS; i++) {
        for (gsize j = 0; j < N_ROOTS; j++)
            search->directories[i][j] = g_build_filename(self->roots[j], directory_names[i], NULL);
        search->files[i] = g_ptr_array_new_with_free_func((GDestroyNotify)file_free);
    }
    search->trusted = g_ptr_array_new_with_free_func(g_free);
    search->left_out = g_ptr_array_new_with_free_func(g_free);
    search->problems = g_ptr_array_new_with_free_func(g_free);
    return search;
}


static int
compare_files(gconstpointer a, gconstpointer b)
{
    return strcmp((*(const MdScriptFile *const *)a)->path, (*(const MdScriptFile *const *)b)->path);
}


/* Whether the error is a property of the file, so that the script may be skipped. After any other
 * error, such as a lack of descriptors, the script must not be skipped: it might refuse the
 * operation. */
static gboolean
is_file_error(int errnum)
{
    return errnum == ENOENT || errnum == ENOTDIR || errnum == ELOOP || errnum == EACCES ||
           errnum == ENAMETOOLONG;
}


static void
search_fail(Search *search, const char *path, int errnum)
{
    if (search->error == NULL)
        md_error_set_errno(&search->error, errnum, "'%s'", path);
}


static gboolean
is_executable(const char *path, struct stat *st)
{
    return stat(path, st) == 0 && S_ISREG(st->st_mode) && access(path, X_OK) == 0;
}


static void
search_add_name(Search *search, GPtrArray *files, const char *directory, const char *name)
{
    g_autofree char *path = g_build_filename(directory, name, NULL);
    char *why = NULL;
    MdScriptFile *file = NULL;
    struct stat st;
    int errnum = 0;

    errno = 0;
    if (!is_executable(path, &st)) {
        if (errno != 0 && !is_file_error(errno))
            search_fail(search, path, errno);
        return;
    }
    why = md_trust_explain(path, &errnum);
    if (errnum != 0 && !is_file_error(errnum))
        search_fail(search, path, errnum);
    if (why != NULL) {
        g_ptr_array_add(search->left_out, g_steal_pointer(&path));
        g_ptr_array_add(search->left_out, why);
        return;
    }
    file = g_new0(MdScriptFile, 1);
    file->path = g_strdup(path);
    file->st = st;
    g_ptr_array_add(files, file);
    g_ptr_array_add(search->trusted, g_steal_pointer(&path));
}


/* NULL at the end of the directory, or if it cannot be read. */
static const struct dirent *
search_read_entry(Search *search, DIR *dir, const char *path)
{
    const struct dirent *entry = NULL;

    errno = 0;
    entry = readdir(dir);
    if (entry == NULL && errno != 0)
        search_fail(search, path, errno);
    return entry;
}


static void
search_read_directory(Search *search, MdScriptKind kind, const char *path)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new();
    g_auto(MdFd) fd = md_path_watch_add(search->watch, path);
    const struct dirent *entry = NULL;
    int list = fd >= 0 ? openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    DIR *dir = list >= 0 ? fdopendir(list) : NULL;

    if (dir == NULL) {
        if (!is_file_error(errno))
            search_fail(search, path, errno);
        else if (errno != ENOENT)
            g_ptr_array_add(search->problems, g_strdup_printf("'%s': %s", path, g_strerror(errno)));
        return;
    }
    while ((entry = search_read_entry(search, dir, path)) != NULL) {
        if (g_str_equal(entry->d_name, ".") || g_str_equal(entry->d_name, ".."))
            continue;
        search->n_names[kind]++;
        search_add_name(search, found, path, entry->d_name);
    }
    closedir(dir);
    g_ptr_array_sort(found, compare_files);
    g_ptr_array_extend_and_steal(search->files[kind], g_steal_pointer(&found));
}


static gboolean
search_run(gpointer data, GError **error)
{
    Search *search = data;

    search->watch = md_path_watch_new();
    for (gsize i = 0; i < MD_SCRIPT_N_KINDS; i++) {
        for (gsize j = 0; j < N_ROOTS; j++)
            search_read_directory(search, (MdScriptKind)i, search->directories[i][j]);
    }
    if (search->error == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&search->error));
    return FALSE;
}


MdCalloutSearch *
md_callout_search_new(const MdSettings *settings)
{
    MdCalloutSearch *self = g_rc_box_new0(MdCalloutSearch);

    self->roots[0] = g_strdup(settings->scripts_dir);
    self->roots[1] = g_strdup(settings->scripts_deprecated_dir);
    self->settings = settings;
    self->logged = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return self;
}


static void
callout_search_clear(MdCalloutSearch *self)
{
    for (gsize i = 0; i < N_ROOTS; i++)
        g_free(self->roots[i]);
    md_path_watch_free(self->watch);
    g_hash_table_unref(self->logged);
}


void
md_callout_search_unref(MdCalloutSearch *self)
{
    if (self != NULL)
        g_rc_box_release_full(self, (GDestroyNotify)callout_search_clear);
}


static gboolean
callout_search_is_current(MdCalloutSearch *self)
{
    return self->watch != NULL && md_path_watch_is_unchanged(self->watch);
}


gboolean
md_callout_search_knows_none(MdCalloutSearch *self, MdScriptKind kind)
{
    return self->none[kind] && callout_search_is_current(self);
}


gboolean
md_callout_search_knows_no_script(MdCalloutSearch *self)
{
    for (gsize i = 0; i < MD_SCRIPT_N_KINDS; i++) {
        if (!self->none[i])
            return FALSE;
    }
    return callout_search_is_current(self);
}


/* Logs each skipped script once, and again only if it was not skipped in between. */
static void
callout_search_log_skipped(MdCalloutSearch *self, const Search *search)
{
    for (guint i = 0; i < search->problems->len; i++)
        g_message("Failed to search for scripts in %s",
                  (const char *)g_ptr_array_index(search->problems, i));
    for (guint i = 0; i < search->trusted->len; i++)
        g_hash_table_remove(self->logged, g_ptr_array_index(search->trusted, i));
    for (guint i = 0; i < search->left_out->len; i += 2) {
        const char *path = g_ptr_array_index(search->left_out, i);

        if (g_hash_table_size(self->logged) >= LOGGED_MAX)
            g_hash_table_remove_all(self->logged);
        if (g_hash_table_add(self->logged, g_strdup(path)))
            g_message("Skipping script '%s': %s", path,
                      (const char *)g_ptr_array_index(search->left_out, i + 1));
    }
}


static void
callout_search_keep(MdCalloutSearch *self, Search *search)
{
    gboolean any = FALSE;

    for (gsize i = 0; i < MD_SCRIPT_N_KINDS; i++) {
        self->none[i] = search->n_names[i] == 0 && search->problems->len == 0;
        any = any || self->none[i];
    }
    g_clear_pointer(&self->watch, md_path_watch_free);
    if (any)
        self->watch = g_steal_pointer(&search->watch);
}


static void
callout_search_set_overdue_error(MdCalloutSearch *self, GError **error)
{
    g_clear_error(error);
    md_error_set(error, VIR_ERR_OPERATION_TIMEOUT,
                 "Unable to search for scripts: the disk of '%s' or '%s' does not respond",
                 self->roots[0], self->roots[1]);
}


static void
on_searched(gpointer data, GError *error, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    MdCalloutSearch *self = g_task_get_task_data(task);
    GPtrArray **files = NULL;
    Search *search = data;

    if (search == NULL) {
        if (g_error_matches(error, MD_ERROR, VIR_ERR_OPERATION_TIMEOUT))
            callout_search_set_overdue_error(self, &error);
        else
            g_prefix_error(&error, "Unable to search for scripts: ");
        g_task_return_error(task, error);
        return;
    }
    callout_search_log_skipped(self, search);
    callout_search_keep(self, search);
    files = g_new0(GPtrArray *, MD_SCRIPT_N_KINDS);
    for (gsize i = 0; i < MD_SCRIPT_N_KINDS; i++)
        files[i] = g_steal_pointer(&search->files[i]);
    g_task_return_pointer(task, files, g_free);
}


void
md_callout_search_run_async(MdCalloutSearch *self,
                            MdOwner *owner,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, user_data);

    g_task_set_source_tag(task, md_callout_search_run_async);
    g_task_set_task_data(task, g_rc_box_acquire(self), (GDestroyNotify)md_callout_search_unref);
    md_worker_run(search_run, search_new(self), (GDestroyNotify)search_free, MD_WORKER_FILES,
                  MD_WORKER_SCRIPTS, self->settings->driver_timeout, owner, on_searched,
                  g_steal_pointer(&task));
}


gboolean
md_callout_search_run_finish(GAsyncResult *result,
                             GPtrArray *files[MD_SCRIPT_N_KINDS],
                             GError **error)
{
    g_autofree GPtrArray **found = NULL;

    g_return_val_if_fail(g_async_result_is_tagged(result, md_callout_search_run_async), FALSE);

    found = g_task_propagate_pointer(G_TASK(result), error);
    for (gsize i = 0; found != NULL && i < MD_SCRIPT_N_KINDS; i++)
        files[i] = found[i];
    return found != NULL;
}
