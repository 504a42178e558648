/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state that a daemon leaves to the next one, whole and damaged. */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "rpc/handover.h"
#include "rpc/message.h"
#include "rpc/receive-queue.h"
#include "util/error.h"
#include "util/fd.h"

#define SEALS  (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define DEVICE "pci_0000_06_00_0"
#define MEMORY (64 * 1024)

typedef struct {
    md_handover_session session;
    md_handover_callback callback;
    md_handover_device device;
    md_text text;
    md_handover state;
} Fixture;


static void
set_up(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    fixture->text = (char *)DEVICE;
    fixture->callback = (md_handover_callback){ 7, 1, &fixture->text };
    fixture->session.cookie = G_MAXUINT64;
    fixture->session.peer.uid = -1;
    fixture->session.uri = &fixture->text;
    fixture->session.callbacks.callbacks_len = 1;
    fixture->session.callbacks.callbacks_val = &fixture->callback;
    fixture->session.client.input.md_handover_bytes_len = 3;
    fixture->session.client.input.md_handover_bytes_val = (char *)"\0\0\1";
    fixture->device.name = (char *)DEVICE;
    fixture->device.inode = 5;
    fixture->state.magic = MD_HANDOVER_MAGIC;
    fixture->state.revision = MD_HANDOVER_REVISION;
    fixture->state.sessions.sessions_len = 1;
    fixture->state.sessions.sessions_val = &fixture->session;
    fixture->state.devices.md_handover_devices_len = 1;
    fixture->state.devices.md_handover_devices_val = &fixture->device;
}


static GByteArray *
encode(const Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    g_auto(MdFd) fd = md_handover_write(&fixture->state, MEMORY, NULL, NULL, &error);
    GByteArray *bytes = g_byte_array_new();

    g_assert_no_error(error);
    g_assert_cmpint(fd, >=, 0);
    g_byte_array_set_size(bytes, (guint)lseek(fd, 0, SEEK_END));
    g_assert_cmpint(pread(fd, bytes->data, bytes->len, 0), ==, bytes->len);
    return bytes;
}


static int
make_file(const GByteArray *bytes, int seals)
{
    int fd = memfd_create("state", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(write(fd, bytes->data, bytes->len), ==, bytes->len);
    g_assert_cmpint(fcntl(fd, F_ADD_SEALS, seals), ==, 0);
    return fd;
}


static void
assert_refused(int file, const char *says)
{
    g_auto(MdFd) fd = file;
    g_auto(md_handover) state = { 0 };
    g_autoptr(GError) error = NULL;

    g_assert_false(md_handover_read(fd, MEMORY, &state, &error));
    g_assert_error(error, MD_ERROR, VIR_ERR_RPC);
    g_assert_nonnull(strstr(error->message, says));
}


static void
test_round_trip(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;
    g_auto(MdFd) fd = md_handover_write(&fixture->state, MEMORY, NULL, NULL, &error);
    g_auto(md_handover) state = { 0 };
    const md_handover_session *session = NULL;

    g_assert_no_error(error);
    g_assert_cmpint(write(fd, "x", 1), ==, -1);
    g_assert_true(md_handover_read(fd, MEMORY, &state, &error));
    g_assert_cmpuint(state.sessions.sessions_len, ==, 1);
    session = state.sessions.sessions_val;
    g_assert_cmpuint(session->cookie, ==, G_MAXUINT64);
    g_assert_cmpint(session->peer.uid, ==, -1);
    g_assert_cmpstr(*session->uri, ==, DEVICE);
    g_assert_null(session->identity);
    g_assert_cmpint(session->callbacks.callbacks_val->id, ==, 7);
    g_assert_cmpstr(*session->callbacks.callbacks_val->device, ==, DEVICE);
    g_assert_cmpmem(session->client.input.md_handover_bytes_val,
                    session->client.input.md_handover_bytes_len, "\0\0\1", 3);
    g_assert_cmpuint(state.devices.md_handover_devices_val->inode, ==, 5);
}


static void
test_truncated(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GByteArray) bytes = encode(fixture);

    while (bytes->len > 4) {
        g_byte_array_set_size(bytes, bytes->len - 4);
        assert_refused(make_file(bytes, SEALS), bytes->len < 12 ? "bytes, not" : "damaged");
    }
}


/* Every length and count in turn becomes the largest. */
static void
test_hostile(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GByteArray) bytes = encode(fixture);

    for (guint at = 8; at < bytes->len; at += 4) {
        g_autoptr(GByteArray) damaged = g_byte_array_new();
        g_auto(md_handover) state = { 0 };
        g_auto(MdFd) fd = -1;

        g_byte_array_append(damaged, bytes->data, bytes->len);
        memset(damaged->data + at, 0xff, 4);
        fd = make_file(damaged, SEALS);
        /* If the word is no length or count, the state is still valid. */
        if (md_handover_read(fd, MEMORY, &state, NULL))
            g_assert_cmpuint(state.sessions.sessions_len, ==, 1);
    }
}


/* No memory is taken for sessions that the file cannot contain. */
static void
test_too_many_sessions(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GByteArray) bytes = encode(fixture);
    const guint32 allowed = GUINT32_TO_BE(MD_HANDOVER_SESSIONS_MAX);

    memcpy(bytes->data + 8, &allowed, sizeof(allowed));
    assert_refused(make_file(bytes, SEALS), "for 1000064 clients");
    memset(bytes->data + 8, 0xff, 4);
    assert_refused(make_file(bytes, SEALS), "for 4294967295 clients");
}


static void
test_revision(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GByteArray) bytes = NULL;

    fixture->state.revision = MD_HANDOVER_REVISION + 1;
    bytes = encode(fixture);
    assert_refused(make_file(bytes, SEALS), "this daemon understands revision");
    bytes->data[0] ^= 1;
    assert_refused(make_file(bytes, SEALS), "this daemon understands revision");
}


static void
test_file(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GByteArray) bytes = encode(fixture);
    g_auto(MdFd) huge = memfd_create("state", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    assert_refused(-1, "not a sealed file");
    assert_refused(open("/dev/null", O_RDONLY | O_CLOEXEC), "not a sealed file");
    assert_refused(make_file(bytes, SEALS & ~F_SEAL_WRITE), "not a sealed file");
    assert_refused(make_file(bytes, SEALS & ~F_SEAL_SHRINK), "not a sealed file");

    g_assert_cmpint(ftruncate(huge, (off_t)G_MAXUINT32 + 1), ==, 0);
    g_assert_cmpint(fcntl(huge, F_ADD_SEALS, SEALS), ==, 0);
    assert_refused(g_steal_fd(&huge), "bytes, not");
}


/* The cookies of the sessions read, in order, as text. */
static char *
read_cookies(int fd, gsize max_memory)
{
    g_auto(md_handover) state = { 0 };
    g_autoptr(GError) error = NULL;
    GString *text = g_string_new(NULL);

    g_assert_true(md_handover_read(fd, max_memory, &state, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(state.devices.md_handover_devices_len, ==, 1);
    for (guint i = 0; i < state.sessions.sessions_len; i++)
        g_string_append_c(text, (char)('0' + state.sessions.sessions_val[i].cookie));
    return g_string_free(text, FALSE);
}


/* Only the session that exceeds a limit of its own is left out. */
static void
test_too_large(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    gsize size = MD_HANDOVER_BYTES_MAX + (gsize)1;
    /* Not written to, so that it occupies no memory. */
    g_autofree char *bytes = g_malloc0(size);
    md_handover_session sessions[] = { { .cookie = 1 }, { .cookie = 2 }, { .cookie = 3 } };
    g_autoptr(GError) error = NULL;
    g_auto(MdFd) fd = -1;
    g_autofree char *cookies = NULL;

    sessions[1].client.input.md_handover_bytes_len = (guint)size;
    sessions[1].client.input.md_handover_bytes_val = bytes;
    fixture->state.sessions.sessions_len = G_N_ELEMENTS(sessions);
    fixture->state.sessions.sessions_val = sessions;
    fd = md_handover_write(&fixture->state, G_MAXUINT32, NULL, NULL, &error);
    g_assert_no_error(error);
    cookies = read_cookies(fd, G_MAXUINT32);
    g_assert_cmpstr(cookies, ==, "13");
}


static void
save_input(guint i, md_handover_session *saved, gpointer data G_GNUC_UNUSED)
{
    static const guint sizes[] = { 10000, 50000, 20000, 20000 };

    saved->cookie = i + 1;
    saved->client.input.md_handover_bytes_len = sizes[i];
    saved->client.input.md_handover_bytes_val = g_malloc0(sizes[i]);
}


static void
count_left_out(guint i, gsize size, gpointer data)
{
    guint *left_out = data;

    g_assert_cmpuint(i, ==, 1);
    g_assert_cmpuint(size, >, 50000);
    (*left_out)++;
}


/* The largest sessions are left out when the state is written, and when a daemon with less memory
 * reads it. What is accounted to connections always fits. */
static void
test_limit(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    static const MdHandoverFuncs funcs = { save_input, count_left_out };
    const struct {
        gsize written;
        gsize read;
        guint left_out;
        const char *cookies;
    } cases[] = { { 100000, 100000, 0, "1234" },
                  { 50000, 50000, 1, "134" },
                  { 100000, 50000, 0, "134" },
                  { 100000, 11000, 0, "1" },
                  { 50000, 0, 1, "" } };

    fixture->state.sessions.sessions_len = 4;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        guint left_out = 0;
        g_autoptr(GError) error = NULL;
        g_auto(MdFd) fd =
            md_handover_write(&fixture->state, cases[i].written, &funcs, &left_out, &error);
        g_autofree char *cookies = NULL;

        g_assert_no_error(error);
        g_assert_cmpuint(left_out, ==, cases[i].left_out);
        cookies = read_cookies(fd, cases[i].read);
        g_assert_cmpstr(cookies, ==, cases[i].cookies);
    }
}


/* Input that no client can have sent. */
static void
test_impossible_input(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    md_handover_bytes payload = { 4, (char *)"abcd" };
    md_handover_message message = { .length = 32, .limit = 4096, .payload = &payload };
    md_handover_client *client = &fixture->session.client;
    const struct {
        guint64 length;
        guint64 remaining;
        gboolean discarded;
    } cases[] = { { 27, 0, FALSE }, { 33, 0, FALSE }, { G_MAXUINT64, 0, FALSE },
                  { 32, 1, FALSE }, { 32, 0, TRUE },  { 32, 33, TRUE } };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(MdReceiveQueue) queue = md_receive_queue_new();
        g_autoptr(GError) error = NULL;

        message.length = cases[i].length;
        client->remaining = cases[i].remaining;
        client->discarded = cases[i].discarded ? &message : NULL;
        client->messages.messages_len = cases[i].discarded ? 0 : 1;
        client->messages.messages_val = &message;
        g_assert_false(md_receive_queue_restore(queue, client, &error));
        g_assert_error(error, MD_ERROR, VIR_ERR_RPC);
    }
}


/* The next queue continues with waiting messages, and with an incomplete one, even if that exceeds
 * the limit. */
static void
test_input(Fixture *fixture G_GNUC_UNUSED, gconstpointer data G_GNUC_UNUSED)
{
    static const guint8 frame[] = { 0, 0, 0, 32, [28] = 'a', 'b', 'c', 'd' };

    for (gsize limit = 28; limit <= 32; limit += 4) {
        for (gsize cut = 1; cut < sizeof(frame); cut++) {
            g_autoptr(MdReceiveQueue) one = md_receive_queue_new();
            g_autoptr(MdReceiveQueue) next = md_receive_queue_new();
            md_handover_client state = { 0 };
            g_autoptr(MdMessage) message = NULL;

            md_receive_queue_set_limit(one, limit);
            md_receive_queue_set_limit(next, limit);
            md_receive_queue_feed(one, frame, sizeof(frame));
            md_receive_queue_push(one, md_receive_queue_parse(one, TRUE, NULL));
            md_receive_queue_feed(one, frame, cut);
            g_assert_null(md_receive_queue_parse(one, TRUE, NULL));
            md_receive_queue_save(one, &state);
            g_assert_true(md_receive_queue_restore(next, &state, NULL));
            xdr_free(MD_XDR(md_handover_client), (char *)&state);

            message = md_receive_queue_pop(next);
            g_assert_cmpuint(message->length, ==, sizeof(frame));
            g_assert_true((message->payload != NULL) == (limit == sizeof(frame)));
            md_message_free(g_steal_pointer(&message));
            md_receive_queue_feed(next, frame + cut, sizeof(frame) - cut);
            message = md_receive_queue_parse(next, TRUE, NULL);
            g_assert_cmpuint(message->length, ==, sizeof(frame));
            g_assert_false(md_receive_queue_has_partial_frame(next));
        }
    }
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, func) g_test_add("/handover/" path, Fixture, NULL, set_up, func, NULL)
    ADD("round-trip", test_round_trip);
    ADD("truncated", test_truncated);
    ADD("hostile", test_hostile);
    ADD("too-many-sessions", test_too_many_sessions);
    ADD("revision", test_revision);
    ADD("file", test_file);
    ADD("too-large", test_too_large);
    ADD("limit", test_limit);
    ADD("impossible-input", test_impossible_input);
    ADD("input", test_input);
    return g_test_run();
}
