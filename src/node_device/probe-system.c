/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine itself: the root of the tree, no device of udev. */
#include "config.h"

#include "conf/cap-system.h"
#include "node_device/probe.h"
#include "util/names.h"


/* NULL for an attribute that is missing or blank. */
static char *
read_text(MdSysfsDir *dir, const char *name)
{
    g_autofree char *text = md_sysfs_dir_read(dir, name, NULL);

    if (text == NULL || *g_strstrip(text) == '\0')
        return NULL;
    return g_steal_pointer(&text);
}


MdNodeDeviceDef *
md_probe_system(void)
{
    MdNodeDeviceDef *def = md_node_device_def_new();
    g_autoptr(MdSysfsDir) dir = md_sysfs_dir_open(MD_PATH_DMI, NULL);
    MdCapSystem *cap = md_node_device_def_add_cap(def, &md_cap_kind_system);

    def->name = g_strdup(MD_NAME_COMPUTER);
    if (dir == NULL)
        return def;

    cap->product = read_text(dir, "product_name");
    cap->hardware_vendor = read_text(dir, "sys_vendor");
    cap->hardware_version = read_text(dir, "product_version");
    cap->hardware_serial = read_text(dir, "product_serial");
    cap->hardware_uuid = read_text(dir, "product_uuid");
    cap->firmware_vendor = read_text(dir, "bios_vendor");
    cap->firmware_version = read_text(dir, "bios_version");
    cap->firmware_release_date = read_text(dir, "bios_date");
    return def;
}
