/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The life of the daemon: it puts the parts together, serves until a signal or its idleness ends
 * it, reads the settings again on SIGHUP, and keeps the service manager informed.
 */
#pragma once

#include "daemon/options.h"

/*
 * Returns when the daemon has ended as it should, or FALSE if it could not begin. A user's daemon
 * that finds another one in its place has nothing to do, which is no error: its clients are served.
 * `settings` are changed by a reload.
 */
gboolean md_daemon_run(const MdOptions *options, MdSettings *settings, GError **error);
