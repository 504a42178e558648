/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "probe/pci-link.h"

#define ATTR_MAX_SPEED     "max_link_speed"
#define ATTR_MAX_WIDTH     "max_link_width"
#define ATTR_CURRENT_SPEED "current_link_speed"
#define ATTR_CURRENT_WIDTH "current_link_width"

/* GT/s by generation. The kernel writes "8.0 GT/s PCIe", before Linux 5.9 "8 GT/s". */
static const double speeds[] = { 0, 2.5, 5, 8, 16, 32, 64 };

/* The register has six bits; the kernel reports an unknown width as a larger number. */
#define WIDTH_MAX 63


/* 0 if unknown. */
static guint
read_speed(MdSysfsDir *dir, const char *name)
{
    g_autofree char *text = md_sysfs_dir_read(dir, name, NULL);

    char *unit = NULL;
    double number = text != NULL ? g_ascii_strtod(text, &unit) : 0;

    if (unit == NULL || !g_str_has_prefix(unit, " GT/s"))
        return 0;
    for (guint speed = 1; speed < G_N_ELEMENTS(speeds); speed++) {
        /* All speeds are exact binary fractions, so they can be compared for equality. */
        if (number >= speeds[speed] && number <= speeds[speed])
            return speed;
    }
    return 0;
}


/* FALSE if unknown. */
static gboolean
read_width(MdSysfsDir *dir, const char *name, guint *width)
{
    gint64 number = 0;

    if (!md_sysfs_dir_read_int(dir, name, &number) || number < 0 || number > WIDTH_MAX)
        return FALSE;
    *width = (guint)number;
    return TRUE;
}


gboolean
md_pci_link_exists(MdSysfsDir *dir)
{
    return md_sysfs_dir_has(dir, ATTR_MAX_SPEED);
}


void
md_pci_link_read(MdSysfsDir *dir, MdCapPci *cap)
{
    cap->is_express = cap->is_express || md_pci_link_exists(dir);
    /* Devices integrated into the root complex have no link. */
    if (!read_width(dir, ATTR_MAX_WIDTH, &cap->link_capability.width))
        return;

    cap->has_link_capability = TRUE;
    cap->link_capability.port = -1;
    cap->link_capability.speed = read_speed(dir, ATTR_MAX_SPEED);
    cap->has_link_status = md_sysfs_dir_has(dir, ATTR_CURRENT_WIDTH);
    cap->link_status.port = -1;
}


void
md_pci_link_read_status(MdSysfsDir *dir, MdCapPci *cap)
{
    if (read_width(dir, ATTR_CURRENT_WIDTH, &cap->link_status.width))
        cap->link_status.speed = read_speed(dir, ATTR_CURRENT_SPEED);
    else
        cap->has_link_status = !md_sysfs_dir_has(dir, ATTR_CURRENT_WIDTH);
}
