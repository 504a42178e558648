/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The peer of a socket, and the identity it acts for. */
#include "config.h"

#include <libvirt/libvirt.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "access/identity.h"
#include "util/error.h"
#include "util/owner.h"

/* The fields of a stat file after the program's name, with start time 4711. */
#define REST " S 1 2 2 0 -1 4194304 10 0 0 0 1 2 3 4 20 0 1 0 4711 1000 200 18446744073709551615"


static MdIdentity *
new_from_socket(GSocket *socket)
{
    g_autoptr(MdRoots) roots = md_roots_new();

    return md_identity_new_from_socket(roots, socket);
}


static void
test_start_time(gconstpointer data)
{
    g_assert_cmpuint(md_identity_parse_start_time(data), ==, 4711);
}


static void
test_no_start_time(void)
{
    static const char *const texts[] = {
        "",
        "1",
        "1 (a",
        "1 (a)",
        "1 (a) S 1 2 3",
        "1 (a) S 1 2 2 0 -1 4194304 10 0 0 0 1 2 3 4 20 0 1 0",
        "1 (a) S 1 2 2 0 -1 4194304 10 0 0 0 1 2 3 4 20 0 1 0 ",
        "1 (a) S 1 2 2 0 -1 4194304 10 0 0 0 1 2 3 4 20 0 1 0 x7",
        "1 (a) S 1 2 2 0 -1 4194304 10 0 0 0 1 2 3 4 20 0 1 0 7x",
        "1 (a) S 1 2 2 0 -1 4194304 10 0 0 0 1 2 3 4 20 0 1 0 -7"
    };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        g_assert_cmpuint(md_identity_parse_start_time(texts[i]), ==, 0);
}


static void
test_peer(void)
{
    g_autoptr(GSocket) socket = NULL;
    g_autoptr(MdIdentity) peer = NULL;
    g_autofree char *stat = NULL;
    int fds[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
    socket = g_socket_new_from_fd(fds[0], NULL);
    peer = new_from_socket(socket);
    close(fds[1]);

    g_assert_cmpint(peer->pid, ==, getpid());
    g_assert_cmpint(peer->uid, ==, geteuid());
    g_assert_cmpint(peer->gid, ==, getegid());
    g_assert_true(g_file_get_contents("/proc/self/stat", &stat, NULL, NULL));
    g_assert_cmpuint(peer->start_time, >, 0);
    g_assert_cmpuint(peer->start_time, ==, md_identity_parse_start_time(stat));
    g_assert_true(md_identity_is_privileged(peer));
}


/* The next daemon finds the same process at the other end, or does not accept the identity. */
static void
test_saved_peer(void)
{
    g_autoptr(GSocket) socket = NULL;
    g_autoptr(MdIdentity) peer = NULL;
    g_autoptr(MdIdentity) again = NULL;
    md_handover_identity saved = { 0 };
    gint64 *const numbers[] = { &saved.pid, &saved.uid, &saved.gid };
    int fds[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
    socket = g_socket_new_from_fd(fds[0], NULL);
    peer = new_from_socket(socket);
    md_identity_save(peer, &saved);
    again = md_identity_new_saved_peer(&saved, socket, NULL);
    g_assert_cmpint(again->pid, ==, peer->pid);
    g_assert_cmpuint(again->start_time, ==, peer->start_time);
    g_assert_cmpint(again->uid, ==, peer->uid);

    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++) {
        g_autoptr(GError) error = NULL;

        (*numbers[i])++;
        g_assert_null(md_identity_new_saved_peer(&saved, socket, &error));
        g_assert_error(error, MD_ERROR, VIR_ERR_OPERATION_DENIED);
        (*numbers[i])--;
    }
    /* A process that had ended when it was identified. */
    saved.pid = 0;
    md_identity_unref(again);
    again = md_identity_new_saved_peer(&saved, socket, NULL);
    g_assert_cmpint(again->pid, ==, 0);
    xdr_free((xdrproc_t)(void (*)(void))xdr_md_handover_identity, (char *)&saved);
    close(fds[1]);
}


static void
test_saved_out_of_range(void)
{
    const md_handover_identity bad[] = {
        { .pid = -1 }, { .pid = 1LL << 31 }, { .uid = -2 },
        { .gid = -2 }, { .uid = 1LL << 32 }, { .gid = 1LL << 32 },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(md_identity_new_saved(&bad[i], &error));
        g_assert_error(error, MD_ERROR, VIR_ERR_INVALID_ARG);
    }
}


/* A socket without a file; the kernel chooses its address. */
static int
listen_anywhere(struct sockaddr_un *address, socklen_t *size)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_cmpint(bind(fd, (struct sockaddr *)address, sizeof(sa_family_t)), ==, 0);
    *size = sizeof(*address);
    g_assert_cmpint(getsockname(fd, (struct sockaddr *)address, size), ==, 0);
    g_assert_cmpint(listen(fd, 1), ==, 0);
    return fd;
}


static gboolean
connect_to(const struct sockaddr_un *address, socklen_t size)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return connect(fd, (const struct sockaddr *)address, size) == 0;
}


static void
test_user_of(void)
{
    const char *status =
        "Name:\tUid:\nUmask:\t0022\nUid:\t1000\t1001\t1002\t1001\nGid:\t7\t7\t7\t7\n";

    for (uid_t uid = 1000; uid <= 1002; uid++)
        g_assert_true(md_identity_is_user_of(status, uid));
    g_assert_false(md_identity_is_user_of(status, 7));
    g_assert_false(md_identity_is_user_of(status, 100));
    g_assert_false(md_identity_is_user_of("", 0));
    g_assert_false(md_identity_is_user_of("Uid:", 0));
}


/* The pid of an ended process may be reused. */
static void
test_peer_has_ended(void)
{
    g_autoptr(GSocket) socket = NULL;
    g_autoptr(MdIdentity) peer = NULL;
    int listener = -1;
    int status = 0;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    socklen_t size = 0;
    pid_t child = 0;

    listener = listen_anywhere(&address, &size);
    child = fork();
    if (child == 0)
        _exit(connect_to(&address, size) ? 0 : 1);
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_cmpint(status, ==, 0);
    socket = g_socket_new_from_fd(accept(listener, NULL, NULL), NULL);
    g_assert_nonnull(socket);
    peer = new_from_socket(socket);
    close(listener);

    g_assert_cmpint(peer->uid, ==, geteuid());
    g_assert_cmpint(peer->pid, ==, 0);
    g_assert_cmpuint(peer->start_time, ==, 0);
    g_assert_cmpuint(md_identity_get_peer_uid(socket), ==, geteuid());
}


/* On a socket without a peer process, no identity may be set. */
static void
test_no_peer(void)
{
    g_autoptr(GSocket) socket =
        g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL);
    g_autoptr(MdIdentity) peer = new_from_socket(socket);

    g_assert_cmpint(peer->uid, ==, -1);
    g_assert_cmpint(peer->pid, ==, 0);
    g_assert_false(md_identity_is_privileged(peer));
}


static md_param
text(const char *name, const char *value)
{
    return (md_param){ (char *)name, { VIR_TYPED_PARAM_STRING, { .text = (char *)value } } };
}


static md_param
ullong(const char *name, guint64 value)
{
    return (md_param){ (char *)name, { VIR_TYPED_PARAM_ULLONG, { .number_ul = value } } };
}


static md_param
llong(const char *name, gint64 value)
{
    return (md_param){ (char *)name, { VIR_TYPED_PARAM_LLONG, { .number_l = value } } };
}


static void
test_all_params(void)
{
    const md_param params[] = {
        text(VIR_CONNECT_IDENTITY_USER_NAME, "fred"),
        ullong(VIR_CONNECT_IDENTITY_UNIX_USER_ID, G_MAXUINT32),
        text(VIR_CONNECT_IDENTITY_GROUP_NAME, "wheel"),
        ullong(VIR_CONNECT_IDENTITY_UNIX_GROUP_ID, 0),
        llong(VIR_CONNECT_IDENTITY_PROCESS_ID, G_MAXINT32),
        ullong(VIR_CONNECT_IDENTITY_PROCESS_TIME, G_MAXUINT64),
        text(VIR_CONNECT_IDENTITY_SASL_USER_NAME, ""),
        text(VIR_CONNECT_IDENTITY_X509_DISTINGUISHED_NAME, "CN=fred"),
        text(VIR_CONNECT_IDENTITY_SELINUX_CONTEXT, "a:b:c\n"),
    };
    g_autoptr(GError) error = NULL;
    g_autoptr(MdIdentity) who = md_identity_new_from_params(params, G_N_ELEMENTS(params), &error);
    g_autofree char *words = NULL;

    g_assert_no_error(error);
    g_assert_cmpstr(who->user_name, ==, "fred");
    g_assert_cmpint(who->uid, ==, G_MAXUINT32);
    g_assert_cmpstr(who->group_name, ==, "wheel");
    g_assert_cmpint(who->gid, ==, 0);
    g_assert_cmpint(who->pid, ==, G_MAXINT32);
    g_assert_cmpuint(who->start_time, ==, G_MAXUINT64);
    g_assert_cmpstr(who->sasl_user_name, ==, "");
    g_assert_cmpstr(who->x509_name, ==, "CN=fred");
    g_assert_cmpstr(who->selinux_context, ==, "a:b:c\n");
    g_assert_false(md_identity_is_privileged(who));
    words = md_identity_describe(who);
    g_assert_nonnull(strstr(words, "user 'fred', SASL user '', certificate 'CN=fred', "
                                   "context 'a:b:c\\n'"));
}


static guint64
find_share(const md_param *params, guint n)
{
    g_autoptr(MdIdentity) who = md_identity_new_from_params(params, n, NULL);

    g_assert_nonnull(who);
    return md_identity_get_share(who);
}


/* Users are distinguished by uid, else by a name; users with neither share one share. The invalid
 * uid counts as none. */
static void
test_shares(void)
{
    const md_param known[] = { ullong(VIR_CONNECT_IDENTITY_UNIX_USER_ID, 1000),
                               text(VIR_CONNECT_IDENTITY_SASL_USER_NAME, "fred") };
    const md_param named[] = { text(VIR_CONNECT_IDENTITY_SASL_USER_NAME, "fred"),
                               ullong(VIR_CONNECT_IDENTITY_UNIX_USER_ID, G_MAXUINT32),
                               text(VIR_CONNECT_IDENTITY_X509_DISTINGUISHED_NAME, "CN=host") };
    const md_param certified[] = { text(VIR_CONNECT_IDENTITY_SASL_USER_NAME, ""),
                                   text(VIR_CONNECT_IDENTITY_X509_DISTINGUISHED_NAME, "CN=host") };
    const md_param nameless[] = { text(VIR_CONNECT_IDENTITY_SELINUX_CONTEXT, "a:b:c") };
    guint64 fred = md_owner_share_from_name(VIR_CONNECT_IDENTITY_SASL_USER_NAME, "fred");

    g_assert_cmpuint(find_share(known, G_N_ELEMENTS(known)), ==, 1000);
    g_assert_cmpuint(find_share(named, G_N_ELEMENTS(named)), ==, fred);
    g_assert_cmpuint(find_share(certified, G_N_ELEMENTS(certified)), ==, find_share(&named[2], 1));
    g_assert_cmpuint(find_share(&named[2], 1), !=, fred);
    g_assert_cmpuint(find_share(nameless, G_N_ELEMENTS(nameless)), ==, MD_OWNER_UNKNOWN);
}


static void
test_no_params(void)
{
    g_autoptr(MdIdentity) who = md_identity_new_from_params(NULL, 0, NULL);

    g_assert_cmpint(who->uid, ==, -1);
    g_assert_cmpint(who->gid, ==, -1);
    g_assert_cmpint(who->pid, ==, 0);
    g_assert_null(who->user_name);
    g_assert_false(md_identity_is_privileged(who));
}


/* libvirt's daemons send a token with their own identity, for example when they start a pool. */
static void
test_token(void)
{
    const md_param params[] = { ullong(VIR_CONNECT_IDENTITY_UNIX_USER_ID, 0),
                                text("system.token", "d1cc1f0a") };
    g_autoptr(GError) error = NULL;
    g_autoptr(MdIdentity) who = md_identity_new_from_params(params, G_N_ELEMENTS(params), &error);

    g_assert_no_error(error);
    g_assert_cmpint(who->uid, ==, 0);
}


static void
assert_refused(const md_param *params, guint n, int code, const char *words)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(md_identity_new_from_params(params, n, &error));
    g_assert_error(error, MD_ERROR, code);
    g_assert_cmpstr(error->message, ==, words);
}


static void
test_bad_params(void)
{
    const md_param number = text(VIR_CONNECT_IDENTITY_UNIX_USER_ID, "0");
    const md_param name = ullong(VIR_CONNECT_IDENTITY_USER_NAME, 0);
    const md_param great = ullong(VIR_CONNECT_IDENTITY_UNIX_USER_ID, 1ull << 32);
    const md_param negative = llong(VIR_CONNECT_IDENTITY_PROCESS_ID, -1);
    const md_param unknown = text("shoe-size", "43");
    const md_param twice[] = { text(VIR_CONNECT_IDENTITY_USER_NAME, "a"),
                               ullong(VIR_CONNECT_IDENTITY_UNIX_USER_ID, 1),
                               text(VIR_CONNECT_IDENTITY_USER_NAME, "b") };

    assert_refused(&number, 1, VIR_ERR_INVALID_ARG,
                   "invalid type 'string' for parameter 'unix-user-id', expected 'ullong'");
    assert_refused(&name, 1, VIR_ERR_INVALID_ARG,
                   "invalid type 'ullong' for parameter 'user-name', expected 'string'");
    assert_refused(&great, 1, VIR_ERR_INVALID_ARG, "parameter 'unix-user-id' is out of range");
    assert_refused(&negative, 1, VIR_ERR_INVALID_ARG, "parameter 'process-id' is out of range");
    assert_refused(&unknown, 1, VIR_ERR_ARGUMENT_UNSUPPORTED,
                   "parameter 'shoe-size' not supported");
    assert_refused(twice, 3, VIR_ERR_INVALID_ARG, "parameter 'user-name' occurs multiple times");
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/identity/start-time/plain", "7 (cat)" REST "\n", test_start_time);
    g_test_add_data_func("/identity/start-time/spaces", "7 (a b c)" REST, test_start_time);
    g_test_add_data_func("/identity/start-time/brackets", "7 (a) R 1 (b))" REST, test_start_time);
    g_test_add_data_func("/identity/start-time/newline", "7 (a\n) )" REST, test_start_time);
    g_test_add_func("/identity/start-time/none", test_no_start_time);
    g_test_add_func("/identity/peer", test_peer);
    g_test_add_func("/identity/peer/has-ended", test_peer_has_ended);
    g_test_add_func("/identity/user-of", test_user_of);
    g_test_add_func("/identity/no-peer", test_no_peer);
    g_test_add_func("/identity/saved/peer", test_saved_peer);
    g_test_add_func("/identity/saved/out-of-range", test_saved_out_of_range);
    g_test_add_func("/identity/params/all", test_all_params);
    g_test_add_func("/identity/shares", test_shares);
    g_test_add_func("/identity/params/none", test_no_params);
    g_test_add_func("/identity/params/token", test_token);
    g_test_add_func("/identity/params/bad", test_bad_params);
    return g_test_run();
}
