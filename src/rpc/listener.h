/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sockets where clients knock: made by us below `socket_dir`, or handed over by systemd. A
 * socket of ours is there with its mode and group before anyone can connect, takes the place of one
 * that nobody listens to any more, and is removed when its listener is freed, unless it is
 * another's by then. A socket handed over is left.
 */
#pragma once

#include <gio/gio.h>

#include "util/settings.h"

typedef struct _MdListener MdListener;

/*
 * `read_only`: the client came through the socket for readers. `scarce`: the process has no
 * descriptor left beside that of the client, which should be closed, or another one instead.
 */
typedef void (*MdListenerFunc)(GSocket *socket, gboolean read_only, gboolean scarce, gpointer data);

/*
 * All sockets of the daemon: those handed over if there are any, else our own two, of which a
 * user's daemon has the first only, as clients of it look for no other. Free the array to free them
 * all. VIR_ERR_RESOURCE_BUSY that names the path if somebody listens there already.
 */
GPtrArray *md_listener_open_all(const MdSettings *settings, GError **error);

/* Whether sockets are handed over, so that none is made. */
gboolean md_listener_is_handed_over(void);

/* One socket of ours in a directory that is there; `gid` -1: the group of the process. */
MdListener *md_listener_new(const char *directory,
                            const char *name,
                            gboolean read_only,
                            guint mode,
                            gid_t gid,
                            GError **error);

/* One that listens already; its name tells what it is for. Takes the descriptor over, in any case.
 */
MdListener *md_listener_new_from_fd(int fd, GError **error);

void md_listener_free(MdListener *self);

const char *md_listener_get_path(MdListener *self);
gboolean md_listener_is_read_only(MdListener *self);

/* `func` is called for every client that comes: nobody waits outside because of others. It must not
 * free the listener. */
void md_listener_start(MdListener *self, MdListenerFunc func, gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdListener, md_listener_free)
