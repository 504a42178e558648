/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The seam between "a device is to be made, or to go" and how that is done. The kernel's mediated
 * devices are one backend (mdev), virtual host adapters of Fibre Channel another (vhba). A backend
 * talks to the hardware's driver on workers, and answers on the main loop once the registry agrees
 * with what it says.
 */
#pragma once

#include <gio/gio.h>

#include "conf/node-device.h"
#include "inventory/inventory.h"
#include "mdevctl/callouts.h"
#include "mdevctl/definitions.h"
#include "registry/change-log.h"
#include "util/key-queue.h"
#include "util/owner.h"

typedef struct _MdRecovery MdRecovery;

/* What a backend works with, on the main loop. */
typedef struct {
    MdRegistry *registry;
    MdInventory *inventory;
    MdDefinitions *definitions;
    MdCallouts *callouts;
    MdChangeLog *changes;
    /* One change of a definition at a time, by the name of the device; and one making of a virtual
     * adapter, by its port name. */
    MdKeyQueue *key_queue;
    MdRecovery *recovery; /* NULL: nothing is removed that was left half made */
    const MdSettings *settings;
} MdDriverContext;

/* What an update changes. */
typedef enum {
    MD_BACKEND_UPDATE_LIVE = 1 << 0,
    MD_BACKEND_UPDATE_CONFIG = 1 << 1,
} MdBackendUpdate;

/* Several backends may serve one kind: which of them does is the parent's to say. */
typedef struct {
    /* The capability of the documents and devices that it serves. */
    const MdCapKind *kind;

    /* The parent that a document or a device names, if that is there; or NULL. */
    MdNodeDevice *(*find_named_parent)(const MdDriverContext *context, const MdNodeDeviceDef *def);

    /* Whether it is the one that makes devices below this parent. */
    gboolean (*serves_parent)(const MdNodeDevice *parent);

    /* The device below which `def` is to be made; the message says why there is none. NULL: the
     * backend will look for one when it makes it. */
    gboolean (*find_parent)(const MdDriverContext *context,
                            const MdNodeDeviceDef *def,
                            MdNodeDevice **parent,
                            GError **error);

    /* Adds names, see md_driver_list_parents(). */
    void (*list_parents)(const MdDriverContext *context,
                         const MdNodeDeviceDef *def,
                         GPtrArray *names);

    /* The device that a document describes, active or defined, or NULL. */
    MdNodeDevice *(*find_present)(const MdDriverContext *context, const MdNodeDeviceDef *def);

    /* `def` is the parsed document, or that of a definition; `parent` what find_parent() found. */
    void (*create_async)(const MdDriverContext *context,
                         MdNodeDevice *parent,
                         const MdNodeDeviceDef *def,
                         MdOwner *owner,
                         GAsyncReadyCallback callback,
                         gpointer user_data);
    void (*destroy_async)(const MdDriverContext *context,
                          MdNodeDevice *device,
                          MdOwner *owner,
                          GAsyncReadyCallback callback,
                          gpointer user_data);

    /*
     * The rest is about definitions. A backend that keeps none has none of it.
     */

    /* The same for one that is to be kept: it makes sure that `def` says what the parent is called
     * by the kernel, and NULL is for one that is not there. */
    gboolean (*find_persistent_parent)(const MdDriverContext *context,
                                       MdNodeDeviceDef *def,
                                       MdNodeDevice **parent,
                                       GError **error);

    /* Keeps what `def` says, new or instead of what was kept; `parent` NULL: it is not there, and
     * parent_addr says which one is meant. `guarded`: as for md_driver_define_xml_async(). */
    void (*define_async)(const MdDriverContext *context,
                         MdNodeDevice *parent,
                         const MdNodeDeviceDef *def,
                         gboolean guarded,
                         MdOwner *owner,
                         GAsyncReadyCallback callback,
                         gpointer user_data);
    void (*undefine_async)(const MdDriverContext *context,
                           const char *name,
                           MdOwner *owner,
                           GAsyncReadyCallback callback,
                           gpointer user_data);
    void (*set_autostart_async)(const MdDriverContext *context,
                                const char *name,
                                gboolean autostart,
                                MdOwner *owner,
                                GAsyncReadyCallback callback,
                                gpointer user_data);

    /* Gives a device the attributes of `def`; `what` are MdBackendUpdate. */
    void (*update_async)(const MdDriverContext *context,
                         MdNodeDevice *device,
                         const MdNodeDeviceDef *def,
                         guint what,
                         MdOwner *owner,
                         GAsyncReadyCallback callback,
                         gpointer user_data);
} MdBackend;

/*
 * Of `backends` (NULL-terminated), the one that serves the kind of `def` below the parent that it
 * names; if none serves that parent, or there is none, the first one of the kind, which can tell
 * what is missing. `persistent`: only those that keep definitions. NULL with
 * VIR_ERR_CONFIG_UNSUPPORTED if none serves the kind.
 */
const MdBackend *md_backend_choose(const MdBackend *const *backends,
                                   const MdDriverContext *context,
                                   const MdNodeDeviceDef *def,
                                   gboolean persistent,
                                   GError **error);

/* Of all that backends do: the name of the device. */
char *md_backend_finish(GAsyncResult *result, GError **error);
