/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "access/identity.h"

#include <errno.h>
#include <libvirt/libvirt.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/param.h"
#include "protocol/text.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/owner.h"

/* Since Linux 6.5; missing in older headers. */
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

/* A field of the identity of libvirt's daemons: a secret by which they recognize each other's
 * calls. mediated ignores this secret, and decides by the uid. */
#define SYSTEM_TOKEN "system.token"

/* Fields of /proc/PID/stat between the process name and the start time. */
#define FIELDS_BEFORE_START 19

/* Maximum length of a security context in bytes; the kernel's are shorter. */
#define CONTEXT_MAX 4096

/* A field of libvirt's identity, and the member of MdIdentity for it. */
typedef struct {
    const char *name;
    int type; /* VIR_TYPED_PARAM_* */
    gsize offset;
    guint64 max; /* of a number; the minimum is 0 */
} Field;

static const Field fields[] = {
    { VIR_CONNECT_IDENTITY_USER_NAME, VIR_TYPED_PARAM_STRING, offsetof(MdIdentity, user_name), 0 },
    { VIR_CONNECT_IDENTITY_UNIX_USER_ID, VIR_TYPED_PARAM_ULLONG, offsetof(MdIdentity, uid),
      G_MAXUINT32 },
    { VIR_CONNECT_IDENTITY_GROUP_NAME, VIR_TYPED_PARAM_STRING, offsetof(MdIdentity, group_name),
      0 },
    { VIR_CONNECT_IDENTITY_UNIX_GROUP_ID, VIR_TYPED_PARAM_ULLONG, offsetof(MdIdentity, gid),
      G_MAXUINT32 },
    { VIR_CONNECT_IDENTITY_PROCESS_ID, VIR_TYPED_PARAM_LLONG, offsetof(MdIdentity, pid),
      G_MAXINT32 },
    { VIR_CONNECT_IDENTITY_PROCESS_TIME, VIR_TYPED_PARAM_ULLONG, offsetof(MdIdentity, start_time),
      G_MAXUINT64 },
    { VIR_CONNECT_IDENTITY_SASL_USER_NAME, VIR_TYPED_PARAM_STRING,
      offsetof(MdIdentity, sasl_user_name), 0 },
    { VIR_CONNECT_IDENTITY_X509_DISTINGUISHED_NAME, VIR_TYPED_PARAM_STRING,
      offsetof(MdIdentity, x509_name), 0 },
    { VIR_CONNECT_IDENTITY_SELINUX_CONTEXT, VIR_TYPED_PARAM_STRING,
      offsetof(MdIdentity, selinux_context), 0 },
};


static MdIdentity *
identity_new(void)
{
    MdIdentity *self = g_rc_box_new0(MdIdentity);

    self->uid = -1;
    self->gid = -1;
    return self;
}


MdIdentity *
md_identity_ref(MdIdentity *self)
{
    return g_rc_box_acquire(self);
}


static void
identity_clear(MdIdentity *self)
{
    g_free(self->user_name);
    g_free(self->group_name);
    g_free(self->sasl_user_name);
    g_free(self->x509_name);
    g_free(self->selinux_context);
}


void
md_identity_unref(MdIdentity *self)
{
    if (self != NULL)
        g_rc_box_release_full(self, (GDestroyNotify)identity_clear);
}


guint64
md_identity_parse_start_time(const char *stat)
{
    const char *field = strrchr(stat, ')');
    guint64 ticks = 0;
    char *end = NULL;

    for (guint i = 0; i <= FIELDS_BEFORE_START && field != NULL; i++) {
        field = strchr(field, ' ');
        if (field != NULL)
            field++;
    }
    if (field == NULL || !g_ascii_isdigit(*field))
        return 0;

    ticks = g_ascii_strtoull(field, &end, 10);
    return *end == ' ' || *end == '\n' || *end == '\0' ? ticks : 0;
}


static char *
read_process_file(const MdRoots *roots, gint64 pid, const char *name)
{
    g_autofree char *path = g_strdup_printf("%s/%" G_GINT64_FORMAT "/%s", roots->proc, pid, name);
    char *text = NULL;

    g_file_get_contents(path, &text, NULL, NULL);
    return text;
}


static guint64
read_start_time(const MdRoots *roots, gint64 pid)
{
    g_autofree char *stat = read_process_file(roots, pid, "stat");

    return stat != NULL ? md_identity_parse_start_time(stat) : 0;
}


MdIdentity *
md_identity_new_own(const MdRoots *roots)
{
    MdIdentity *self = identity_new();

    self->pid = getpid();
    self->start_time = read_start_time(roots, self->pid);
    self->uid = geteuid();
    self->gid = getegid();
    return self;
}


gboolean
md_identity_is_user_of(const char *status, uid_t uid)
{
    g_auto(GStrv) lines = g_strsplit(status, "\n", -1);

    for (guint i = 0; lines[i] != NULL; i++) {
        g_auto(GStrv) words = NULL;
        g_autofree char *wanted = g_strdup_printf("%u", uid);

        if (!g_str_has_prefix(lines[i], "Uid:"))
            continue;
        words = g_strsplit_set(lines[i], " \t", -1);
        return g_strv_contains((const char *const *)&words[1], wanted);
    }
    return FALSE;
}


/* The start time of the peer; 0 if the peer has ended. The peer is checked after its start time has
 * been read, so that the time cannot be that of a later process with the same PID. */
static guint64
read_peer_start_time(const MdRoots *roots, const struct ucred *peer, int pidfd)
{
    struct pollfd ended = { .fd = pidfd, .events = POLLIN };
    guint64 start_time = read_start_time(roots, peer->pid);

    return poll(&ended, 1, 0) == 0 ? start_time : 0;
}


/*
 * The same on kernels without SO_PEERPIDFD: the start time of the process that has the peer's PID
 * now. That process must belong to the peer's user, so that no user is authorized as another one.
 */
static guint64
guess_peer_start_time(const MdRoots *roots, const struct ucred *peer)
{
    guint64 start_time = read_start_time(roots, peer->pid);
    g_autofree char *status = read_process_file(roots, peer->pid, "status");

    if (status == NULL || !md_identity_is_user_of(status, peer->uid))
        return 0;
    return read_start_time(roots, peer->pid) == start_time ? start_time : 0;
}


/* 0 if the peer has ended. */
static guint64
find_peer_start_time(const MdRoots *roots, int fd, const struct ucred *peer)
{
    g_auto(MdFd) pidfd = -1;
    int number = -1;
    socklen_t size = sizeof(number);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &number, &size) < 0)
        return errno == ENOPROTOOPT ? guess_peer_start_time(roots, peer) : 0;
    pidfd = number;
    return read_peer_start_time(roots, peer, pidfd);
}


/* NULL without a security module that labels processes. */
static char *
read_context(int fd)
{
    char context[CONTEXT_MAX + 1];
    socklen_t size = CONTEXT_MAX;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERSEC, context, &size) < 0 || size == 0)
        return NULL;
    context[size] = '\0';
    return g_strdup(context);
}


static gboolean
get_peer(int fd, struct ucred *peer)
{
    socklen_t size = sizeof(*peer);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, &size) == 0 && peer->pid > 0;
}


uid_t
md_identity_get_peer_uid(GSocket *socket)
{
    struct ucred peer = { 0 };

    return get_peer(g_socket_get_fd(socket), &peer) ? peer.uid : MD_OWNER_UNKNOWN;
}


MdIdentity *
md_identity_new_from_socket(const MdRoots *roots, GSocket *socket)
{
    MdIdentity *self = identity_new();
    struct ucred peer = { 0 };
    int fd = g_socket_get_fd(socket);

    if (!get_peer(fd, &peer))
        return self;

    self->start_time = find_peer_start_time(roots, fd, &peer);
    self->pid = self->start_time > 0 ? peer.pid : 0;
    self->uid = peer.uid;
    self->gid = peer.gid;
    self->selinux_context = read_context(fd);
    return self;
}


static const Field *
find_field(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
        if (g_str_equal(fields[i].name, name))
            return &fields[i];
    }
    return NULL;
}


static gboolean
set_number(MdIdentity *self, const Field *field, const md_value *value, GError **error)
{
    /* As an unsigned number, a negative one exceeds every limit. */
    guint64 number = value->type == VIR_TYPED_PARAM_LLONG ? (guint64)value->md_value_u.number_l
                                                          : value->md_value_u.number_ul;

    if (number > field->max) {
        md_error_set_from(error, VIR_FROM_NONE, VIR_ERR_INVALID_ARG,
                          "parameter '%s' is out of range", field->name);
        return FALSE;
    }
    G_STRUCT_MEMBER(guint64, self, field->offset) = number;
    return TRUE;
}


static gboolean
set_field(MdIdentity *self, const Field *field, const md_value *value, GError **error)
{
    if (field->type != VIR_TYPED_PARAM_STRING)
        return set_number(self, field, value, error);

    G_STRUCT_MEMBER(char *, self, field->offset) = g_strdup(value->md_value_u.text);
    return TRUE;
}


MdIdentity *
md_identity_new_from_params(const md_param *params, guint n, GError **error)
{
    g_autoptr(MdIdentity) self = identity_new();

    for (guint i = 0; i < n; i++) {
        const Field *field = find_field(params[i].field);

        if (g_str_equal(params[i].field, SYSTEM_TOKEN))
            continue;
        if (!md_param_check(params, i, field != NULL ? field->type : 0, error) ||
            !set_field(self, field, &params[i].value, error))
            return NULL;
    }
    return g_steal_pointer(&self);
}


void
md_identity_save(const MdIdentity *self, md_handover_identity *state)
{
    state->pid = self->pid;
    state->start_time = self->start_time;
    state->uid = self->uid;
    state->gid = self->gid;
    state->user_name = md_maybe_text_new(self->user_name);
    state->group_name = md_maybe_text_new(self->group_name);
    state->sasl_user_name = md_maybe_text_new(self->sasl_user_name);
    state->x509_name = md_maybe_text_new(self->x509_name);
    state->selinux_context = md_maybe_text_new(self->selinux_context);
}


MdIdentity *
md_identity_new_saved(const md_handover_identity *state, GError **error)
{
    MdIdentity *self = NULL;

    if (state->pid < 0 || state->pid > G_MAXINT32 || state->uid < -1 || state->uid > G_MAXUINT32 ||
        state->gid < -1 || state->gid > G_MAXUINT32) {
        md_error_set_from(error, VIR_FROM_NONE, VIR_ERR_INVALID_ARG, "saved identity out of range");
        return NULL;
    }
    self = identity_new();
    self->pid = state->pid;
    self->start_time = state->start_time;
    self->uid = state->uid;
    self->gid = state->gid;
    self->user_name = g_strdup(md_maybe_text_get(state->user_name));
    self->group_name = g_strdup(md_maybe_text_get(state->group_name));
    self->sasl_user_name = g_strdup(md_maybe_text_get(state->sasl_user_name));
    self->x509_name = g_strdup(md_maybe_text_get(state->x509_name));
    self->selinux_context = g_strdup(md_maybe_text_get(state->selinux_context));
    return self;
}


static gboolean
is_peer(const MdIdentity *self, const struct ucred *peer)
{
    return self->uid == peer->uid && self->gid == peer->gid &&
           (self->pid == 0 || self->pid == peer->pid);
}


MdIdentity *
md_identity_new_saved_peer(const md_handover_identity *state, GSocket *socket, GError **error)
{
    g_autoptr(MdIdentity) self = md_identity_new_saved(state, error);
    struct ucred peer = { 0 };

    if (self == NULL)
        return NULL;
    /* For a peer that the kernel did not know, no uid was saved. */
    if (get_peer(g_socket_get_fd(socket), &peer) ? !is_peer(self, &peer) : self->uid != -1) {
        md_error_set_from(error, VIR_FROM_NONE, VIR_ERR_OPERATION_DENIED,
                          "the socket belongs to process %d of user %u, not to process "
                          "%" G_GINT64_FORMAT " of user %" G_GINT64_FORMAT,
                          peer.pid, peer.uid, self->pid, self->uid);
        return NULL;
    }
    return g_steal_pointer(&self);
}


gboolean
md_identity_is_privileged_uid(uid_t uid)
{
    return uid == 0 || uid == geteuid();
}


gboolean
md_identity_is_privileged(const MdIdentity *self)
{
    return self->uid >= 0 && md_identity_is_privileged_uid((uid_t)self->uid);
}


static gboolean
has_name(const char *name)
{
    return name != NULL && *name != '\0';
}


guint64
md_identity_get_share(const MdIdentity *self)
{
    if (self->uid >= 0 && self->uid != MD_OWNER_UNKNOWN)
        return (guint64)self->uid;
    if (has_name(self->sasl_user_name))
        return md_owner_share_from_name(VIR_CONNECT_IDENTITY_SASL_USER_NAME, self->sasl_user_name);
    if (has_name(self->x509_name))
        return md_owner_share_from_name(VIR_CONNECT_IDENTITY_X509_DISTINGUISHED_NAME,
                                        self->x509_name);
    return MD_OWNER_UNKNOWN;
}


/* Appends nothing if `value` is NULL. */
static void
append_quoted(GString *text, const char *what, const char *value)
{
    g_autofree char *quoted = value != NULL ? g_strescape(value, NULL) : NULL;

    if (quoted != NULL)
        g_string_append_printf(text, ", %s '%s'", what, quoted);
}


char *
md_identity_describe(const MdIdentity *self)
{
    GString *text = g_string_new(NULL);
    guint64 share = md_identity_get_share(self);

    /* The same description as in messages of the queues. */
    if (share > MD_OWNER_UNKNOWN) {
        g_autofree char *who = md_owner_describe_share(share);

        g_string_append_printf(text, "%s, ", who);
    }
    g_string_append_printf(text,
                           "uid %" G_GINT64_FORMAT ", gid %" G_GINT64_FORMAT
                           ", pid %" G_GINT64_FORMAT,
                           self->uid, self->gid, self->pid);
    append_quoted(text, "user", self->user_name);
    append_quoted(text, "SASL user", self->sasl_user_name);
    append_quoted(text, "certificate", self->x509_name);
    append_quoted(text, "context", self->selinux_context);
    return g_string_free(text, FALSE);
}
