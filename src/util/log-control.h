/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which messages are logged: the log filters and log outputs in use, see log-rules.h. All messages
 * have one source, "mediated", and go to one output, which is determined when the program starts.
 * libvirt's priorities 1 to 4 stand for GLib's levels debug, info, message, and warning or worse.
 */
#pragma once

#include "util/log-rules.h"

/* The initial rules: messages of priority 3 or above; all messages if `verbose`. */
void md_log_control_init(gboolean verbose);

/* Whether messages of this level are logged. Any thread. */
gboolean md_log_control_is_wanted(GLogLevelFlags level);

/*
 * Replaces all filters, or all outputs; "" restores the initial ones. On failure, nothing changes.
 * VIR_ERR_ARGUMENT_UNSUPPORTED for outputs other than the log's only one.
 */
gboolean md_log_control_set_filters(const char *text, GError **error);
gboolean md_log_control_set_outputs(const char *text, GError **error);

/* The rules in use, as text, and their number. */
char *md_log_control_get_filters(guint *n);
char *md_log_control_get_outputs(guint *n);
