/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From udev and sysfs to a definition. There is one probe per kind of device, in a probe-*.c of its
 * own, and one table of them in probe.c.
 *
 * A device is read in three steps. probe() runs on the main loop when udev tells of the device:
 * identity, and what never changes; it reads nothing that asks a driver. read_once() runs when
 * somebody first wants more of it: what cannot change until udev tells of the device again, but is
 * slow or may block; kept.h says what drops it. refresh() runs each time somebody wants the whole
 * document: everything the kernel may have changed since, as far as sysfs tells; query_driver()
 * asks the driver for the rest. A document for which no driver is asked is made in place, any other
 * by one job of a worker.
 */
#pragma once

#include "conf/node-device.h"
#include "kernel/sysfs.h"
#include "kernel/udev.h"

typedef struct {
    /* The outer capability that it gives its devices. */
    const MdCapKind *kind;

    /* udev's subsystem to enumerate and to match; NULL for a probe that looks at whatever is left.
     */
    const char *subsystem;
    /* The one DEVTYPE of that subsystem; NULL: all. */
    const char *devtype;
    /* The class of devices that say more of it: such a one is in a directory of the class's name
     * below it, and comes later. NULL: there is none. */
    const char *companion;

    /* Fills name and capabilities. FALSE: this is no device of ours. */
    gboolean (*probe)(MdUdevDevice *device, MdSysfsDir *dir, MdNodeDeviceDef *def);

    /*
     * Instead of probe() for a device that is registered, as `known`: to clients it is the same one
     * for as long as it is there, so what it is and what it is called is taken from `known`, and
     * not from properties that udev tells at one time and not at another. NULL: probe() reads only
     * what the kernel never changes.
     */
    gboolean (*probe_again)(MdUdevDevice *device,
                            MdSysfsDir *dir,
                            const MdNodeDeviceDef *known,
                            MdNodeDeviceDef *def);

    /* Appends the names of the devices whose capabilities change with the coming and the going of
     * this one, of which no event of their own tells. NULL: there are none. */
    void (*list_affected)(const MdNodeDeviceDef *def, GPtrArray *names);

    /* Whether the driver of a parent prints from a counter what is left of a type, in each version
     * of the kernel: such a read cannot block, so it happens in place. NULL: none does. */
    gboolean (*is_counting)(const MdNodeDeviceDef *def);

    /*
     * Reads what is kept. Nobody else sees `def` yet. Clears `lasting` if the answer is not whole
     * and is to be read again the next time. With `may_block` FALSE a driver must not be asked; if
     * it would have to be, the error is G_IO_ERROR_WOULD_BLOCK. NULL: nothing is kept.
     */
    gboolean (*read_once)(MdNodeDeviceDef *def,
                          MdSysfsDir *dir,
                          gboolean may_block,
                          gboolean *lasting,
                          GError **error);

    /* Reads again what may have changed and sysfs tells, which never blocks; NULL: there is nothing
     * of that. FALSE: query_driver() has to tell the rest. Nobody else sees `def` yet. The types
     * that a parent offers are read for each probe whose kind may be a parent. */
    gboolean (*refresh)(MdNodeDeviceDef *def, MdSysfsDir *dir);

    /* For a worker, after refresh(): asks the driver, or takes a lock that one may hold. NULL:
     * there is nothing to be asked. */
    gboolean (*query_driver)(MdNodeDeviceDef *def, MdSysfsDir *dir, GError **error);

    /* Whether query_driver() is needed, so that refresh() is not tried without a worker. NULL: only
     * refresh() can tell. */
    gboolean (*asks_driver)(const MdNodeDeviceDef *def);

    /* TRUE once sysfs holds all there is to it; NULL: always. */
    gboolean (*is_complete)(MdSysfsDir *dir);
    /* The same of its companion, where there is one. */
    gboolean (*is_companion_complete)(MdSysfsDir *dir);

    /* Whether no driver is ever bound to it, as to whatever is in a class. */
    gboolean driverless;

    /* Whether such a device never has a node, so that udev's database need not be asked for one. */
    gboolean nodeless;

    /*
     * Whether it has come for certain once a driver is bound to it, as the kernel takes a device
     * back that no driver wants. probe() can then do without `dir`.
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

/* The subsystems in which devices of ours are found. */
const char *const *md_probe_get_subsystems(void);

/* Whether there is a probe for its kind; of any other only parents of mediated devices are looked
 * at. */
gboolean md_probe_is_of_interest(MdUdevDevice *device);

/* The path of the device of which this one says more, see MdProbe; NULL if it does not. */
char *md_probe_find_subject(MdUdevDevice *device);

/* Whether a bind event alone proves that such a device has been there. */
gboolean md_probe_is_announced_by_bind(MdUdevDevice *device);

/*
 * A definition without `parent`, or NULL if this is no device of ours. `dir` NULL: it has gone, and
 * only what is told by bind can be named. `known`: what this very device is registered as, or NULL.
 */
MdNodeDeviceDef *
md_probe_device(MdUdevDevice *device, MdSysfsDir *dir, const MdNodeDeviceDef *known);

/* The names of the devices that change with the coming and the going of this one, see MdProbe. */
GPtrArray *md_probe_list_affected(const MdNodeDeviceDef *def);

/* FALSE while the kernel is still adding to a device that it has announced. */
gboolean md_probe_is_complete(MdUdevDevice *device, MdSysfsDir *dir);

/* The same of a companion that has been announced, of which this device is the subject. */
gboolean md_probe_is_companion_complete(MdUdevDevice *device, MdSysfsDir *dir);

/* The definition of `computer`. Its firmware's strings are read once. */
MdNodeDeviceDef *md_probe_system(const MdRoots *roots);

/*
 * A copy of `def` with everything read afresh, but for what is kept. VIR_ERR_NO_NODE_DEVICE if the
 * device has gone or if another one, with another inode, has taken its path. `may_block` TRUE is
 * for workers, see MdProbe.
 */
MdNodeDeviceDef *
md_probe_refresh(MdNodeDeviceDef *def, guint64 inode, gboolean may_block, GError **error);

/*
 * Only what is kept: `def` with what was read once, from the device if it has not been read yet.
 * Errors as above, and G_IO_ERROR_WOULD_BLOCK if it must be read and `may_block` is FALSE. To be
 * unreffed, not to be changed.
 */
MdNodeDeviceDef *
md_probe_get_kept(MdNodeDeviceDef *def, guint64 inode, gboolean may_block, GError **error);

/* To be called before a driver is asked: FALSE and the error if that is not allowed. */
gboolean md_probe_check_may_block(gboolean may_block, GError **error);

/* An asks_driver() of kinds whose devices are all alike. */
gboolean md_probe_always_asks(const MdNodeDeviceDef *def);

/* Opens the directory of that very device, errors as above. `name` is for the message. */
MdSysfsDir *md_probe_open(const char *name, const char *path, guint64 inode, GError **error);
