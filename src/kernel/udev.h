/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The interface to udev, and the only user of libudev: events, enumeration of devices, and the
 * properties of single devices. */
#pragma once

#include <gio/gio.h>

#include "kernel/sysfs.h"
#include "util/settings.h"

/* A device, to be queried with the functions below. Its properties are read on first use. */
typedef struct _MdUdevDevice MdUdevDevice;

#define MD_TYPE_UDEV (md_udev_get_type())
G_DECLARE_FINAL_TYPE(MdUdev, md_udev, MD, UDEV, GObject)

/*
 * Signals:
 *   "event" (MdUdevDevice *device)
 *   "lost"  ()  events have been lost, so a full scan is necessary
 *
 * `settings` (roots, udev_receive_buffer, event_timeout) must outlive the object.
 */
MdUdev *md_udev_new(const MdSettings *settings);

/* Events are queued from now on. */
gboolean md_udev_open(MdUdev *self, GError **error);

/* Emits signals from now on, from the main loop. To be called soon after md_udev_open(), because
 * pending events keep the main loop busy until then. While udevd is silent (kernel-events.h), emits
 * kernel uevents instead of udevd's events, after one "lost". */
void md_udev_listen(MdUdev *self);

/*
 * Returns the sysfs paths of all devices on these buses and in these classes, parents before
 * children. `subsystems` is NULL-terminated. Unlike libudev's enumeration, the result includes
 * devices that are only linked in a class: the kernel links parents of mediated devices in a class
 * to which they do not belong.
 */
GPtrArray *md_udev_enumerate(MdUdev *self, const char *const *subsystems);

/* The sequence number of the kernel's latest event; 0 if it cannot be read. */
guint64 md_udev_read_seqnum(MdUdev *self);

/* Returns the device of a directory; NULL if the directory does not belong to a device, or no
 * longer exists. */
MdUdevDevice *md_udev_look_up(MdUdev *self, MdSysfsDir *dir);

/* Looks up the names of PCI ids in the hardware database; NULL if it lacks a name. For a worker. */
void md_udev_find_pci_names(guint vendor, guint product, char **vendor_name, char **product_name);

const char *md_udev_device_get_path(MdUdevDevice *device);
const char *md_udev_device_get_name(MdUdevDevice *device);      /* last component of the path */
const char *md_udev_device_get_subsystem(MdUdevDevice *device); /* "" if it has none */
const char *md_udev_device_get_devtype(MdUdevDevice *device);   /* or NULL */
const char *md_udev_device_get_devnode(MdUdevDevice *device);   /* or NULL */
char **md_udev_device_dup_devlinks(MdUdevDevice *device);       /* or NULL */
const char *md_udev_device_get_property(MdUdevDevice *device, const char *key);
/* The action of the event: "add", "remove" ...; NULL if the device is not from an event. */
const char *md_udev_device_get_action(MdUdevDevice *device);
/* The previous path of a device that was moved, or NULL. */
char *md_udev_device_dup_old_path(MdUdevDevice *device);
/* The sequence number of the event; 0 if the device is not from an event. */
guint64 md_udev_device_get_seqnum(MdUdevDevice *device);
/* Whether the event was received directly from the kernel. */
gboolean md_udev_device_is_from_kernel(MdUdevDevice *device);
void md_udev_device_free(MdUdevDevice *device);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdUdevDevice, md_udev_device_free)
