/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The log as configured. */
#include "config.h"

#include "util/settings-private.h"

#include "util/log-control.h"


static MdLogPriority
get_priority(const MdSettings *self)
{
    return MD_LOG_PRIORITY_DEBUG + self->log_level;
}


void
md_settings_open_log(MdSettings *self)
{
    /* --verbose shows all messages. */
    gboolean filtered =
        md_settings_get_source(self, "log", "level")->kind != MD_SOURCE_COMMAND_LINE;

    md_log_control_configure(get_priority(self), filtered ? self->log_filters : NULL,
                             self->log_outputs, self->problems);
}


void
md_settings_set_log_level(const MdSettings *self)
{
    md_log_control_set_initial(get_priority(self));
}
