/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* USB devices, from the descriptors stored by the kernel, which are available before udev has
 * processed the device. */
#include "config.h"

#include "conf/cap-usb-device.h"
#include "probe/probe.h"
#include "util/names.h"

#define DEVTYPE_DEVICE  "usb_device"
#define ATTR_BUS        "busnum"
#define ATTR_DEVICE     "devnum"
#define ATTR_VENDOR_ID  "idVendor"
#define ATTR_PRODUCT_ID "idProduct"
#define ATTR_VENDOR     "manufacturer"
#define ATTR_PRODUCT    "product"


static gboolean
probe(MdUdevDevice *device, MdSysfsDir *dir, MdNodeDeviceDef *def)
{
    MdCapUsbDevice *cap = NULL;
    gint64 bus = 0;
    gint64 number = 0;

    if (!md_sysfs_dir_read_int(dir, ATTR_BUS, &bus) ||
        !md_sysfs_dir_read_int(dir, ATTR_DEVICE, &number))
        return FALSE;

    cap = md_node_device_def_add_cap(def, &md_cap_kind_usb_device);
    cap->bus = (guint)bus;
    cap->device = (guint)number;
    cap->vendor_id = md_sysfs_dir_read_hex(dir, ATTR_VENDOR_ID);
    cap->product_id = md_sysfs_dir_read_hex(dir, ATTR_PRODUCT_ID);
    cap->vendor_name = g_strdup(md_udev_device_get_property(device, MD_PROPERTY_VENDOR_NAME));
    cap->product_name = g_strdup(md_udev_device_get_property(device, MD_PROPERTY_PRODUCT_NAME));
    def->name = md_node_device_make_name("usb", md_udev_device_get_name(device), NULL);
    return TRUE;
}


/* Names missing from the hardware database are replaced with the device's own strings. The kernel
 * stores these, but reading them takes a lock that is held during any communication with the
 * device. */
static gboolean
read_once(MdNodeDeviceDef *def,
          MdSysfsDir *dir,
          gboolean may_block,
          gboolean *lasting G_GNUC_UNUSED,
          GError **error)
{
    MdCapUsbDevice *cap = md_node_device_def_get_cap(def, &md_cap_kind_usb_device);

    if (cap->vendor_name != NULL && cap->product_name != NULL)
        return TRUE;
    if (!md_probe_check_may_block(may_block, error))
        return FALSE;
    if (cap->vendor_name == NULL)
        cap->vendor_name = md_sysfs_dir_read_text(dir, ATTR_VENDOR);
    if (cap->product_name == NULL)
        cap->product_name = md_sysfs_dir_read_text(dir, ATTR_PRODUCT);
    return TRUE;
}


const MdProbe md_probe_usb_device = {
    .kind = &md_cap_kind_usb_device,
    .subsystem = MD_SUBSYSTEM_USB,
    .devtype = DEVTYPE_DEVICE,
    .probe = probe,
    .read_once = read_once,
};
