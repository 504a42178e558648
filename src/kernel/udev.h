/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * udev as the daemon sees it, and the only user of libudev: events as they come, the devices there
 * are, and what udev knows of one of them.
 */
#pragma once

#include <gio/gio.h>

#include "kernel/sysfs.h"
#include "util/settings.h"

/* A device, for the getters below. What udev knows of it is read when it is first asked for. */
typedef struct _MdUdevDevice MdUdevDevice;

#define MD_TYPE_UDEV (md_udev_get_type())
G_DECLARE_FINAL_TYPE(MdUdev, md_udev, MD, UDEV, GObject)

/*
 * Signals:
 *   "event" (MdUdevDevice *device)
 *   "lost"  ()  events have been dropped or cut: only a fresh look at sysfs tells the truth now
 *
 * `settings` (roots, receive_buffer, event_timeout) must outlive it.
 */
MdUdev *md_udev_new(const MdSettings *settings);

/* From here on events queue up. */
gboolean md_udev_open(MdUdev *self, GError **error);

/*
 * From here on they are signalled, from the main loop. It is busy until then if there are any: not
 * to be left for long. While udevd is silent (kernel-events.h) the kernel's own events are
 * signalled instead, and at the beginning of that "lost".
 */
void md_udev_listen(MdUdev *self);

/*
 * Sysfs paths of the devices on these buses and in these classes (NULL-terminated), parents before
 * children. A link counts whatever it points at, which libudev's own enumeration does not do: the
 * kernel links parents of mediated devices in a class that they are not of.
 */
GPtrArray *md_udev_enumerate(MdUdev *self, const char *const *subsystems);

/* The number of the kernel's latest event; 0 if it cannot be read. */
guint64 md_udev_read_seqnum(MdUdev *self);

/* NULL if the directory is not that of a device (any more). */
MdUdevDevice *md_udev_look_up(MdUdev *self, MdSysfsDir *dir);

/* Names of PCI ids from the hardware database; NULL if they are not in it. For a worker. */
void md_udev_find_pci_names(guint vendor, guint product, char **vendor_name, char **product_name);

const char *md_udev_device_get_path(MdUdevDevice *device);
const char *md_udev_device_get_name(MdUdevDevice *device);      /* last component of the path */
const char *md_udev_device_get_subsystem(MdUdevDevice *device); /* "" if it has none */
const char *md_udev_device_get_devtype(MdUdevDevice *device);   /* or NULL */
const char *md_udev_device_get_devnode(MdUdevDevice *device);   /* or NULL */
char **md_udev_device_dup_devlinks(MdUdevDevice *device);       /* or NULL */
const char *md_udev_device_get_property(MdUdevDevice *device, const char *key);
/* Of an event: "add", "remove" ...; NULL if this device is not from one. */
const char *md_udev_device_get_action(MdUdevDevice *device);
/* Of a "move": where the device was before; or NULL. */
char *md_udev_device_dup_old_path(MdUdevDevice *device);
/* Grows with each event of the kernel; 0 if this device is not from one. */
guint64 md_udev_device_get_seqnum(MdUdevDevice *device);
/* Whether it is from an event that the kernel has told us itself. */
gboolean md_udev_device_is_from_kernel(MdUdevDevice *device);
void md_udev_device_free(MdUdevDevice *device);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdUdevDevice, md_udev_device_free)
