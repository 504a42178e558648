/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as the state left by the previous daemon, behind the magic number and the revision. A
 * state that can be read is the same after it has been written and read again. Its input becomes
 * messages, its identities and callbacks are restored or refused, and all its devices are reported
 * as gone.
 */
#include "config.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "access/identity.h"
#include "protocol/text.h"
#include "remote/subscriptions.h"
#include "rpc/handover.h"
#include "rpc/receive-queue.h"
#include "util/fd.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* Limits that keep an input short. */
#define SESSIONS_MAX  16
#define DEVICES_MAX   256
#define CALLBACKS_MAX 64

/* More than an input can have. */
#define MEMORY (1 << 30)

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

/* For all inputs; without devices. */
static struct {
    MdSettings *settings;
    MdDriver *driver;
    MdEventFrames *frames;
} host;


static void
make_host(void)
{
    g_autoptr(MdRoots) roots = NULL;

    if (host.settings != NULL)
        return;
    roots = md_roots_new();
    host.settings = md_settings_load(roots, &(MdSettingsOrigin){ .config = NULL }, NULL);
    host.driver = md_driver_new(host.settings);
    host.frames = md_event_frames_new();
}


static int
make_file(const guint8 *data, gsize size)
{
    const guint32 prefix[] = { GUINT32_TO_BE(MD_HANDOVER_MAGIC),
                               GUINT32_TO_BE(MD_HANDOVER_REVISION) };
    int fd = memfd_create("state", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(write(fd, prefix, sizeof(prefix)), ==, sizeof(prefix));
    g_assert_cmpint(write(fd, data, size), ==, (gssize)size);
    g_assert_cmpint(fcntl(fd, F_ADD_SEALS, SEALS), ==, 0);
    return fd;
}


static GByteArray *
encode_state(const md_handover *state, int *fd)
{
    GByteArray *bytes = g_byte_array_new();

    *fd = md_handover_write(state, MEMORY, NULL, NULL, NULL);
    g_assert_cmpint(*fd, >=, 0);
    g_byte_array_set_size(bytes, (guint)lseek(*fd, 0, SEEK_END));
    g_assert_cmpint(pread(*fd, bytes->data, bytes->len, 0), ==, bytes->len);
    return bytes;
}


static void
try_to_hand_over_again(const md_handover *state)
{
    g_auto(MdFd) fd = -1;
    g_auto(MdFd) next_fd = -1;
    g_autoptr(GByteArray) bytes = encode_state(state, &fd);
    g_auto(md_handover) next = { 0 };
    g_autoptr(GByteArray) again = NULL;

    g_assert_true(md_handover_read(fd, MEMORY, &next, NULL));
    again = encode_state(&next, &next_fd);
    g_assert_cmpmem(bytes->data, bytes->len, again->data, again->len);
}


/* The number of messages in a queue, which becomes empty. */
static guint
count_messages(MdReceiveQueue *queue)
{
    guint n = 0;

    for (;;) {
        g_autoptr(MdMessage) message = md_receive_queue_pop(queue);

        if (message == NULL)
            message = md_receive_queue_parse(queue, TRUE, NULL);
        if (message == NULL)
            return n;
        n++;
    }
}


static void
try_input(const md_handover_client *client)
{
    g_autoptr(MdReceiveQueue) queue = md_receive_queue_new();
    g_autoptr(MdReceiveQueue) next = md_receive_queue_new();
    md_handover_client saved = { 0 };

    if (!md_receive_queue_restore(queue, client, NULL))
        return;
    md_receive_queue_save(queue, &saved);
    g_assert_true(md_receive_queue_restore(next, &saved, NULL));
    xdr_free(MD_XDR(md_handover_client), (char *)&saved);
    g_assert_cmpuint(count_messages(queue), ==, count_messages(next));
}


static void
try_identity(const md_handover_identity *saved)
{
    g_autoptr(MdIdentity) identity = saved != NULL ? md_identity_new_saved(saved, NULL) : NULL;
    g_autofree char *shown = identity != NULL ? md_identity_describe(identity) : NULL;

    if (identity == NULL)
        return;
    g_assert_nonnull(shown);
    g_assert_cmpint(identity->uid, >=, -1);
    g_assert_cmpint(identity->uid, <=, G_MAXUINT32);
}


static void
on_event(GBytes *frame, const char *device, gpointer data G_GNUC_UNUSED)
{
    g_assert_nonnull(frame);
    g_assert_nonnull(device);
}


static MdSubscriptions *
restore_callbacks(const md_handover_session *session)
{
    MdSubscriptions *subscriptions = md_subscriptions_new(host.driver, host.frames, on_event, NULL);
    md_handover_session saved = { 0 };

    if (md_subscriptions_restore(subscriptions, md_owner_get_daemon(), session, CALLBACKS_MAX,
                                 NULL)) {
        md_subscriptions_save(subscriptions, &saved);
        g_assert_cmpuint(saved.callbacks.callbacks_len, ==, session->callbacks.callbacks_len);
        xdr_free(MD_XDR(md_handover_session), (char *)&saved);
    }
    return subscriptions;
}


static void
report_devices(const md_handover *state)
{
    g_autoptr(GArray) devices = g_array_new(FALSE, FALSE, sizeof(MdSnapshotDevice));

    for (guint i = 0; i < MIN(state->devices.md_handover_devices_len, DEVICES_MAX); i++) {
        const md_handover_device *saved = &state->devices.md_handover_devices_val[i];
        const MdSnapshotDevice device = { .name = saved->name,
                                          .consumed = md_maybe_text_get(saved->consumed),
                                          .active = saved->active,
                                          .defined = saved->defined,
                                          .inode = saved->inode };

        g_array_append_val(devices, device);
    }
    md_driver_report_changes(host.driver, devices);
}


static void
try_sessions(const md_handover *state)
{
    g_autoptr(GPtrArray) all =
        g_ptr_array_new_with_free_func((GDestroyNotify)md_subscriptions_free);

    for (guint i = 0; i < MIN(state->sessions.sessions_len, SESSIONS_MAX); i++) {
        const md_handover_session *session = &state->sessions.sessions_val[i];

        try_input(&session->client);
        try_identity(&session->peer);
        try_identity(session->identity);
        g_ptr_array_add(all, restore_callbacks(session));
    }
    report_devices(state);
    for (guint i = 0; i < all->len; i++)
        md_subscriptions_catch_up(all->pdata[i]);
}


int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_auto(MdFd) fd = make_file(data, size);
    g_auto(md_handover) state = { 0 };
    g_autoptr(GError) error = NULL;

    make_host();
    if (!md_handover_read(fd, MEMORY, &state, &error)) {
        g_assert_nonnull(error);
        return 0;
    }
    try_to_hand_over_again(&state);
    try_sessions(&state);
    return 0;
}
