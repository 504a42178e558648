/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A disk or a drive for media, by what udev's rules have found out: whether there is a medium is
 * never asked here. What no rule gives a type has no hardware of its own (loop, dm, md, zram ...)
 * and is none to libvirt, but for some that are told by the names of their nodes.
 */
#include "config.h"

#include <string.h>

#include "conf/cap-storage.h"
#include "node_device/probe/probe.h"
#include "util/names.h"

#define DEVTYPE_DISK       "disk"
#define PROPERTY_BUS       "ID_BUS"
#define PROPERTY_TYPE      "ID_TYPE"
#define PROPERTY_SERIAL    "ID_SERIAL"
#define PROPERTY_FLOPPY    "ID_DRIVE_FLOPPY"
#define PROPERTY_CDROM     "ID_CDROM"
#define PROPERTY_MEDIA     "ID_CDROM_MEDIA"
#define PROPERTY_FLASH_SD  "ID_DRIVE_FLASH_SD"
#define PROPERTY_LABEL     "ID_FS_LABEL"
#define ATTR_VENDOR        MD_ATTR_DEVICE "/vendor"
#define ATTR_MODEL         MD_ATTR_DEVICE "/model"
#define ATTR_UID           MD_ATTR_DEVICE "/uid"
#define ATTR_REMOVABLE     "removable"
#define ATTR_SIZE          "size"
#define ATTR_LOGICAL_BLOCK "queue/logical_block_size"

/* What udev says if it knows of a type, but not which. */
#define TYPE_GENERIC "generic"

/* What sysfs counts sizes in, whatever the blocks of the disk. Bytes. */
#define SECTOR 512

/* Drives as udev and libvirt call them. */
typedef struct {
    const char *udev;
    const char *libvirt;
    gboolean has_media; /* that come and go */
} Type;

static const Type types[] = {
    { "disk", "disk", FALSE },    { "dasd", "dasd", FALSE }, { "sd", "sd", FALSE },
    { "floppy", "floppy", TRUE }, { "cd", "cdrom", TRUE },
};

typedef struct {
    const char *prefix;
    const char *type;
} Node;

static const Node nodes[] = {
    { "/dev/vd", "disk" },
    { "/dev/nvme", "disk" },
    { "/dev/dasd", "dasd" },
};

#define NODE_MMC "/dev/mmcblk"


static gboolean
is_set(MdUdevDevice *device, const char *property)
{
    return g_strcmp0(md_udev_device_get_property(device, property), "1") == 0;
}


/* NULL if the node tells nothing. */
static const char *
guess_type(const char *devnode)
{
    for (gsize i = 0; i < G_N_ELEMENTS(nodes); i++) {
        if (g_str_has_prefix(devnode, nodes[i].prefix))
            return nodes[i].type;
    }
    /* A card or its like; its boot partitions are disks of their own to the kernel. */
    if (g_str_has_prefix(devnode, NODE_MMC) &&
        strspn(devnode + strlen(NODE_MMC), "0123456789") == strlen(devnode + strlen(NODE_MMC)))
        return "sd";
    return NULL;
}


static const Type *
find_type(MdUdevDevice *device, const char *devnode)
{
    const char *name = md_udev_device_get_property(device, PROPERTY_TYPE);

    if (name == NULL || *name == '\0' || g_str_equal(name, TYPE_GENERIC)) {
        if (is_set(device, PROPERTY_FLOPPY))
            name = "floppy";
        else if (is_set(device, PROPERTY_CDROM))
            name = "cd";
        else if (is_set(device, PROPERTY_FLASH_SD))
            name = "sd";
        else
            name = guess_type(devnode);
    }
    for (gsize i = 0; name != NULL && i < G_N_ELEMENTS(types); i++) {
        if (g_str_equal(types[i].udev, name))
            return &types[i];
    }
    return NULL;
}


/* NULL for an attribute that is missing or empty. */
static char *
read_text(MdSysfsDir *dir, const char *name)
{
    g_autofree char *text = md_sysfs_dir_read(dir, name, NULL);

    return text != NULL && *text != '\0' ? g_steal_pointer(&text) : NULL;
}


/* NULL for a property that is missing or empty. */
static char *
dup_property(MdUdevDevice *device, const char *name)
{
    const char *value = md_udev_device_get_property(device, name);

    return value != NULL && *value != '\0' ? g_strdup(value) : NULL;
}


/* Of a floppy disk only its label tells that it is there. */
static gboolean
has_media(MdUdevDevice *device, const MdCapStorage *cap)
{
    return g_str_equal(cap->drive_type, "floppy")
               ? md_udev_device_get_property(device, PROPERTY_LABEL) != NULL
               : is_set(device, PROPERTY_MEDIA);
}


static void
probe_media(MdCapStorage *cap, MdUdevDevice *device, MdSysfsDir *dir)
{
    gint64 removable = 0;

    cap->is_removable = md_sysfs_dir_read_int(dir, ATTR_REMOVABLE, &removable) && removable == 1;
    cap->has_media = cap->is_removable && has_media(device, cap);
    cap->media_label = cap->has_media ? dup_property(device, PROPERTY_LABEL) : NULL;
}


static gboolean
probe(MdUdev *udev G_GNUC_UNUSED, MdUdevDevice *device, MdSysfsDir *dir, MdNodeDeviceDef *def)
{
    /* Without a node it is one of the paths to a disk that has another one. */
    const Type *type = def->devnode != NULL ? find_type(device, def->devnode) : NULL;
    MdCapStorage *cap = NULL;

    if (type == NULL)
        return FALSE;

    cap = md_node_device_def_add_cap(def, &md_cap_kind_storage);
    cap->block = g_strdup(def->devnode);
    cap->bus = dup_property(device, PROPERTY_BUS);
    cap->drive_type = g_strdup(type->libvirt);
    cap->vendor = read_text(dir, ATTR_VENDOR);
    cap->model = read_text(dir, ATTR_MODEL);
    cap->serial = dup_property(device, PROPERTY_SERIAL);
    if (g_str_equal(type->udev, "dasd")) {
        g_free(cap->serial);
        cap->serial = read_text(dir, ATTR_UID);
    }
    if (type->has_media)
        probe_media(cap, device, dir);
    def->name =
        md_node_device_make_name("block", md_udev_device_get_name(device), cap->serial, NULL);
    return TRUE;
}


/* 0 for an attribute that is missing or senseless. */
static guint64
read_count(MdSysfsDir *dir, const char *name, guint64 max)
{
    gint64 count = 0;

    if (!md_sysfs_dir_read_int(dir, name, &count) || count < 0 || (guint64)count > max)
        return 0;
    return (guint64)count;
}


/* Without a medium there is nothing to be read. */
static gboolean
is_empty(const MdCapStorage *cap)
{
    return cap->is_removable && !cap->has_media;
}


static guint64
read_size(MdSysfsDir *dir)
{
    return read_count(dir, ATTR_SIZE, G_MAXUINT64 / SECTOR) * SECTOR;
}


/* The size of its blocks is that of how disk or medium are formatted. The kernel tells it under the
 * lock of the queue, which may be held until the disk answers. */
static gboolean
read_once(
    MdNodeDeviceDef *def, MdSysfsDir *dir, gboolean may_block, gboolean *lasting, GError **error)
{
    MdCapStorage *cap = md_node_device_def_get_cap(def, &md_cap_kind_storage);

    if (is_empty(cap))
        return TRUE;
    if (!md_probe_check_may_block(may_block, error))
        return FALSE;
    cap->size = read_size(dir);
    cap->logical_block_size = read_count(dir, ATTR_LOGICAL_BLOCK, G_MAXUINT32);
    *lasting = cap->logical_block_size > 0;
    return TRUE;
}


/* A disk that has another size may be formatted otherwise, too. */
static gboolean
refresh(MdNodeDeviceDef *def, MdSysfsDir *dir, gboolean may_block, GError **error)
{
    MdCapStorage *cap = md_node_device_def_get_cap(def, &md_cap_kind_storage);
    guint64 size = 0;

    if (is_empty(cap))
        return TRUE;
    size = read_size(dir);
    if (size != cap->size) {
        if (!md_probe_check_may_block(may_block, error))
            return FALSE;
        cap->size = size;
        cap->logical_block_size = read_count(dir, ATTR_LOGICAL_BLOCK, G_MAXUINT32);
    }
    cap->num_blocks = cap->logical_block_size > 0 ? cap->size / cap->logical_block_size : 0;
    return TRUE;
}


const MdProbe md_probe_storage = {
    .kind = &md_cap_kind_storage,
    .subsystem = MD_SUBSYSTEM_BLOCK,
    .devtype = DEVTYPE_DISK,
    .driverless = TRUE,
    .probe = probe,
    .read_once = read_once,
    .refresh = refresh,
};
