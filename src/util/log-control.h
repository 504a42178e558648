/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which messages are logged: the log filters and log outputs in use, see log-rules.h. All messages
 * have the same source, which filters match by the name "mediated" or by the names of libvirt's
 * node device driver. The outputs are determined when the program starts. libvirt's priorities 1 to
 * 4 stand for GLib's levels debug, info, message, and warning or worse.
 */
#pragma once

#include "util/log-rules.h"

/* The initial rules: messages of priority 3 or above; all messages if `verbose`. */
void md_log_control_init(gboolean verbose);

/*
 * Sets the rules of the configuration: the initial priority, and valid filters and outputs (NULL:
 * none). For each output that cannot be opened, adds a text to `problems`. To be called before
 * there are threads.
 */
void md_log_control_configure(MdLogPriority initial,
                              const char *filters,
                              const char *outputs,
                              GPtrArray *problems);

/* Changes the initial priority. If the priority differs, and no outputs are configured, the
 * priorities of the outputs are reset as well. */
void md_log_control_set_initial(MdLogPriority initial);

/* Whether messages of this level are logged at all, and whether to this output. Any thread. */
gboolean md_log_control_is_wanted(GLogLevelFlags level);
gboolean md_log_control_is_for_output(GLogLevelFlags level, guint output);

/*
 * Replaces all filters, or the priorities of all outputs. "" removes all filters, or gives all
 * outputs the initial priority. On failure, nothing changes. VIR_ERR_ARGUMENT_UNSUPPORTED unless
 * the outputs are those in use.
 */
gboolean md_log_control_set_filters(const char *text, GError **error);
gboolean md_log_control_set_outputs(const char *text, GError **error);

/* The rules in use, as text, and their number. */
char *md_log_control_get_filters(guint *n);
char *md_log_control_get_outputs(guint *n);
