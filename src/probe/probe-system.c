/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine itself: the root of the tree, not a device of udev. */
#include "config.h"

#include "conf/cap-system.h"
#include "probe/probe.h"
#include "util/names.h"


MdNodeDeviceDef *
md_probe_system(const MdRoots *roots)
{
    MdNodeDeviceDef *def = md_node_device_def_new();
    g_autofree char *path = g_build_filename(roots->sys, MD_SYS_DMI, NULL);
    g_autoptr(MdSysfsDir) dir = md_sysfs_dir_open(path, NULL);
    MdCapSystem *cap = md_node_device_def_add_cap(def, &md_cap_kind_system);

    def->name = g_strdup(MD_NAME_COMPUTER);
    if (dir == NULL)
        return def;

    cap->product = md_sysfs_dir_read_text(dir, "product_name");
    cap->hardware_vendor = md_sysfs_dir_read_text(dir, "sys_vendor");
    cap->hardware_version = md_sysfs_dir_read_text(dir, "product_version");
    cap->hardware_serial = md_sysfs_dir_read_text(dir, "product_serial");
    cap->hardware_uuid = md_sysfs_dir_read_text(dir, "product_uuid");
    cap->firmware_vendor = md_sysfs_dir_read_text(dir, "bios_vendor");
    cap->firmware_version = md_sysfs_dir_read_text(dir, "bios_version");
    cap->firmware_release_date = md_sysfs_dir_read_text(dir, "bios_date");
    return def;
}
