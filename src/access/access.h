/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Access control: who may connect, and who may do what to which device. If configured, polkit
 * checks libvirt's permissions with libvirt's actions; otherwise, each client may do what its
 * socket allows.
 *
 * Errors are VIR_ERR_AUTH_* when a client connects and VIR_ERR_ACCESS_DENIED otherwise; if polkit
 * did not answer, the error names the cause.
 */
#pragma once

#include <gio/gio.h>

#include "access/identity.h"
#include "util/owner.h"
#include "util/settings.h"

#define MD_TYPE_ACCESS (md_access_get_type())
G_DECLARE_FINAL_TYPE(MdAccess, md_access, MD, ACCESS, GObject)

/* In the order in which they are checked. */
typedef enum {
    MD_MAY_CONNECT_GETATTR = 1 << 0,
    MD_MAY_CONNECT_READ = 1 << 1,
    MD_MAY_CONNECT_WRITE = 1 << 2,
    MD_MAY_SEARCH = 1 << 3,

    /* On a device. */
    MD_MAY_GETATTR = 1 << 4,
    MD_MAY_READ = 1 << 5,
    MD_MAY_WRITE = 1 << 6,
    MD_MAY_SAVE = 1 << 7,
    MD_MAY_START = 1 << 8,
    MD_MAY_STOP = 1 << 9,
    MD_MAY_DELETE = 1 << 10,
} MdPermission;

/* libvirt's name for the device of a new document, which is authorized before the document is
 * parsed. */
#define MD_ACCESS_NEW_DEVICE "new device"

/* `settings` must outlive the object. */
MdAccess *md_access_new(const MdSettings *settings);

/* To be called if the mode of the read-write socket lets every user connect. If `rw_mode` does not,
 * and clients need not authenticate, only root and the daemon's own user may then connect. */
void md_access_set_open_to_all(MdAccess *self);

/* Whether clients of a socket must authenticate. Privileged clients need not. */
gboolean md_access_is_guarded(MdAccess *self, gboolean read_only);

/* If only root may connect, logs the reason: the configuration, or that polkit is missing. Asks
 * polkit about this process to find out. */
void md_access_announce(MdAccess *self);

const MdSettings *md_access_get_settings(MdAccess *self);

/* Asks polkit whether `peer` may connect to the socket, within `auth_timeout`. polkit may
 * prompt for a password. Refused without polkit if only root may connect. */
void md_access_authenticate_async(MdAccess *self,
                                  const MdIdentity *peer,
                                  gboolean read_only,
                                  MdOwner *owner,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);
gboolean md_access_authenticate_finish(MdAccess *self, GAsyncResult *result, GError **error);

/*
 * Whether a client may do everything, because authorization is disabled or because the client is
 * root, which polkit always authorizes. The functions below are for all other clients.
 */
gboolean md_access_is_exempt(MdAccess *self, const MdIdentity *who);

/* Checks that all of `permissions` are granted; `device` is NULL for permissions on the
 * connection. */
void md_access_check_async(MdAccess *self,
                           MdIdentity *who,
                           guint permissions,
                           const char *device,
                           MdOwner *owner,
                           GAsyncReadyCallback callback,
                           gpointer user_data);
gboolean md_access_check_finish(MdAccess *self, GAsyncResult *result, GError **error);

/*
 * Selects from `names` the devices that `who` may see, in the same order. `names` is copied; the
 * result is a new array that owns its strings.
 */
void md_access_filter_async(MdAccess *self,
                            MdIdentity *who,
                            GPtrArray *names,
                            MdOwner *owner,
                            GAsyncReadyCallback callback,
                            gpointer user_data);
GPtrArray *md_access_filter_finish(MdAccess *self, GAsyncResult *result, GError **error);

/* Logs running and waiting polkit checks. */
void md_access_log_state(MdAccess *self);
