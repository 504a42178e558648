/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One line in the log for each call that changes something, or was to; none for a call that reads.
 */
#pragma once

#include "remote/session.h"

/*
 * `identity`: for whom the call came, as the session may act for another by now. `function`: of
 * libvirt's API. `device`: its name, NULL: not known. `parent`: name of its parent, NULL: not
 * known. `since`: monotonic time at which the call came. `error` NULL: it worked.
 */
void md_call_log_change(MdSession *session,
                        const MdIdentity *identity,
                        const char *function,
                        const char *device,
                        const char *parent,
                        gint64 since,
                        const GError *error);
