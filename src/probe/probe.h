/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads devices from udev and sysfs into definitions. Each kind of device has one probe, in its own
 * probe-*.c; the table of probes is in probe.c.
 *
 * probe() runs on the main loop when udev reports the device: it reads the identity and properties
 * that never change, and never queries a driver. read_once() runs when a client first needs more:
 * it reads properties that are slow to read or may block, but change only with an event of the
 * device; kept.h lists the events that drop them. refresh() runs for each document: it reads
 * everything that the kernel may have changed since and that sysfs reports; query_driver() then
 * queries the driver for the properties that sysfs does not report without it. A document that
 * needs no driver is made on the main loop, any other by one job of a worker.
 */
#pragma once

#include "conf/node-device.h"
#include "kernel/sysfs.h"
#include "kernel/udev.h"

typedef struct {
    /* The outer capability of its devices. */
    const MdCapKind *kind;

    /* udev's subsystem to enumerate and to match; NULL for a probe that handles all remaining
     * devices. */
    const char *subsystem;
    /* The only DEVTYPE of that subsystem to be matched; NULL: all. */
    const char *devtype;
    /* The class of the device's companion, a class device whose attributes complete the description
     * of the device. The companion appears after the device, below it, in a directory named after
     * the class. NULL: none. */
    const char *companion;

    /* Fills name and capabilities. FALSE: not a node device. */
    gboolean (*probe)(MdUdevDevice *device, MdSysfsDir *dir, MdNodeDeviceDef *def);

    /*
     * Replaces probe() for a device that is already registered, as `known`: for clients, a device
     * keeps its identity while it exists, so type and name are taken from `known`, not from udev
     * properties, which may vary between events. NULL: probe() reads only what the kernel never
     * changes.
     */
    gboolean (*probe_again)(MdUdevDevice *device,
                            MdSysfsDir *dir,
                            const MdNodeDeviceDef *known,
                            MdNodeDeviceDef *def);

    /* Appends the names of the devices whose capabilities change when this one appears or
     * disappears, without events of their own. NULL: none. */
    void (*list_affected)(const MdNodeDeviceDef *def, GPtrArray *names);

    /*
     * Whether the parent's driver computes available instances from a counter, in all versions of
     * the kernel. If so, reading them cannot block, and they are read on the main loop. NULL: no
     * driver of these devices does.
     */
    gboolean (*is_counting)(const MdNodeDeviceDef *def);

    /*
     * Reads the kept properties into `def`, which is not shared yet. Clears `lasting` if the result
     * is incomplete and must be read again the next time. If `may_block` is FALSE, the driver must
     * not be queried; if that is necessary, the error is G_IO_ERROR_WOULD_BLOCK. NULL: no
     * properties are kept.
     */
    gboolean (*read_once)(MdNodeDeviceDef *def,
                          MdSysfsDir *dir,
                          gboolean may_block,
                          gboolean *lasting,
                          GError **error);

    /*
     * Reads into `def`, which is not shared yet, the properties that may have changed and that
     * sysfs reports without blocking. FALSE: query_driver() must read the rest. The types of a
     * parent are read separately, for each probe whose kind may be a parent. NULL: there are no
     * such properties.
     */
    gboolean (*refresh)(MdNodeDeviceDef *def, MdSysfsDir *dir);

    /* For a worker, after refresh(): queries the driver, or takes a lock that a driver may hold.
     * NULL: there is nothing to query. */
    gboolean (*query_driver)(MdNodeDeviceDef *def, MdSysfsDir *dir, GError **error);

    /* TRUE: query_driver() is always needed, so refresh() and query_driver() run on a worker only.
     * NULL: refresh() decides. */
    gboolean (*asks_driver)(const MdNodeDeviceDef *def);

    /* TRUE once the device's sysfs directory is complete; NULL: always. */
    gboolean (*is_complete)(MdSysfsDir *dir);
    /* The same for the device's companion, if any. */
    gboolean (*is_companion_complete)(MdSysfsDir *dir);

    /* Whether no driver is ever bound to such devices, as for class devices. */
    gboolean driverless;

    /* Whether such devices never have a device node, so that udev's database need not be queried
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

/* Whether there is a probe for the device's kind; other devices matter only as parents of mediated
 * devices. */
gboolean md_probe_is_of_interest(MdUdevDevice *device);

/* The path of the device to which this companion belongs, see MdProbe; NULL if `device` is not a
 * companion. */
char *md_probe_find_subject(MdUdevDevice *device);

/* Whether a bind event alone proves that the device existed. */
gboolean md_probe_is_announced_by_bind(MdUdevDevice *device);

/*
 * A definition without `parent`, or NULL if the device is not a node device. `dir` NULL: the device
 * has gone; only kinds with announced_by_bind can be named. `known`: the registered definition of
 * this device, or NULL.
 */
MdNodeDeviceDef *
md_probe_device(MdUdevDevice *device, MdSysfsDir *dir, const MdNodeDeviceDef *known);

/* The names of the devices that change when this one appears or disappears, see MdProbe. */
GPtrArray *md_probe_list_affected(const MdNodeDeviceDef *def);

/* FALSE while the kernel is still adding attributes to an announced device. */
gboolean md_probe_is_complete(MdUdevDevice *device, MdSysfsDir *dir);

/* The same for an announced companion of this device. */
gboolean md_probe_is_companion_complete(MdUdevDevice *device, MdSysfsDir *dir);

/* The definition of `computer`. Its firmware's strings are read once. */
MdNodeDeviceDef *md_probe_system(const MdRoots *roots);

/*
 * A copy of `def` with current data, except kept properties. VIR_ERR_NO_NODE_DEVICE if the device
 * has gone, or if its path now belongs to another device, with another inode. `may_block` TRUE is
 * for workers, see MdProbe.
 */
MdNodeDeviceDef *
md_probe_refresh(MdNodeDeviceDef *def, guint64 inode, gboolean may_block, GError **error);

/*
 * `def` with kept properties only, read from the device if necessary. Errors as above, and
 * G_IO_ERROR_WOULD_BLOCK if they must be read and `may_block` is FALSE. To be unreffed, not
 * modified.
 */
MdNodeDeviceDef *
md_probe_get_kept(MdNodeDeviceDef *def, guint64 inode, gboolean may_block, GError **error);

/* To be called before querying a driver: FALSE with an error if this is not allowed. */
gboolean md_probe_check_may_block(gboolean may_block, GError **error);

/* An asks_driver() for kinds whose documents always need the driver. */
gboolean md_probe_always_asks(const MdNodeDeviceDef *def);

/* Opens the directory at `path` if it is still that of the device with this inode; errors as for
 * md_probe_refresh(). `name` is for the message. */
MdSysfsDir *md_probe_open(const char *name, const char *path, guint64 inode, GError **error);
