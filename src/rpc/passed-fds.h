/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The descriptors that the service manager has passed to this process: listening sockets and, after
 * a restart, the sockets and the state that the previous daemon has stored, see rpc/handover.h.
 */
#pragma once

#include <glib.h>

/* Names in the descriptor store of the service manager. */
#define MD_PASSED_CLIENT "client"
#define MD_PASSED_STATE  "state"

typedef struct {
    GArray *listening; /* of int: descriptors with any other name */
    GArray *clients;   /* of int: sockets of clients */
    int state;         /* -1: none */
} MdPassedFds;

/* Whether there are descriptors for md_passed_fds_take(). */
gboolean md_passed_fds_is_expected(void);

/* Takes all descriptors: a second call, or a child process, finds none. */
MdPassedFds *md_passed_fds_take(void);

/* Closes all descriptors that their users have not replaced by -1. */
void md_passed_fds_free(MdPassedFds *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdPassedFds, md_passed_fds_free)
