/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The seam between "a parent with types" and "how a device of a type is made and kept". The
 * kernel's mediated devices are the first backend (mdev.c, mdev-config.c). A backend talks to the
 * hardware's driver on workers, and answers on the main loop once the registry agrees with what it
 * says.
 */
#pragma once

#include <gio/gio.h>

#include "conf/node-device.h"
#include "node_device/callouts.h"
#include "node_device/definitions.h"
#include "node_device/inventory.h"
#include "util/turns.h"

/* What a backend works with, on the main loop. */
typedef struct {
    MdRegistry *registry;
    MdInventory *inventory;
    MdDefinitions *definitions;
    MdCallouts *callouts;
    MdTurns *turns; /* on devices, by name: one change of a definition at a time */
    const MdSettings *settings;
} MdBackendHost;

/* What an update changes. */
typedef enum {
    MD_BACKEND_UPDATE_LIVE = 1 << 0,
    MD_BACKEND_UPDATE_CONFIG = 1 << 1,
} MdBackendUpdate;

typedef struct {
    /* The capability whose documents and devices it serves. */
    const MdCapKind *kind;

    /* Whether devices can be made below this one at all; the message says why not. */
    gboolean (*check_parent)(MdNodeDevice *parent, GError **error);

    /* `def` is the parsed document, or that of a definition; `parent` the device it names. */
    void (*create_async)(const MdBackendHost *host,
                         MdNodeDevice *parent,
                         const MdNodeDeviceDef *def,
                         GAsyncReadyCallback callback,
                         gpointer user_data);
    void (*destroy_async)(const MdBackendHost *host,
                          MdNodeDevice *device,
                          GAsyncReadyCallback callback,
                          gpointer user_data);

    /* Keeps what `def` says, new or instead of what was kept; `parent` NULL: it is not there, and
     * parent_addr says which one is meant. */
    void (*define_async)(const MdBackendHost *host,
                         MdNodeDevice *parent,
                         const MdNodeDeviceDef *def,
                         GAsyncReadyCallback callback,
                         gpointer user_data);
    void (*undefine_async)(const MdBackendHost *host,
                           const char *name,
                           GAsyncReadyCallback callback,
                           gpointer user_data);
    void (*set_autostart_async)(const MdBackendHost *host,
                                const char *name,
                                gboolean autostart,
                                GAsyncReadyCallback callback,
                                gpointer user_data);

    /* Gives a device the attributes of `def`; `what` are MdBackendUpdate. */
    void (*update_async)(const MdBackendHost *host,
                         MdNodeDevice *device,
                         const MdNodeDeviceDef *def,
                         guint what,
                         GAsyncReadyCallback callback,
                         gpointer user_data);

    /* Of all of the above: the name of the device. */
    char *(*finish)(GAsyncResult *result, GError **error);
} MdBackend;

extern const MdBackend md_backend_mdev;

/* The backend for a device or a document, or NULL with VIR_ERR_CONFIG_UNSUPPORTED. */
const MdBackend *md_backend_find(const MdNodeDeviceDef *def, GError **error);
