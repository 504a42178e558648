/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is logged, and where: log filters and log outputs in the syntax of libvirt's daemons, parsed
 * and formatted. Errors are VIR_ERR_INVALID_ARG of VIR_FROM_NONE, with libvirt's messages.
 */
#pragma once

#include <glib.h>

/* Maximum number of filters, or of outputs, in one text; each is a word. */
#define MD_LOG_RULES_MAX 64

/* libvirt's priorities; messages below a priority are dropped. */
typedef enum {
    MD_LOG_PRIORITY_DEBUG = 1,
    MD_LOG_PRIORITY_INFO,
    MD_LOG_PRIORITY_WARNING,
    MD_LOG_PRIORITY_ERROR,
} MdLogPriority;

typedef enum {
    MD_LOG_TO_STDERR,
    MD_LOG_TO_SYSLOG,
    MD_LOG_TO_FILE,
    MD_LOG_TO_JOURNALD,
} MdLogDestination;

/* PRIORITY:PATTERN */
typedef struct {
    MdLogPriority priority;
    char *pattern; /* of the message's source, with `*` and `?` */
} MdLogFilter;

/* PRIORITY:stderr, PRIORITY:journald, PRIORITY:syslog:NAME, PRIORITY:file:PATH */
typedef struct {
    MdLogPriority priority;
    MdLogDestination destination;
    char *name; /* of the file or for syslog; else NULL */
} MdLogOutput;

/* Arrays of MdLogFilter and MdLogOutput. NULL with an error that quotes the first invalid word. Of
 * several outputs to one destination, the last one is used. */
GArray *md_log_filters_parse(const char *text, GError **error);
GArray *md_log_outputs_parse(const char *text, GError **error);

/* The words, separated by spaces; "" if there are none. */
char *md_log_filters_format(const GArray *filters);
char *md_log_outputs_format(const GArray *outputs);
/* The same without priorities. */
char *md_log_outputs_format_destinations(const GArray *outputs);

/* The priority of the first filter whose pattern matches the source of a message, else
 * `fallback`. */
MdLogPriority
md_log_filters_find(const GArray *filters, const char *source, MdLogPriority fallback);
