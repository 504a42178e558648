/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The seam between "a parent with types" and "how a device of a type is made". The kernel's
 * mediated devices are the first backend (mdev.c). A backend talks to the hardware's driver on
 * workers, and answers on the main loop once the registry holds, or no longer holds, the device.
 */
#pragma once

#include <gio/gio.h>

#include "conf/node-device.h"
#include "node_device/inventory.h"

typedef struct {
    MdInventory *inventory; /* main loop only */
    const MdSettings *settings;
} MdBackendHost;

typedef struct {
    /* The capability whose documents and devices it serves. */
    const MdCapKind *kind;

    /* Whether devices can be made below this one at all; the message says why not. */
    gboolean (*check_parent)(MdNodeDevice *parent, GError **error);

    /* `def` is the parsed document, `parent` the device it names. */
    void (*create_async)(const MdBackendHost *host,
                         MdNodeDevice *parent,
                         const MdNodeDeviceDef *def,
                         GAsyncReadyCallback callback,
                         gpointer user_data);
    /* The new device's name. */
    char *(*create_finish)(GAsyncResult *result, GError **error);

    void (*destroy_async)(const MdBackendHost *host,
                          MdNodeDevice *device,
                          GAsyncReadyCallback callback,
                          gpointer user_data);
    gboolean (*destroy_finish)(GAsyncResult *result, GError **error);
} MdBackend;

extern const MdBackend md_backend_mdev;

/* The backend for a device or a document, or NULL with VIR_ERR_CONFIG_UNSUPPORTED. */
const MdBackend *md_backend_find(const MdNodeDeviceDef *def, GError **error);
