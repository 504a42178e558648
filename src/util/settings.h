/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The settings of the daemon. The value of a setting is taken from the first of these sources that
 * has one: the command line; mediated.conf, a key file with the groups below; libvirt's
 * virtnodedevd.conf, see settings-stock.c; the default. An unknown group or key in mediated.conf,
 * or a value out of range, is an error that names the group, key or value. Times are in seconds in
 * the file (fractions allowed), in milliseconds here; sizes are in bytes, socket modes octal.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

#include "util/roots.h"

/* The highest value of max_clients. */
#define MD_SETTINGS_CLIENTS_MAX 1000000

/* Who may use a socket that lets every user connect. */
typedef enum {
    MD_AUTH_NONE, /* whoever can connect */
    MD_AUTH_POLKIT,
    MD_AUTH_ROOT, /* only root and the daemon's own user */
} MdAuth;

/* Where settings come from. Paths may be NULL: none. */
typedef struct {
    const char *config;          /* mediated.conf */
    gboolean config_required;    /* an error if it does not exist */
    const char *stock_config;    /* virtnodedevd.conf; may be missing */
    const char *libvirtd_config; /* libvirtd.conf; may be missing */
    gboolean is_service;         /* systemd passes the sockets of the system's daemon */
} MdSettingsOrigin;

typedef struct _MdSettingSource MdSettingSource;

typedef struct {
    MdRoots *roots;           /* the defaults of directories depend on these */
    MdSettingSource *sources; /* of all settings */

    /* About virtnodedevd.conf, for the log: mistakes, and keys without effect. Of char *. */
    GPtrArray *problems;
    GPtrArray *notes;

    /* [sockets] */
    char *socket_dir;     /* directory = /run/libvirt; of a user: $XDG_RUNTIME_DIR/libvirt */
    char *socket_group;   /* group = NULL: that of the daemon */
    gid_t socket_gid;     /* its gid; -1: the daemon's, or not looked up */
    guint socket_rw_mode; /* rw_mode = 0700 */
    guint socket_ro_mode; /* ro_mode = 0777 */

    /* [limits] */
    guint max_clients;          /* max_clients = 5000 */
    guint max_clients_per_user; /* max_clients_per_user = 1000; does not apply to root */
    guint max_client_requests;  /* max_client_requests = 5: concurrent calls of one client */
    guint max_queued_bytes;     /* max_queued_bytes = 67108864: unread output of one client */
    guint max_memory;           /* max_memory = 134217728: input and output of all clients */
    guint frame_timeout; /* frame_timeout = 30: for a client to send the rest of a frame, and to
                            read replies, if unread replies delay its further calls */
    guint max_anonymous_clients; /* max_anonymous_clients = 20: not yet authenticated */

    /* [access] */
    MdAuth auth_unix_rw;     /* auth_unix_rw = none; of the service: polkit */
    MdAuth auth_unix_ro;     /* auth_unix_ro = none; of the service: polkit */
    gboolean access_drivers; /* access_drivers = none; TRUE for polkit */
    guint auth_timeout;      /* auth_timeout = 120: for clients to authenticate */
    guint polkit_timeout;    /* polkit_timeout = 30: for polkit to authorize a call */

    /* [keepalive] */
    guint keepalive_interval; /* interval = 5; 0 sends no pings */
    guint keepalive_count;    /* count = 5: unanswered pings before disconnecting a client */

    /* [mdev] */
    guint event_timeout; /* event_timeout = 5: for udev's event after a write; then sysfs decides */
    guint driver_timeout; /* driver_timeout = 60: for a hardware driver, and for a disk */
    char *state_dir;      /* state_directory = /run/mediated: devices being created */

    /* [vgpu]: vGPUs of functions without mdev */
    gboolean vgpu_enabled;     /* enabled = true */
    char *vgpu_types_file;     /* types_file = /usr/share/nvidia/vgpu/vgpuConfig.xml */
    guint vgpu_settle;         /* settle = 10: for a driver to complete a function */
    guint vgpu_poll;           /* poll = 0: between two looks for changes by others; 0: none */
    gboolean vgpu_enable;      /* enable = true: functions of cards that have none */
    char *vgpu_enable_command; /* enable_command = /usr/lib/nvidia/sriov-manage */

    /* [definitions] */
    char *definitions_dir; /* directory = /etc/mdevctl.d */

    /* [callouts] */
    char *scripts_dir;            /* directory = /usr/lib/mdevctl/scripts.d */
    char *scripts_deprecated_dir; /* deprecated_directory = /etc/mdevctl.d/scripts.d */
    guint script_timeout;         /* timeout = 30: how long one script may run */

    /* [udev] */
    guint udev_receive_buffer; /* receive_buffer = 134217728 */

    /* [log]; see log-rules.h */
    guint log_level;   /* level = message: the MdLogPriority of this name minus 1 */
    char *log_filters; /* filters = NULL: none; not used with a level on the command line */
    char *log_outputs; /* outputs = NULL: the journal if stderr is connected to it, or stderr */

    /* [xml] */
    gboolean xml_details; /* details = true: mediated's additional elements */
} MdSettings;

/* Reads the files. NULL with an error if mediated.conf is invalid, or missing although it is
 * required. Mistakes in virtnodedevd.conf are no errors, but problems of the result. */
MdSettings *md_settings_load(MdRoots *roots, const MdSettingsOrigin *origin, GError **error);
void md_settings_free(MdSettings *self);

/* Sets a value from the command line. FALSE with an error if the text is not a valid value. */
gboolean md_settings_override(
    MdSettings *self, const char *group, const char *key, const char *text, GError **error);

/* Returns a line for each setting, with its value and its source. */
char *md_settings_describe(const MdSettings *self);

/* Applies the filters and outputs of the log. An output that cannot be opened is a problem of the
 * settings. To be called before there are threads. */
void md_settings_open_log(MdSettings *self);

/* Sets the level of the log. */
void md_settings_set_log_level(const MdSettings *self);

/* Logs the problems and notes, except those that `before` had as well (NULL: none). */
void md_settings_log(const MdSettings *self, const MdSettings *before);

/*
 * Copies `from` into the settings in place, so that all objects with a pointer to them see the new
 * values. Settings that require a restart ([sockets], directories and all other strings, the
 * receive buffer) keep their value; differences are logged. If the new mode of the read-write
 * socket is stricter and clients need not authenticate, only root may use this socket until the
 * restart.
 */
void md_settings_update(MdSettings *self, MdSettings *from);

/* Looks up the gid of `socket_group`, if set. An unknown group in virtnodedevd.conf is a problem,
 * but no error. May block on a disk or a directory service: for the start of a program only. */
gboolean md_settings_find_group(MdSettings *self, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdSettings, md_settings_free)
