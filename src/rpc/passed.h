/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The descriptors that the service manager has passed to this process: listening sockets, and what
 * the previous daemon has left, see rpc/handover.h.
 */
#pragma once

#include <glib.h>

/* Names in the descriptor store of the service manager. */
#define MD_PASSED_CLIENT "client"
#define MD_PASSED_STATE  "state"

typedef struct {
    GArray *listening; /* of int: everything without one of these names */
    GArray *clients;   /* of int: sockets of clients */
    int state;         /* -1: none */
} MdPassed;

/* Takes all descriptors; none is left for a second call, or for a child process. */
MdPassed *md_passed_take(void);

/* Closes all descriptors that have not been taken, that is, replaced by -1. */
void md_passed_free(MdPassed *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdPassed, md_passed_free)
