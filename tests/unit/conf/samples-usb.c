/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* USB devices and interfaces, and nodes of graphics drivers. */
#include "config.h"

#include "conf/cap-drm.h"
#include "conf/cap-usb-device.h"
#include "conf/cap-usb.h"
#include "samples.h"


static MdNodeDeviceDef *
build_usb_device(void)
{
    MdNodeDeviceDef *def =
        md_sample_new("usb_1_1_4", "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1.4", "usb_1_1",
                      "usb");
    MdCapUsbDevice *cap = md_node_device_def_add_cap(def, &md_cap_kind_usb_device);

    def->devnode = g_strdup("/dev/bus/usb/001/005");
    cap->bus = 1;
    cap->device = 5;
    cap->vendor_id = 0x046d;
    cap->product_id = 0xc31c;
    cap->vendor_name = g_strdup("Logitech, Inc.");
    cap->product_name = g_strdup("Keyboard K120");
    return def;
}


static MdNodeDeviceDef *
build_usb_mute(void)
{
    MdNodeDeviceDef *def =
        md_sample_new("usb_3_12", "/sys/devices/pci0000:00/0000:00:14.0/usb3/3-12", "usb_usb3",
                      NULL);
    MdCapUsbDevice *cap = md_node_device_def_add_cap(def, &md_cap_kind_usb_device);

    cap->bus = 3;
    cap->device = 127;
    cap->product_name = g_strdup("M\xfcll <1> & \x1b[1m  ");
    return def;
}


static MdNodeDeviceDef *
build_usb_interface(void)
{
    MdNodeDeviceDef *def =
        md_sample_new("usb_1_1_4_1_0",
                      "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1.4/1-1.4:1.0", "usb_1_1_4",
                      "usbhid");
    MdCapUsb *cap = md_node_device_def_add_cap(def, &md_cap_kind_usb);

    cap->class_code = 3;
    cap->subclass = 1;
    cap->protocol = 255;
    return def;
}


static MdNodeDeviceDef *
build_usb_described(void)
{
    MdNodeDeviceDef *def = build_usb_interface();
    MdCapUsb *cap = md_node_device_def_get_cap(def, &md_cap_kind_usb);

    cap->number = 31;
    cap->description = g_strdup("Boot <keyboard>");
    return def;
}


static MdNodeDeviceDef *
new_drm(const char *name, const char *devnode, MdDrmType type)
{
    MdNodeDeviceDef *def =
        md_sample_new(name, "/sys/devices/pci0000:00/0000:00:02.0/drm/x", "pci_0000_00_02_0", NULL);
    MdCapDrm *cap = md_node_device_def_add_cap(def, &md_cap_kind_drm);

    def->devnode = g_strdup(devnode);
    cap->type = type;
    return def;
}


static MdNodeDeviceDef *
build_drm_card(void)
{
    return new_drm("drm_card0", "/dev/dri/card0", MD_DRM_PRIMARY);
}


static MdNodeDeviceDef *
build_drm_control(void)
{
    return new_drm("drm_controlD64", "/dev/dri/controlD64", MD_DRM_CONTROL);
}


static MdNodeDeviceDef *
build_drm_render(void)
{
    return new_drm("drm_renderD128", "/dev/dri/renderD128", MD_DRM_RENDER);
}


const MdSample md_usb_samples[] = {
    { "usb_device/keyboard", build_usb_device },
    { "usb_device/mute", build_usb_mute },
    { "usb/keyboard", build_usb_interface },
    { "usb/described", build_usb_described },
    { "drm/card", build_drm_card },
    { "drm/control", build_drm_control },
    { "drm/render", build_drm_render },
};

const guint md_n_usb_samples = G_N_ELEMENTS(md_usb_samples);
