/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The life cycle of the daemon: creates its parts, serves until a signal or the idle timeout,
 * reloads the configuration on SIGHUP, and notifies the service manager.
 */
#pragma once

#include "daemon/options.h"

/*
 * TRUE when the daemon has ended normally, FALSE if it failed to start. If a user's daemon finds
 * another one running, this function returns TRUE at once. A reload changes `settings`.
 */
gboolean md_daemon_run(const MdOptions *options, MdSettings *settings, GError **error);
