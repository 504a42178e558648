/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The verbs of libvirt's node-device API, on the devices of this host. Every call goes the same
 * way: flags, parse or look up, state, act, answer. Errors are libvirt's (util/error.h).
 *
 * Calls that may reach a hardware driver are asynchronous: they answer on the main loop, exactly
 * once, in any order, and never while the starting call is still running. Their `owner` is whom the
 * work is done for (util/owner.h): what has not begun when its client goes fails. All others answer
 * from memory and do not block.
 */
#pragma once

#include <gio/gio.h>

#include "registry/events.h"
#include "registry/node-device.h"
#include "util/owner.h"
#include "util/settings.h"

/* virNodeDeviceUpdateFlags, which have names since libvirt 10.1. */
#define MD_UPDATE_LIVE   (1U << 0)
#define MD_UPDATE_CONFIG (1U << 1)

#define MD_TYPE_DRIVER (md_driver_get_type())
G_DECLARE_FINAL_TYPE(MdDriver, md_driver, MD, DRIVER, GObject)

/* `settings` must outlive the driver. */
MdDriver *md_driver_new(const MdSettings *settings);

/*
 * Listens to udev and to the directory of definitions, then lists what is there, and starts what is
 * to be started. From its end on the answers below are true; the main loop serves others meanwhile.
 */
void md_driver_start_async(MdDriver *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean md_driver_start_finish(MdDriver *self, GAsyncResult *result, GError **error);

/* Whether something is under way that the driver has begun by itself. */
gboolean md_driver_is_busy(MdDriver *self);

/* Calls back when nothing is under way that the driver has begun by itself, its start included; it
 * begins nothing any more. For the calls of clients wait before. */
void md_driver_stop_async(MdDriver *self, GAsyncReadyCallback callback, gpointer user_data);
void md_driver_stop_finish(MdDriver *self, GAsyncResult *result);

/* Reads all definitions again. */
void md_driver_reload(MdDriver *self);

/* Logs how many devices there are, and what runs and waits for drivers and scripts. */
void md_driver_log_state(MdDriver *self);

MdEvents *md_driver_get_events(MdDriver *self);

/*
 * Names of the devices that have vital product data, which is not kept, as a set: of all devices,
 * or of one. For the lists below, whose `vpd` it is; NULL there stands for an empty one. Fails with
 * VIR_ERR_RESOURCE_BUSY if some could not be asked.
 */
void md_driver_find_vpd_async(MdDriver *self,
                              const char *name,
                              MdOwner *owner,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
GHashTable *md_driver_find_vpd_finish(MdDriver *self, GAsyncResult *result, GError **error);

/* FALSE if a device is known to have none. */
gboolean md_driver_may_have_vpd(MdDriver *self, const char *name);

/* Names of the devices that fit the virConnectListAllNodeDeviceFlags, each borrowed; free the array
 * only. */
GPtrArray *md_driver_list_all(MdDriver *self, guint flags, GHashTable *vpd, GError **error);

/* The same by the name of a capability; NULL: all devices. An unknown capability fits none. `flags`
 * must be 0. */
GPtrArray *md_driver_list_by_cap(
    MdDriver *self, const char *cap, guint flags, GHashTable *vpd, GError **error);

/* Borrowed; VIR_ERR_NO_NODE_DEVICE if there is none of that name. */
MdNodeDevice *md_driver_look_up(MdDriver *self, const char *name, GError **error);

/* By the world-wide names of a host adapter of Fibre Channel; the same error. `flags` must be 0. */
MdNodeDevice *md_driver_look_up_scsi_host(
    MdDriver *self, const char *wwnn, const char *wwpn, guint flags, GError **error);

/* `parent`: borrowed, NULL for the root of the tree. */
gboolean
md_driver_get_parent(MdDriver *self, const char *name, const char **parent, GError **error);

/* Names of all capabilities, nested ones too, static strings; free the array only. */
GPtrArray *md_driver_list_caps(MdDriver *self, const char *name, GHashTable *vpd, GError **error);

gboolean md_driver_is_active(MdDriver *self, const char *name, gboolean *value, GError **error);
gboolean md_driver_is_persistent(MdDriver *self, const char *name, gboolean *value, GError **error);
gboolean md_driver_get_autostart(MdDriver *self, const char *name, gboolean *value, GError **error);

/* The document of a device; `flags`: virNodeDeviceXMLFlags. G_IO_ERROR_WOULD_BLOCK if a driver or a
 * script has to be asked for it. */
char *md_driver_get_xml_now(MdDriver *self, const char *name, guint flags, GError **error);

/* The same, asking whoever has to be asked, and telling `done`, maybe at once. */
void md_driver_get_xml(MdDriver *self,
                       const char *name,
                       guint flags,
                       MdOwner *owner,
                       MdDocumentFunc done,
                       gpointer user_data);

/*
 * Documents. They are read first, and what comes of that, a draft, is told to a function: at once
 * if the document is short, which costs little, else when a worker has read it. Of what the
 * document names nothing has been looked up then.
 */
typedef struct _MdDraft MdDraft;

/* `draft` is taken over; it is NULL if there is an `error`, which is taken over, too. */
typedef void (*MdDraftFunc)(MdDraft *draft, GError *error, gpointer user_data);

typedef enum {
    MD_DRAFT_CREATE,
    MD_DRAFT_DEFINE,
    MD_DRAFT_UPDATE,
} MdDraftUse;

/* `flags` are those of libvirt's function for that use; `name` is that of a device to be updated,
 * else NULL. */
void md_driver_read_document(MdDriver *self,
                             MdDraftUse use,
                             const char *name,
                             const char *document,
                             guint flags,
                             MdOwner *owner,
                             MdDraftFunc func,
                             gpointer user_data);
void md_draft_free(MdDraft *self);

/* The device that the document describes, if it is there, active or defined: as it stands now.
 * Borrowed, or NULL. */
MdNodeDevice *md_driver_find_drafted(MdDriver *self, const MdDraft *draft);

/*
 * Names of the device that the document names as the parent, or, if it leaves that to us, of those
 * that may be it; one that is not there has the name that the document gives it. Borrowed: free the
 * array only.
 */
GPtrArray *md_driver_list_parents(MdDriver *self, const MdDraft *draft);

/*
 * What changes devices. Each of them is finished by md_driver_change_finish(), which returns the
 * name of the device. `flags` are those of libvirt's function of the same name; drafts are
 * borrowed.
 */

/* What the document says, also if it is the document of a device that is defined: the definition
 * stays as it is. */
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

/* A new definition, another one for a device that has one, or one for a device that is active.
 * `guarded`: it fails if by its turn there is a device, or a definition, that is not there now. */
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
