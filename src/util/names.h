/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All names defined by the kernel, udev, mdevctl and the file system, each in one place. */
#pragma once

/* Below the roots (util/roots.h). */
#define MD_SYS_DEVICES       "devices"
#define MD_SYS_BUS           "bus"
#define MD_SYS_CLASS         "class"
#define MD_SYS_UEVENT_SEQNUM "kernel/uevent_seqnum"
#define MD_SYS_DMI           "devices/virtual/dmi/id"
#define MD_DEV_VFIO          "vfio"
#define MD_RUN_UDEV_CONTROL  "udev/control"        /* udevd's control socket */
#define MD_RUN_UDEV_QUEUE    "udev/queue"          /* exists while udevd is handling events */
#define MD_RUN_STATE         "mediated"            /* state_directory; lost on reboot */
#define MD_RUN_VFIO_USERS    "mediated/vfio-users" /* socket of mediated-vfio-users */
#define MD_ETC_DEFINITIONS   "mdevctl.d"

/* Files of libvirt, below the directory of the system's or the user's configuration. */
#define MD_STOCK_CONFIG    "libvirt/virtnodedevd.conf"
#define MD_LIBVIRTD_CONFIG "libvirt/libvirtd.conf"

/* This process itself. */
#define MD_PATH_SELF "/proc/self"

/* Prefix of device nodes in documents, independent of the roots. */
#define MD_PATH_DEV "/dev"

/* The container node of VFIO, which belongs to no device, so that every user may open it. */
#define MD_VFIO_CONTAINER "vfio"

/* mdevctl's scripts: the directory of packages, the directory below that of the definitions, and
 * the subdirectories of both. */
#define MD_PATH_SCRIPTS  "/usr/lib/mdevctl/scripts.d"
#define MD_DIR_SCRIPTS   "scripts.d"
#define MD_DIR_CALLOUTS  "callouts"
#define MD_DIR_NOTIFIERS "notifiers"

/* Files of NVIDIA's host driver: the table of types of vGPUs, and the program that enables the
 * virtual functions of a card. */
#define MD_PATH_VGPU_TYPES  "/usr/share/nvidia/vgpu/vgpuConfig.xml"
#define MD_PATH_VGPU_ENABLE "/usr/lib/nvidia/sriov-manage"

/* Sockets, below libvirt's run-time directory. */
#define MD_SOCKET_DIR_NAME "libvirt"
#define MD_SOCKET_RW       "virtnodedevd-sock"
#define MD_SOCKET_RO       "virtnodedevd-sock-ro"
#define MD_SOCKET_ADMIN    "virtnodedevd-admin-sock"
#define MD_SOCKET_LOCK     "mediated.lock"

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

/* sysfs: attributes of any device. A class device has a link to its parent device. */
#define MD_ATTR_UEVENT      "uevent"
#define MD_ATTR_DRIVER      "driver"
#define MD_ATTR_SUBSYSTEM   "subsystem"
#define MD_ATTR_IOMMU_GROUP "iommu_group"
#define MD_ATTR_VPD         "vpd"
#define MD_ATTR_DEVICE      "device"
#define MD_ATTR_PHYSFN      "physfn" /* link of a virtual function to its card */
#define MD_LINK_VIRTFN      "virtfn" /* prefix of the links to the functions of a card */

/* sysfs: attributes of a parent of mediated devices and its types. */
#define MD_ATTR_MDEV_TYPES     "mdev_supported_types"
#define MD_ATTR_TYPE_NAME      "name"
#define MD_ATTR_TYPE_API       "device_api"
#define MD_ATTR_TYPE_AVAILABLE "available_instances"
#define MD_ATTR_TYPE_DESC      "description"
#define MD_ATTR_TYPE_CREATE    "create"

/* sysfs: attributes of a mediated device. */
#define MD_ATTR_MDEV_TYPE   "mdev_type"
#define MD_ATTR_MDEV_REMOVE "remove"
#define MD_ATTR_VFIO_DEV    "vfio-dev"
#define MD_LINK_VIRTFN      "virtfn" /* prefix of the links to the functions of a card */

/* libvirt's name of the root of the device tree. */
#define MD_NAME_COMPUTER "computer"
