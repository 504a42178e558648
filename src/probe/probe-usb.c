/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* USB interfaces, from the descriptor of the current alternate setting. */
#include "config.h"

#include "conf/cap-usb.h"
#include "probe/probe.h"
#include "util/names.h"

#define DEVTYPE_INTERFACE "usb_interface"
#define ATTR_NUMBER       "bInterfaceNumber"
#define ATTR_CLASS        "bInterfaceClass"
#define ATTR_SUBCLASS     "bInterfaceSubClass"
#define ATTR_PROTOCOL     "bInterfaceProtocol"


/* Read for each document, because a driver may select another alternate setting, which may have
 * another class. */
static void
read_setting(MdCapUsb *cap, MdSysfsDir *dir)
{
    cap->class_code = md_sysfs_dir_read_hex(dir, ATTR_CLASS);
    cap->subclass = md_sysfs_dir_read_hex(dir, ATTR_SUBCLASS);
    cap->protocol = md_sysfs_dir_read_hex(dir, ATTR_PROTOCOL);
}


static gboolean
probe(MdUdevDevice *device, MdSysfsDir *dir, MdNodeDeviceDef *def)
{
    MdCapUsb *cap = md_node_device_def_add_cap(def, &md_cap_kind_usb);

    /* The interface number is the same in all settings. */
    cap->number = md_sysfs_dir_read_hex(dir, ATTR_NUMBER);
    read_setting(cap, dir);
    def->name = md_node_device_make_name("usb", md_udev_device_get_name(device), NULL);
    return TRUE;
}


static gboolean
refresh(MdNodeDeviceDef *def, MdSysfsDir *dir)
{
    read_setting(md_node_device_def_get_cap(def, &md_cap_kind_usb), dir);
    return TRUE;
}


const MdProbe md_probe_usb = {
    .kind = &md_cap_kind_usb,
    .subsystem = MD_SUBSYSTEM_USB,
    .devtype = DEVTYPE_INTERFACE,
    .probe = probe,
    .refresh = refresh,
};
