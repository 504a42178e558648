/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The identity behind a connection: the client process, or the user that this process acts for.
 * Immutable and reference-counted.
 */
#pragma once

#include <gio/gio.h>

#include "protocol/handover.h"
#include "protocol/protocol.h"
#include "util/roots.h"

typedef struct {
    gint64 pid;         /* 0: not known */
    guint64 start_time; /* of that process, in clock ticks after boot; 0: unknown */
    gint64 uid;         /* -1: not known */
    gint64 gid;         /* -1: not known */
    char *user_name;    /* this and the following: NULL if not known */
    char *group_name;
    char *sasl_user_name;
    char *x509_name;
    char *selinux_context;
} MdIdentity;

/*
 * The connected process. If the process has ended, its PID and start time are unknown, because
 * another process may have the PID by now.
 */
MdIdentity *md_identity_new_from_socket(const MdRoots *roots, GSocket *socket);

/* This process. */
MdIdentity *md_identity_new_own(const MdRoots *roots);

/* Only the uid, which is cheaper; MD_OWNER_UNKNOWN if unknown. */
uid_t md_identity_get_peer_uid(GSocket *socket);

/*
 * The user that a client acts for, from libvirt's parameters (VIR_CONNECT_IDENTITY_*).
 * VIR_ERR_INVALID_ARG for a field of a wrong type, out of range or given twice,
 * VIR_ERR_ARGUMENT_UNSUPPORTED for an unknown field; both name the field. Ignores the token with
 * which libvirt's daemons recognize each other.
 */
MdIdentity *md_identity_new_from_params(const md_param *params, guint n, GError **error);

/* Adds an identity to the state for the next daemon. */
void md_identity_save(const MdIdentity *self, md_handover_identity *state);

/* The user that a client acts for, as the previous daemon has saved it. VIR_ERR_INVALID_ARG for a
 * number out of range. */
MdIdentity *md_identity_new_saved(const md_handover_identity *state, GError **error);

/*
 * The connected process, as the previous daemon has identified it: it may have ended meanwhile.
 * VIR_ERR_OPERATION_DENIED if the other end of the socket is not this process.
 */
MdIdentity *
md_identity_new_saved_peer(const md_handover_identity *state, GSocket *socket, GError **error);

MdIdentity *md_identity_ref(MdIdentity *self);
void md_identity_unref(MdIdentity *self);

/* Whether the user is root or the user that the daemon runs as, and so may do everything that the
 * daemon may. */
gboolean md_identity_is_privileged(const MdIdentity *self);
gboolean md_identity_is_privileged_uid(uid_t uid);

/*
 * The share (util/owner.h) of the identity's user, who is distinguished by uid. libvirt's daemons
 * send no uid for remote users; these are distinguished by SASL user name or, without one, by
 * certificate name. All users with neither have the same share.
 */
guint64 md_identity_get_share(const MdIdentity *self);

/* A new string that describes the identity, for the log. */
char *md_identity_describe(const MdIdentity *self);

/*
 * Parses the start time from the text of /proc/PID/stat; 0 on failure. The text contains the name
 * that the process has given itself, which may contain any characters.
 */
guint64 md_identity_parse_start_time(const char *stat);

/* Whether the text of /proc/PID/status belongs to a process with this real, effective or saved
 * uid. */
gboolean md_identity_is_user_of(const char *status, uid_t uid);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdIdentity, md_identity_unref)
