/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The interface between requests to create or remove a device and their implementations: mdev for
 * the kernel's mediated devices, vhba for virtual Fibre Channel host adapters. A backend accesses
 * drivers on workers, and completes on the main loop once the registry agrees with sysfs.
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
typedef struct _MdVgpus MdVgpus;

/* The objects shared by all backends, used on the main loop. */
typedef struct {
    MdRegistry *registry;
    MdInventory *inventory;
    MdDefinitions *definitions;
    MdCallouts *callouts;
    MdChangeLog *changes;
    /* Serializes changes of a definition by device name, and the creation of virtual adapters by
     * port name. */
    MdKeyQueue *key_queue;
    MdRecovery *recovery; /* NULL: half-created devices are not removed */
    MdVgpus *vgpus;       /* NULL in tests without them */
    const MdSettings *settings;
} MdDriverContext;

/* What an update changes. */
typedef enum {
    MD_BACKEND_UPDATE_LIVE = 1 << 0,
    MD_BACKEND_UPDATE_CONFIG = 1 << 1,
} MdBackendUpdate;

/* What changes of mediated devices and of their definitions need from a backend. */
typedef struct {
    /* For a worker: finds the type that a document names by `id` or by `name`. Returns its full id;
     * G_IO_ERROR_NOT_FOUND if the parent has no such type. */
    char *(*resolve_type)(MdSysfsDir *parent, const char *id, const char *name, GError **error);

    /* For a worker: writes `attrs` (of MdMdevAttr) of the active device `def`, whose directory is
     * `dir`, in order up to the first failure, and adds the number of attributes written to
     * `n_written`. */
    gboolean (*write_attrs)(MdSysfsDir *dir,
                            const MdNodeDeviceDef *def,
                            GPtrArray *attrs,
                            guint *n_written,
                            GError **error);

    /* Whether documents and definitions may name these attributes. */
    gboolean (*check_attrs)(GPtrArray *attrs, GError **error);
} MdDefinitionOps;

/* Several backends may serve one kind of device: the parent determines which one. Devices returned
 * by these functions are borrowed. */
typedef struct {
    /* The kind of the devices that the backend serves. */
    const MdCapKind *kind;

    /* The existing parent named in a document or device, or NULL. */
    MdNodeDevice *(*find_named_parent)(const MdDriverContext *context, const MdNodeDeviceDef *def);

    /* Whether this backend creates devices below this parent, or on a function of it. */
    gboolean (*serves_parent)(const MdDriverContext *context, const MdNodeDevice *parent);

    /* Sets `parent` to the parent on which to create `def`; NULL: the backend chooses one during
     * the creation. Fails if there is no parent. */
    gboolean (*find_parent)(const MdDriverContext *context,
                            const MdNodeDeviceDef *def,
                            MdNodeDevice **parent,
                            GError **error);

    /* Appends the result of md_driver_list_parents(). */
    void (*list_parents)(const MdDriverContext *context,
                         const MdNodeDeviceDef *def,
                         GPtrArray *names);

    /* The device described by a document, active or defined, or NULL. */
    MdNodeDevice *(*find_present)(const MdDriverContext *context, const MdNodeDeviceDef *def);

    /* `def` is a parsed document or a definition; `parent` is the result of find_parent(). */
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
     * The following members are about definitions; NULL in a backend without definitions.
     */

    /* Like find_parent(), for a device to define; also sets the parent's kernel name in `def`.
     * `parent` is NULL if the parent is absent. */
    gboolean (*find_persistent_parent)(const MdDriverContext *context,
                                       MdNodeDeviceDef *def,
                                       MdNodeDevice **parent,
                                       GError **error);

    const MdDefinitionOps *definitions;

    /* Identifies the set of types that the parent offers now: whenever it changes, the devices of
     * the parent with autostart are started. 0: no types. */
    guint64 (*get_types_set)(const MdDriverContext *context, const MdNodeDevice *parent);

    /* Whether the backend will remove this device by itself, or is removing it. */
    gboolean (*will_remove)(const MdDriverContext *context, const MdNodeDevice *device);
} MdBackend;

/*
 * Chooses the backend that serves the kind of `def` on the parent named in `def`, from `backends`,
 * which ends with NULL. If there is no such parent or backend, chooses the first backend of the
 * kind, whose operations then report the cause. `persistent`: only backends with definitions. NULL
 * with VIR_ERR_CONFIG_UNSUPPORTED if no backend serves the kind.
 */
const MdBackend *md_backend_choose(const MdBackend *const *backends,
                                   const MdDriverContext *context,
                                   const MdNodeDeviceDef *def,
                                   gboolean persistent,
                                   GError **error);

/* Finishes any operation of a backend: returns the name of the device. */
char *md_backend_finish(GAsyncResult *result, GError **error);
