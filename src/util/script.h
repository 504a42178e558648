/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs a script of the administrator without blocking the main loop, with limits on time and
 * output.
 *
 * A script runs in its own session and process group, in /, with the environment of the daemon
 * except systemd's variables for services, the resource limits that the daemon was started with,
 * default signal handling, no blocked signals, and no descriptors but the standard three. Output is
 * read up to the script's exit: background processes that the script leaves behind may continue,
 * but nothing waits for them, even if they hold the pipes open. A script without `#!` is run by sh.
 */
#pragma once

#include <gio/gio.h>

#include "util/owner.h"

/* Maximum output on stdout, and on stderr, in bytes. */
#define MD_SCRIPT_OUTPUT_MAX 1048576

/* Maximum number of concurrent scripts: in total, of one user, of all readers, of one reader.
 * Further scripts are queued. The deadline begins when the script leaves the queue, and begins
 * again once the kernel has started it. */
#define MD_SCRIPT_MAX_RUNNING    64
#define MD_SCRIPT_MAX_PER_OWNER  48
#define MD_SCRIPT_MAX_READERS    32
#define MD_SCRIPT_MAX_PER_READER 4

/* Maximum number of queued scripts, in total and of one user; further ones are refused. */
#define MD_SCRIPT_MAX_WAITING     4096
#define MD_SCRIPT_MAX_OWN_WAITING 1024

typedef enum {
    MD_SCRIPT_EXITED,      /* `status` is its exit status */
    MD_SCRIPT_SIGNALED,    /* `status` is the signal */
    MD_SCRIPT_NOT_STARTED, /* the script cannot be executed; see `cause` */
    MD_SCRIPT_REFUSED,     /* too many are queued, or no process can be created; see `cause` */
    MD_SCRIPT_ABANDONED,   /* the client disconnected: not started, or killed */
    MD_SCRIPT_TIMED_OUT,   /* its whole process group was killed */
    MD_SCRIPT_FLOODED,     /* killed for writing more than MD_SCRIPT_OUTPUT_MAX */
} MdScriptEnd;

typedef struct {
    MdScriptEnd end;
    int status;
    char *cause;
    GString *out; /* arbitrary bytes written before the end; never NULL */
    GString *err;
} MdScriptResult;

void md_script_result_free(MdScriptResult *self);

/* Saves the resource limits for scripts, before the daemon changes its own. */
void md_script_keep_limits(void);

/*
 * `argv` begins with the path of the script. `input` becomes the script's stdin, as a file, which
 * the script need not read; NULL: /dev/null. `deadline` is in milliseconds.
 */
void md_script_run_async(const char *const *argv,
                         const char *input,
                         guint deadline,
                         MdOwner *owner,
                         GAsyncReadyCallback callback,
                         gpointer user_data);

/* Logs one line about running and queued scripts. */
void md_script_log_state(void);

/* Never NULL: a failure of the script is also a result. */
MdScriptResult *md_script_run_finish(GAsyncResult *result);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdScriptResult, md_script_result_free)
