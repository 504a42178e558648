/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network interfaces. An interface to which the kernel gives a type (bridge, bond, VLAN ...) is
 * ignored as in libvirt, unless it is wireless. Unlike libvirt, lists an interface of any type if
 * it has hardware (modems, ports of a switch). */
#include "config.h"

#include <string.h>

#include "conf/cap-net.h"
#include "probe/net-features.h"
#include "probe/probe.h"
#include "util/error.h"
#include "util/names.h"

#define PROPERTY_INTERFACE "INTERFACE"
#define DEVTYPE_WLAN       "wlan"
#define ATTR_ADDRESS       "address"
#define ATTR_OPERSTATE     "operstate"
#define ATTR_SPEED         "speed"

/* Maximum length of an address in characters: 32 bytes, separated by colons. */
#define ADDRESS_MAX 95


/* NULL if the interface has no address, such as an IP tunnel. */
static char *
read_address(MdSysfsDir *dir)
{
    g_autofree char *address = md_sysfs_dir_read(dir, ATTR_ADDRESS, NULL);

    if (address == NULL || *address == '\0' || strlen(address) > ADDRESS_MAX ||
        strspn(address, "0123456789abcdefABCDEF:") != strlen(address))
        return NULL;
    return g_steal_pointer(&address);
}


static gboolean
is_hardware(const char *devtype, MdSysfsDir *dir)
{
    return g_str_equal(devtype, DEVTYPE_WLAN) || md_sysfs_dir_has(dir, MD_ATTR_DEVICE);
}


static gboolean
probe(MdUdevDevice *device, MdSysfsDir *dir, MdNodeDeviceDef *def)
{
    const char *devtype = md_udev_device_get_devtype(device);
    const char *interface = md_udev_device_get_property(device, PROPERTY_INTERFACE);
    MdCapNet *cap = NULL;

    if (interface == NULL || (devtype != NULL && !is_hardware(devtype, dir)))
        return FALSE;

    cap = md_node_device_def_add_cap(def, &md_cap_kind_net);
    cap->interface = g_strdup(interface);
    cap->address = read_address(dir);
    cap->medium =
        g_strcmp0(devtype, DEVTYPE_WLAN) == 0 ? MD_NET_MEDIUM_WLAN : MD_NET_MEDIUM_ETHERNET;
    def->name =
        md_node_device_make_name("net", md_udev_device_get_name(device), cap->address, NULL);
    return TRUE;
}


static void
read_link(MdCapNet *cap, MdSysfsDir *dir)
{
    g_autofree char *state = md_sysfs_dir_read(dir, ATTR_OPERSTATE, NULL);
    gint64 speed = 0;

    cap->state = state != NULL ? md_net_state_find(state) : MD_NET_STATE_NONE;
    cap->speed = 0;
    /* Drivers report arbitrary speeds for a link that is not up, and -1 for an unknown speed. */
    if (cap->state == MD_NET_STATE_UP && md_sysfs_dir_read_int(dir, ATTR_SPEED, &speed) &&
        speed > 0 && speed < G_MAXUINT)
        cap->speed = (guint)speed;
}


/* Features are queried by the interface's name, so the name must not have changed meanwhile. */
static gboolean
check_name(const MdNodeDeviceDef *def, MdSysfsDir *dir, GError **error)
{
    if (md_sysfs_dir_is_in_place(dir))
        return TRUE;
    md_error_set(error, VIR_ERR_NO_NODE_DEVICE, "no node device with matching name '%s'",
                 def->name);
    return FALSE;
}


/* Every read takes the kernel's lock for all interfaces, or a lock of the driver. */
static gboolean
query_driver(MdNodeDeviceDef *def, MdSysfsDir *dir, GError **error)
{
    MdCapNet *cap = md_node_device_def_get_cap(def, &md_cap_kind_net);

    read_link(cap, dir);
    cap->features = md_net_features_read(cap->interface, dir);
    return check_name(def, dir, error);
}


const MdProbe md_probe_net = {
    .kind = &md_cap_kind_net,
    .subsystem = MD_SUBSYSTEM_NET,
    .driverless = TRUE,
    .probe = probe,
    .query_driver = query_driver,
    .asks_driver = md_probe_always_asks,
};
