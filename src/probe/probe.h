/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads devices from udev and sysfs into definitions. Each kind of device has one probe, in its own
 * probe-*.c; the table of probes is in probe.c.
 *
 * probe() runs on the main loop when udev reports the device. It reads the identity of the device
 * and other properties that udev and sysfs provide without querying a driver.
 *
 * read_once() runs when a client first needs more properties. It reads properties that are slow to
 * read, or that may block the reader, but change only with an event of the device. The result is
 * kept until such an event (kept.h).
 *
 * refresh() runs for each document and reads the properties that may change without an event. After
 * it, query_driver() reads those for which the kernel must query the driver.
 *
 * A document for which no driver must be queried is formatted on the main loop, any other document
 * by a single job on a worker.
 */
#pragma once

#include "conf/node-device.h"
#include "kernel/sysfs.h"
#include "kernel/udev.h"

typedef struct {
    /* The outer capability of the probe's devices. */
    const MdCapKind *kind;

    /* The subsystem to enumerate and to match; NULL for the probe that handles the devices of all
     * other subsystems. */
    const char *subsystem;
    /* The only DEVTYPE of the subsystem to match; NULL: all. */
    const char *devtype;
    /* The class of the companion, a class device whose attributes complete the description of the
     * device. The kernel adds the companion after the device, below it, in a directory named after
     * the class. NULL: none. */
    const char *companion;

    /* Fills the name and the capabilities. FALSE: the device is not a node device. */
    gboolean (*probe)(MdUdevDevice *device, MdSysfsDir *dir, MdNodeDeviceDef *def);

    /*
     * Replaces probe() for a device that is already registered, as `known`. Clients identify a
     * device by its name and type, so both are copied from `known`: the udev properties that
     * determine them may vary between events. NULL: probe() is called again, because the kernel
     * alone determines name and type.
     */
    gboolean (*probe_again)(MdUdevDevice *device,
                            MdSysfsDir *dir,
                            const MdNodeDeviceDef *known,
                            MdNodeDeviceDef *def);

    /* Appends the names of the devices whose capabilities change without an event when this device
     * appears or disappears. NULL: none. */
    void (*list_affected)(const MdNodeDeviceDef *def, GPtrArray *names);

    /* Whether the parent's driver computes the available instances from a counter, in all versions
     * of the kernel. If so, reading them cannot block, and they are read on the main loop. NULL: no
     * driver of these devices does. */
    gboolean (*is_counting)(const MdNodeDeviceDef *def);

    /* Reads the kept properties into `def`, which is not shared yet. Clears `lasting` if the result
     * is incomplete and must be read again the next time. If the driver must be queried and
     * `may_block` is FALSE, fails with G_IO_ERROR_WOULD_BLOCK. NULL: no properties are kept. */
    gboolean (*read_once)(MdNodeDeviceDef *def,
                          MdSysfsDir *dir,
                          gboolean may_block,
                          gboolean *lasting,
                          GError **error);

    /*
     * Reads into `def`, which is not shared yet, the properties that may have changed without an
     * event and for which no driver must be queried. FALSE: query_driver() must read the rest. The
     * types of a parent are not read here, but by md_probe_refresh(). NULL: there are no such
     * properties.
     */
    gboolean (*refresh)(MdNodeDeviceDef *def, MdSysfsDir *dir);

    /* For a worker, after refresh(): reads the properties for which the kernel queries the driver,
     * or takes a lock that a driver may hold. NULL: there are no such properties. */
    gboolean (*query_driver)(MdNodeDeviceDef *def, MdSysfsDir *dir, GError **error);

    /* TRUE: query_driver() is always needed, so refresh() runs on a worker, too. NULL: the result
     * of refresh() decides. */
    gboolean (*asks_driver)(const MdNodeDeviceDef *def);

    /* TRUE once the device's sysfs directory is complete; NULL: always. */
    gboolean (*is_complete)(MdSysfsDir *dir);
    /* The same for the device's companion, if any. */
    gboolean (*is_companion_complete)(MdSysfsDir *dir);

    /* Whether these devices never have a driver, as is true of class devices. */
    gboolean driverless;

    /* Whether these devices never have a device node, so that udev's database need not be queried
     * for one. */
    gboolean nodeless;

    /*
     * Whether a bound driver proves that the device exists, because the kernel removes the device
     * if no driver accepts it. probe() then works without `dir`.
     */
    gboolean announced_by_bind;
} MdProbe;

extern const MdProbe md_probe_pci;
extern const MdProbe md_probe_usb_device;
extern const MdProbe md_probe_usb;
extern const MdProbe md_probe_drm;
extern const MdProbe md_probe_css;
extern const MdProbe md_probe_ap_matrix;
extern const MdProbe md_probe_mdev;
extern const MdProbe md_probe_vgpu;
extern const MdProbe md_probe_ccw;
extern const MdProbe md_probe_ccwgroup;
extern const MdProbe md_probe_ap_card;
extern const MdProbe md_probe_ap_queue;
extern const MdProbe md_probe_net;
extern const MdProbe md_probe_storage;
extern const MdProbe md_probe_vdpa;
extern const MdProbe md_probe_virtual_parent;
extern const MdProbe md_probe_scsi_host;
extern const MdProbe md_probe_scsi_target;
extern const MdProbe md_probe_scsi;
extern const MdProbe md_probe_scsi_generic;

/* The subsystems of node devices and of parents of mediated devices. */
const char *const *md_probe_get_subsystems(void);

/* Whether there is a probe for the device's subsystem and type; any other device matters only if it
 * is a parent of mediated devices. */
gboolean md_probe_is_of_interest(MdUdevDevice *device);

/* The path of the device to which this companion belongs (see MdProbe); NULL if `device` is not a
 * companion. */
char *md_probe_find_subject(MdUdevDevice *device);

/* Whether a bind event alone proves that the device existed. */
gboolean md_probe_is_announced_by_bind(MdUdevDevice *device);

/* Returns a definition without `parent`, or NULL if the device is not a node device. `dir` NULL:
 * the device has gone; only kinds with announced_by_bind can be named. `known`: the registered
 * definition of this device, or NULL. */
MdNodeDeviceDef *
md_probe_device(MdUdevDevice *device, MdSysfsDir *dir, const MdNodeDeviceDef *known);

/* The names of the devices that list_affected() appends, see MdProbe. */
GPtrArray *md_probe_list_affected(const MdNodeDeviceDef *def);

/* FALSE while the kernel is still adding attributes to an announced device. */
gboolean md_probe_is_complete(MdUdevDevice *device, MdSysfsDir *dir);

/* The same for an announced companion of this device. */
gboolean md_probe_is_companion_complete(MdUdevDevice *device, MdSysfsDir *dir);

/* The definition of `computer`, with the strings of its firmware. */
MdNodeDeviceDef *md_probe_system(const MdRoots *roots);

/* A copy of `def` with current data; kept properties may come from the cache.
 * VIR_ERR_NO_NODE_DEVICE if the device has gone, or if its path now belongs to another device, with
 * another inode. `may_block`: TRUE on a worker only, see MdProbe. */
MdNodeDeviceDef *
md_probe_refresh(MdNodeDeviceDef *def, guint64 inode, gboolean may_block, GError **error);

/* `def` with its kept properties, which are read from the device if they are not cached. Fails like
 * md_probe_refresh(), and with G_IO_ERROR_WOULD_BLOCK if the driver must be queried and `may_block`
 * is FALSE. The result is shared: unref it, do not modify it. */
MdNodeDeviceDef *
md_probe_get_kept(MdNodeDeviceDef *def, guint64 inode, gboolean may_block, GError **error);

/* To be called before querying a driver: FALSE with G_IO_ERROR_WOULD_BLOCK if `may_block` is
 * FALSE. */
gboolean md_probe_check_may_block(gboolean may_block, GError **error);

/* An asks_driver() for kinds whose documents always need the driver. */
gboolean md_probe_always_asks(const MdNodeDeviceDef *def);

/* Opens the directory at `path`, unless it has gone or now belongs to a device with another inode;
 * errors as for md_probe_refresh(). `name` is for the message. */
MdSysfsDir *md_probe_open(const char *name, const char *path, guint64 inode, GError **error);
