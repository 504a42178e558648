/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The log: g_debug(), g_info(), g_message() and g_warning() go to the journal or to stderr, see
 * log-output.h. All lines pass one writer, which escapes and bounds the message: a line quotes
 * names, documents and scripts of others, and none of them may forge a second line or reach the
 * terminal of the reader.
 */
#pragma once

#include <glib.h>

/* Bytes of one message, with its escapes; a longer one ends in "...". */
#define MD_LOG_MESSAGE_MAX 512

/*
 * What a message is about. The journal gets each member that is set as a field of its own, named in
 * log.c; texts are borrowed.
 */
typedef struct {
    const char *message_id; /* 32 hexadecimal digits, one for each kind of message */
    const char *procedure;  /* of libvirt's API */
    const char *device;
    const char *parent;
    guint64 client;  /* number of the connection, from 1; 0: not on behalf of a client */
    gint64 uid;      /* of the user on whose behalf; only with `client` */
    gint64 duration; /* microseconds; only with `procedure` */
    int errnum;      /* 0: none */
} MdLogContext;

/* From now on g_printerr(), with which GLib's assertions end a program, too, does not wait for long
 * until somebody reads. */
void md_log_bound_stderr(void);

/* The same. Messages and above are shown; with `verbose` everything is. */
void md_log_init(gboolean verbose);

/* Waits, though not for long, until the last lines have been read. */
void md_log_end(void);

/* One message with its context. */
void md_log(GLogLevelFlags level, const MdLogContext *context, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* A text as the log shows it: printable UTF-8 on one line, at most MD_LOG_MESSAGE_MAX bytes. */
char *md_log_escape(const char *text);
