/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs a program of the administrator's beside the main loop, within bounds of time and output.
 *
 * A script leads a session and a process group of its own. It inherits the environment without what
 * systemd tells the daemon alone, no descriptors but the three of its own, the limits that the
 * daemon was started with, default handling of all signals, none of which is blocked, and / as its
 * directory. Its output counts up to the moment it exits: what it leaves
 * running in the background may go on, but is not waited for, with the pipes open or not. A script
 * without `#!` is run by sh.
 */
#pragma once

#include <gio/gio.h>

#include "util/owner.h"

/* What a script may write to stdout, and to stderr, in bytes. */
#define MD_SCRIPT_OUTPUT_MAX 1048576

/* Scripts that run at once: in all, for one user, for all readers, for one reader. More wait for
 * their turn. The deadline begins then, for the kernel to start it, and anew when it runs. */
#define MD_SCRIPT_MAX_RUNNING    64
#define MD_SCRIPT_MAX_PER_OWNER  48
#define MD_SCRIPT_MAX_READERS    32
#define MD_SCRIPT_MAX_PER_READER 4

/* Scripts that wait, in all and for one user; one more is refused. */
#define MD_SCRIPT_MAX_WAITING     4096
#define MD_SCRIPT_MAX_OWN_WAITING 1024

typedef enum {
    MD_SCRIPT_EXITED,      /* `status` is its exit status */
    MD_SCRIPT_SIGNALED,    /* `status` is the signal */
    MD_SCRIPT_NOT_STARTED, /* `cause` says what is wrong with it */
    MD_SCRIPT_REFUSED,     /* too many wait, or no process could be had: `cause` says so */
    MD_SCRIPT_ABANDONED,   /* its client has gone: it has not been started, or was killed */
    MD_SCRIPT_TIMED_OUT,   /* it was killed, and all of its process group */
    MD_SCRIPT_FLOODED,     /* the same, for writing more than MD_SCRIPT_OUTPUT_MAX */
} MdScriptEnd;

typedef struct {
    MdScriptEnd end;
    int status;
    char *cause;
    GString *out; /* any bytes; what was read before the end; never NULL */
    GString *err;
} MdScriptResult;

void md_script_result_free(MdScriptResult *self);

/* Remembers the limits that scripts are to have, before the daemon changes its own. */
void md_script_keep_limits(void);

/*
 * `argv` begins with the path of the script. `input` is what it finds on stdin, in a file that it
 * need not read; NULL: /dev/null. `deadline` in milliseconds.
 */
void md_script_run_async(const char *const *argv,
                         const char *input,
                         guint deadline,
                         MdOwner *owner,
                         GAsyncReadyCallback callback,
                         gpointer user_data);

/* Never NULL: whatever happens to a script is a result. */
/* One line in the log on the scripts that run and wait. */
void md_script_log_state(void);

MdScriptResult *md_script_run_finish(GAsyncResult *result);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdScriptResult, md_script_result_free)
