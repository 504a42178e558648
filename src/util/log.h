/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The log: g_debug(), g_info(), g_message() and g_warning() write to the journal or to stderr, see
 * log-output.h. One writer escapes and truncates all messages, because a quoted name, document or
 * output of a script must neither forge a second line nor send control sequences to a terminal.
 */
#pragma once

#include <glib.h>

/* Maximum length of a message in bytes, after escaping; longer messages end in "...". */
#define MD_LOG_MESSAGE_MAX 512

/*
 * The context of a message. Each member that is set becomes a journal field, named in log.c.
 * Strings are borrowed.
 */
typedef struct {
    const char *message_id; /* 32 hexadecimal digits, one per kind of message */
    const char *procedure;  /* of libvirt's API */
    const char *device;
    const char *parent;
    guint64 client;  /* number of the connection, from 1; 0: no client */
    gint64 uid;      /* of the user on whose behalf the call runs; only with `client` */
    gint64 duration; /* microseconds; only with `procedure` */
    int errnum;      /* 0: none */
} MdLogContext;

/* From now on g_printerr(), which GLib's assertions use as well, gives up on a stalled reader after
 * a short time. */
void md_log_bound_stderr(void);

/* Sets up the log, including md_log_bound_stderr(). Writes messages of level MESSAGE and above; if
 * `verbose`, of all levels. log-control.h may change this later. */
void md_log_init(gboolean verbose);

/* Writes the queued lines; gives up after a short time if the reader stalls. */
void md_log_end(void);

/* Logs one message with its context. */
void md_log(GLogLevelFlags level, const MdLogContext *context, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* Escapes a string as in the log: printable UTF-8 on one line, at most MD_LOG_MESSAGE_MAX bytes. */
char *md_log_escape(const char *text);
