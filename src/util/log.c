/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "util/log.h"

#include <unistd.h>


static GLogWriterOutput
write_log(GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
    gboolean verbose = GPOINTER_TO_INT(data);

    if (!verbose && level > G_LOG_LEVEL_MESSAGE)
        return G_LOG_WRITER_HANDLED;

    if (g_log_writer_is_journald(STDERR_FILENO) &&
        g_log_writer_journald(level, fields, n_fields, NULL) == G_LOG_WRITER_HANDLED)
        return G_LOG_WRITER_HANDLED;

    return g_log_writer_standard_streams(level, fields, n_fields, NULL);
}


void
md_log_init(gboolean verbose)
{
    /* stdout belongs to --version and --help. */
    g_log_writer_default_set_use_stderr(TRUE);
    g_log_set_writer_func(write_log, GINT_TO_POINTER(verbose), NULL);
}
