/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Logs one line for each call that changes something, or attempts to; none for calls that only
 * read. */
#pragma once

#include "remote/session.h"

/*
 * `identity`: the caller when the call arrived; the session may act for another user by now.
 * `function`: of libvirt's API. `device`, `parent`: names, or NULL if unknown. `since`: monotonic
 * time of the call's arrival. `error` NULL: success.
 */
void md_call_log_change(MdSession *session,
                        const MdIdentity *identity,
                        const char *function,
                        const char *device,
                        const char *parent,
                        gint64 since,
                        const GError *error);
