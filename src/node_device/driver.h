/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The operations of libvirt's node-device API on the devices of this host. Every call proceeds in
 * the same order: flags, parse or look up, check state, act, reply. Errors are libvirt's
 * (util/error.h).
 *
 * Calls that may reach a hardware driver are asynchronous. Functions named *_async complete on the
 * main loop, exactly once, in any order, and never before they have returned. `owner` identifies
 * the user and the client on whose behalf a call runs (util/owner.h): if the client disconnects
 * before the call has begun, the call fails. All other calls are answered from memory and do not
 * block.
 */
#pragma once

#include <gio/gio.h>

#include "registry/events.h"
#include "registry/node-device.h"
#include "registry/snapshot.h"
#include "util/owner.h"
#include "util/settings.h"

/* virNodeDeviceUpdateFlags, named in libvirt since 10.1. */
#define MD_UPDATE_LIVE   (1U << 0)
#define MD_UPDATE_CONFIG (1U << 1)

#define MD_TYPE_DRIVER (md_driver_get_type())
G_DECLARE_FINAL_TYPE(MdDriver, md_driver, MD, DRIVER, GObject)

/* `settings` must outlive the driver. */
MdDriver *md_driver_new(const MdSettings *settings);

/*
 * Subscribes to udev and to the directory of definitions, enumerates devices, and begins autostart.
 * Once this has completed, the functions below return complete results; until then, the main loop
 * serves others.
 */
void md_driver_start_async(MdDriver *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean md_driver_start_finish(MdDriver *self, GAsyncResult *result, GError **error);

/* Whether the driver is running operations of its own. */
gboolean md_driver_is_busy(MdDriver *self);

/* Begins no further operations of the driver's own, and completes when the running ones, including
 * the driver's start, have ended. All calls of clients must have ended before. */
void md_driver_stop_async(MdDriver *self, GAsyncReadyCallback callback, gpointer user_data);
void md_driver_stop_finish(MdDriver *self, GAsyncResult *result);

/* Reads all definitions again. */
void md_driver_reload(MdDriver *self);

/* Logs the number of devices, and running and queued work of drivers and scripts. */
void md_driver_log_state(MdDriver *self);

MdEvents *md_driver_get_events(MdDriver *self);

/* For a restart of the service, see registry/snapshot.h. */
GArray *md_driver_take_snapshot(MdDriver *self);
void md_driver_report_changes(MdDriver *self, const GArray *before);

/*
 * No event reports that another program has created or removed a vGPU of a card without mediated
 * devices. A look at the card makes the functions below return current results: for all devices or,
 * if `name` is not NULL, for this device only. A driver that does not answer delays the look by at
 * most a second.
 */
gboolean md_driver_needs_look(MdDriver *self, const char *name);
void md_driver_look_async(MdDriver *self,
                          const char *name,
                          MdOwner *owner,
                          GAsyncReadyCallback callback,
                          gpointer user_data);
void md_driver_look_finish(MdDriver *self, GAsyncResult *result);

/*
 * Finds the devices with vital product data: among all devices or, if `name` is not NULL, among
 * this device only. The result is a set of names, to be passed as `vpd` to the list functions
 * below; to these, NULL is an empty set. Fails with VIR_ERR_RESOURCE_BUSY if some devices could not
 * be queried.
 */
void md_driver_find_vpd_async(MdDriver *self,
                              const char *name,
                              MdOwner *owner,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
GHashTable *md_driver_find_vpd_finish(MdDriver *self, GAsyncResult *result, GError **error);

/* FALSE if the device is known to have no vital product data. */
gboolean md_driver_may_have_vpd(MdDriver *self, const char *name);

/* The internal list of all devices, read-only; and a number that changes whenever a device or the
 * list changes. */
GList *md_driver_get_devices(MdDriver *self);
guint64 md_driver_get_generation(MdDriver *self);

/* Names of the devices that match the virConnectListAllNodeDeviceFlags, borrowed; free the array
 * only. */
GPtrArray *md_driver_list_all(MdDriver *self, guint flags, GHashTable *vpd, GError **error);

/* The same by capability name; NULL: all devices. An unknown capability matches none. `flags` must
 * be 0. */
GPtrArray *md_driver_list_by_cap(
    MdDriver *self, const char *cap, guint flags, GHashTable *vpd, GError **error);

/* Borrowed; VIR_ERR_NO_NODE_DEVICE if no device has this name. */
MdNodeDevice *md_driver_look_up(MdDriver *self, const char *name, GError **error);

/* Finds a Fibre Channel host adapter by its world-wide names; VIR_ERR_NO_NODE_DEVICE if there is
 * none. `flags` must be 0. */
MdNodeDevice *md_driver_look_up_scsi_host(
    MdDriver *self, const char *wwnn, const char *wwpn, guint flags, GError **error);

/* `parent`: borrowed, NULL for the root of the tree. */
gboolean
md_driver_get_parent(MdDriver *self, const char *name, const char **parent, GError **error);

/* Names of all capabilities, including nested ones, as static strings; free the array only. */
GPtrArray *md_driver_list_caps(MdDriver *self, const char *name, GHashTable *vpd, GError **error);

gboolean md_driver_is_active(MdDriver *self, const char *name, gboolean *value, GError **error);
gboolean md_driver_is_persistent(MdDriver *self, const char *name, gboolean *value, GError **error);
gboolean md_driver_get_autostart(MdDriver *self, const char *name, gboolean *value, GError **error);

/* The document of a device; `flags`: virNodeDeviceXMLFlags. G_IO_ERROR_WOULD_BLOCK if it needs an
 * answer from a driver or a script. */
char *md_driver_get_xml_now(MdDriver *self, const char *name, guint flags, GError **error);

/* The same, but queries drivers and scripts as needed. Calls `done`, possibly before the function
 * returns. */
void md_driver_get_xml(MdDriver *self,
                       const char *name,
                       guint flags,
                       MdOwner *owner,
                       MdDocumentFunc done,
                       gpointer user_data);

/*
 * A document is first parsed into a draft: at once if it is short, else on a worker. The names in a
 * draft have not been looked up yet.
 */
typedef struct _MdDraft MdDraft;

/* Takes ownership of `draft` or, if that is NULL, of `error`. */
typedef void (*MdDraftFunc)(MdDraft *draft, GError *error, gpointer user_data);

typedef enum {
    MD_DRAFT_CREATE,
    MD_DRAFT_DEFINE,
    MD_DRAFT_UPDATE,
} MdDraftUse;

/* `flags` are the flags of libvirt's function for this use; `name` is the name of the device to be
 * updated, NULL for other uses. */
void md_driver_read_document(MdDriver *self,
                             MdDraftUse use,
                             const char *name,
                             const char *document,
                             guint flags,
                             MdOwner *owner,
                             MdDraftFunc func,
                             gpointer user_data);
void md_draft_free(MdDraft *self);

/* The device described by the document, active or defined, in its current state. Borrowed, or
 * NULL. */
MdNodeDevice *md_driver_find_drafted(MdDriver *self, const MdDraft *draft);

/*
 * The name of the parent given in the document or, if the document gives no parent, the names of
 * all candidates. For an absent parent, the name as given in the document. Borrowed: free the array
 * only.
 */
GPtrArray *md_driver_list_parents(MdDriver *self, const MdDraft *draft);

/*
 * Operations that change devices, finished by md_driver_change_finish(), which returns the device's
 * name. `flags` are those of the libvirt function of the same name; drafts are borrowed.
 */

/* Creates the device described by the document. If the device is defined, its definition is not
 * changed. */
void md_driver_create_xml_async(MdDriver *self,
                                const MdDraft *draft,
                                MdOwner *owner,
                                GAsyncReadyCallback callback,
                                gpointer user_data);

/* Starts an inactive device. */
void md_driver_create_async(MdDriver *self,
                            const char *name,
                            guint flags,
                            MdOwner *owner,
                            GAsyncReadyCallback callback,
                            gpointer user_data);
void md_driver_destroy_async(MdDriver *self,
                             const char *name,
                             MdOwner *owner,
                             GAsyncReadyCallback callback,
                             gpointer user_data);

/* Creates or replaces a definition, or makes an active device persistent. `guarded`: fails if the
 * device or its definition appears while the change waits for its turn. */
void md_driver_define_xml_async(MdDriver *self,
                                const MdDraft *draft,
                                gboolean guarded,
                                MdOwner *owner,
                                GAsyncReadyCallback callback,
                                gpointer user_data);
void md_driver_undefine_async(MdDriver *self,
                              const char *name,
                              guint flags,
                              MdOwner *owner,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
void md_driver_set_autostart_async(MdDriver *self,
                                   const char *name,
                                   gboolean autostart,
                                   MdOwner *owner,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data);
void md_driver_update_async(MdDriver *self,
                            const char *name,
                            const MdDraft *draft,
                            guint flags,
                            MdOwner *owner,
                            GAsyncReadyCallback callback,
                            gpointer user_data);

char *md_driver_change_finish(MdDriver *self, GAsyncResult *result, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdDraft, md_draft_free)
