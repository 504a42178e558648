/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who is behind a connection: the process at its other end, or whom that process says it acts for.
 * Never changed once made; shared by counting references.
 */
#pragma once

#include <gio/gio.h>

#include "protocol/protocol.h"
#include "util/roots.h"

typedef struct {
    gint64 pid;         /* 0: not known */
    guint64 start_time; /* of that process, in ticks after the boot; 0: not known */
    gint64 uid;         /* -1: not known */
    gint64 gid;         /* -1: not known */
    char *user_name;    /* this and the rest: NULL if not told */
    char *group_name;
    char *sasl_user_name;
    char *x509_name;
    char *selinux_context;
} MdIdentity;

/*
 * The process that has connected. What cannot be told of it is not known: its number and start time
 * are not if it has ended, as the number may be that of another process by then.
 */
MdIdentity *md_identity_new_from_socket(const MdRoots *roots, GSocket *socket);

/* Only its user, which costs less; MD_OWNER_UNKNOWN: not known. */
uid_t md_identity_get_peer_uid(GSocket *socket);

/*
 * Whom a client acts for, in libvirt's words (VIR_CONNECT_IDENTITY_*). VIR_ERR_INVALID_ARG for a
 * field of another type, out of range or twice, VIR_ERR_ARGUMENT_UNSUPPORTED for one that libvirt
 * does not know; both name the field.
 */
MdIdentity *md_identity_new_from_params(const md_param *params, guint n, GError **error);

MdIdentity *md_identity_ref(MdIdentity *self);
void md_identity_unref(MdIdentity *self);

/* The user that this process runs as, or root: it may do whatever we may do. */
gboolean md_identity_is_privileged(const MdIdentity *self);
gboolean md_identity_is_privileged_uid(uid_t uid);

/*
 * Whose share it uses up (util/owner.h): that of the user with its uid. libvirt's daemons send none
 * of those who come to them over the network; they are told apart by the name of their SASL login
 * or, without one, of their certificate. Those who have neither are not told apart.
 */
guint64 md_identity_get_share(const MdIdentity *self);

/* For the log. */
char *md_identity_describe(const MdIdentity *self);

/*
 * The start time in the text of /proc/PID/stat, 0 if there is none. The name of the program, which
 * the process chooses, may hold anything.
 */
guint64 md_identity_parse_start_time(const char *stat);

/* Whether the text of /proc/PID/status is that of a process with this user ID: real, effective or
 * saved. */
gboolean md_identity_is_user_of(const char *status, uid_t uid);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdIdentity, md_identity_unref)
