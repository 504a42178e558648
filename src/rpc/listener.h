/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The listening sockets: created below `socket_dir`, or passed by systemd. A created socket has its
 * mode and group before anyone can connect, replaces a stale socket, and is removed when its
 * listener is freed, unless another process has replaced it. A passed socket is not removed.
 */
#pragma once

#include <gio/gio.h>

#include "util/settings.h"

typedef struct _MdListener MdListener;

/*
 * `read_only`: the client connected to the read-only socket. `scarce`: the client took the last
 * file descriptor, so this client or another one should be disconnected.
 */
typedef void (*MdListenerFunc)(GSocket *socket, gboolean read_only, gboolean scarce, gpointer data);

/*
 * Opens all sockets for ordinary clients: takes the descriptors in `passed` or, if there are none,
 * creates two sockets. A user's daemon has only the read-write socket, because its clients use no
 * other. Freeing the array frees the listeners. VIR_ERR_RESOURCE_BUSY with the
 * path if another process listens on it.
 */
GPtrArray *md_listener_open_all(const MdSettings *settings, GArray *passed, GError **error);

/*
 * The same for the socket for administration, which only the daemon's own user may open. Called
 * after md_listener_open_all(), which creates the directory. NULL without an error: sockets were
 * passed, but not this one.
 */
MdListener *md_listener_open_admin(const MdSettings *settings, GArray *passed, GError **error);

/* Creates one socket in an existing directory; `gid` -1: the group of the process. */
MdListener *md_listener_new(const char *directory,
                            const char *name,
                            gboolean read_only,
                            guint mode,
                            gid_t gid,
                            GError **error);

/* Uses a listening socket; its name determines its purpose. Takes ownership of the descriptor, also
 * on failure. */
MdListener *md_listener_new_from_fd(int fd, GError **error);

/* Whether a descriptor, or -1, is the listening socket for administration. */
gboolean md_listener_is_admin_fd(int fd);

void md_listener_free(MdListener *self);

const char *md_listener_get_path(MdListener *self);
gboolean md_listener_is_read_only(MdListener *self);

/* Whether the socket was passed by systemd, and its mode lets every user connect. */
gboolean md_listener_is_open_to_all(MdListener *self);

/* Calls `func` for each client. All pending clients are accepted; limits are up to `func`. `func`
 * must not free the listener. */
void md_listener_start(MdListener *self, MdListenerFunc func, gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdListener, md_listener_free)
