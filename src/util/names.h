/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every name that the kernel, udev or the file system gives us, once. */
#pragma once

/* Directories. */
#define MD_PATH_SYSFS_DEVICES "/sys/devices"
#define MD_PATH_SYSFS_BUS     "/sys/bus"
#define MD_PATH_SYSFS_CLASS   "/sys/class"
#define MD_PATH_UEVENT_SEQNUM "/sys/kernel/uevent_seqnum"
#define MD_PATH_DMI           "/sys/devices/virtual/dmi/id"
#define MD_PATH_DEV           "/dev"
#define MD_PATH_DEV_VFIO      MD_PATH_DEV "/vfio"
#define MD_PATH_PROC          "/proc"
#define MD_PATH_RUN           "/run"

/* VFIO: the node that everybody may open, and the socket of who knows its users. */
#define MD_VFIO_CONTAINER  "vfio"
#define MD_PATH_VFIO_USERS MD_PATH_RUN "/mediated/vfio-users"

/* mdevctl: its definitions, and what is in there beside them. */
#define MD_PATH_DEFINITIONS "/etc/mdevctl.d"
#define MD_DIR_SCRIPTS      "scripts.d"

/* mdevctl's scripts: two roots, and what is below either. */
#define MD_PATH_SCRIPTS            "/usr/lib/mdevctl/scripts.d"
#define MD_PATH_SCRIPTS_DEPRECATED MD_PATH_DEFINITIONS "/" MD_DIR_SCRIPTS
#define MD_DIR_CALLOUTS            "callouts"
#define MD_DIR_NOTIFIERS           "notifiers"

/* What is only true as long as the machine runs. */
#define MD_PATH_STATE MD_PATH_RUN "/mediated"

/* Sockets, below the run-time directory of libvirt. */
#define MD_SOCKET_DIR_NAME "libvirt"
#define MD_SOCKET_RW       "virtnodedevd-sock"
#define MD_SOCKET_RO       "virtnodedevd-sock-ro"
#define MD_SOCKET_LOCK     "mediated.lock"

/* udevd: where its clients find it, and a file that is there while it has events to work on. */
#define MD_PATH_UDEV_CONTROL MD_PATH_RUN "/udev/control"
#define MD_PATH_UDEV_QUEUE   MD_PATH_RUN "/udev/queue"

/* udev: subsystems, actions, properties. */
#define MD_SUBSYSTEM_PCI          "pci"
#define MD_SUBSYSTEM_USB          "usb"
#define MD_SUBSYSTEM_MDEV         "mdev"
#define MD_SUBSYSTEM_CSS          "css"
#define MD_SUBSYSTEM_CCW          "ccw"
#define MD_SUBSYSTEM_CCWGROUP     "ccwgroup"
#define MD_SUBSYSTEM_AP           "ap"
#define MD_SUBSYSTEM_MATRIX       "matrix"
#define MD_SUBSYSTEM_SCSI         "scsi"
#define MD_SUBSYSTEM_SCSI_GENERIC "scsi_generic"
#define MD_SUBSYSTEM_NET          "net"
#define MD_SUBSYSTEM_BLOCK        "block"
#define MD_SUBSYSTEM_VDPA         "vdpa"
#define MD_CLASS_FC_HOST          "fc_host"
#define MD_PROPERTY_MDEV_STATE    "MDEV_STATE"
#define MD_PROPERTY_VENDOR_NAME   "ID_VENDOR_FROM_DATABASE"
#define MD_PROPERTY_PRODUCT_NAME  "ID_MODEL_FROM_DATABASE"
#define MD_PROPERTY_SYNTH_UUID    "SYNTH_UUID"

/* sysfs: any device; one of a class has a link to the device behind it. */
#define MD_ATTR_UEVENT      "uevent"
#define MD_ATTR_DRIVER      "driver"
#define MD_ATTR_IOMMU_GROUP "iommu_group"
#define MD_ATTR_VPD         "vpd"
#define MD_ATTR_DEVICE      "device"

/* sysfs: a parent of mediated devices and its types. */
#define MD_ATTR_MDEV_TYPES     "mdev_supported_types"
#define MD_ATTR_TYPE_NAME      "name"
#define MD_ATTR_TYPE_API       "device_api"
#define MD_ATTR_TYPE_AVAILABLE "available_instances"
#define MD_ATTR_TYPE_DESC      "description"
#define MD_ATTR_TYPE_CREATE    "create"

/* sysfs: a mediated device. */
#define MD_ATTR_MDEV_TYPE   "mdev_type"
#define MD_ATTR_MDEV_REMOVE "remove"
#define MD_ATTR_VFIO_DEV    "vfio-dev"

/* The root of the device tree as libvirt names it. */
#define MD_NAME_COMPUTER "computer"
