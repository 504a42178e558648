/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The configuration file: a key file with the groups below. A missing file means defaults, an
 * unknown group or key or a value out of range is an error that names it. Times in the file are
 * seconds (fractions allowed), here milliseconds; sizes are bytes; socket modes are octal.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

#include "util/roots.h"

typedef struct {
    MdRoots *roots; /* from which the defaults of directories follow */

    /* [sockets] */
    char *socket_dir;     /* directory = /run/libvirt; of a user: $XDG_RUNTIME_DIR/libvirt */
    char *socket_group;   /* group = NULL: that of the daemon */
    gid_t socket_gid;     /* its number; -1: that of the daemon, or not looked up */
    guint socket_rw_mode; /* rw_mode = 0700 */
    guint socket_ro_mode; /* ro_mode = 0777 */

    /* [limits] */
    guint max_clients;          /* max_clients = 5000 */
    guint max_clients_per_user; /* max_clients_per_user = 1000; root has no such limit */
    guint max_client_requests;  /* max_client_requests = 5: calls of one client under way at once */
    guint max_queued_bytes;     /* max_queued_bytes = 67108864: output a client may leave unread */
    guint max_memory;    /* max_memory = 134217728: what all clients may hold of input and output */
    guint frame_timeout; /* frame_timeout = 30: how long a frame may stay half received, or
                            answers unread while the calls behind them wait */
    guint max_anonymous_clients; /* max_anonymous_clients = 20: those who must authenticate still */

    /* [access]; what may be none or polkit is true for polkit */
    gboolean auth_unix_rw;   /* auth_unix_rw = none */
    gboolean auth_unix_ro;   /* auth_unix_ro = none */
    gboolean access_drivers; /* access_drivers = none */
    guint auth_timeout;      /* auth_timeout = 120: how long clients may take to authenticate */
    guint polkit_timeout; /* polkit_timeout = 30: how long polkit may take for any other answer */

    /* [keepalive] */
    guint keepalive_interval; /* interval = 5; 0 sends no pings */
    guint keepalive_count;    /* count = 5: unanswered pings before a client is cut off */

    /* [mdev] */
    guint event_timeout; /* event_timeout = 5: how long udev may stay silent after a write, then
                            sysfs decides */
    guint
        driver_timeout; /* driver_timeout = 60: how long a caller waits for a driver behind sysfs */
    char *state_dir;    /* state_directory = /run/mediated: which devices are being made */

    /* [definitions] */
    char *definitions_dir; /* directory = /etc/mdevctl.d */

    /* [callouts] */
    char *scripts_dir;            /* directory = /usr/lib/mdevctl/scripts.d */
    char *scripts_deprecated_dir; /* deprecated_directory = /etc/mdevctl.d/scripts.d */
    guint script_timeout;         /* timeout = 30: how long one script may run */

    /* [udev] */
    guint udev_receive_buffer; /* receive_buffer = 134217728 */

    /* [xml] */
    gboolean xml_details; /* details = true: our own elements beside libvirt's */
} MdSettings;

/* `path` NULL: the defaults. `required` FALSE: so are they when the file is not there. */
MdSettings *md_settings_load(MdRoots *roots, const char *path, gboolean required, GError **error);
void md_settings_free(MdSettings *self);

/*
 * Makes the settings in use those of `from`, in place, so that whoever holds them has the new ones.
 * What only a restart can change ([sockets], the directories and all other texts, the receive
 * buffer) stays, which is logged.
 */
void md_settings_update(MdSettings *self, const MdSettings *from);

/* Looks up the number of `socket_group`, if it is set. May block on a disk or a directory service,
 * so that it is for the start of a program only. */
gboolean md_settings_find_group(MdSettings *self, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdSettings, md_settings_free)
