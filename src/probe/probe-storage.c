/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Disks, and drives with removable media, as reported by udev's rules: the daemon never queries a
 * drive for its medium. A device to which no rule gives a type has no hardware (loop, dm, md, zram
 * ...) and is ignored as in libvirt, unless the name of its node implies a type. If udev reports a
 * type that is not in the table below, the device is listed with a type derived from its other
 * properties.
 */
#include "config.h"

#include <string.h>

#include "conf/cap-storage.h"
#include "probe/probe.h"
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
#define ATTR_SCSI_TYPE     MD_ATTR_DEVICE "/type"
#define ATTR_REMOVABLE     "removable"
#define ATTR_SIZE          "size"
#define ATTR_LOGICAL_BLOCK "queue/logical_block_size"

/* The type that udev reports if it cannot identify the drive. */
#define TYPE_GENERIC "generic"

/* SCSI type numbers of optical drives. */
#define SCSI_TYPE_WORM 4
#define SCSI_TYPE_ROM  5

/* The unit of sizes in sysfs, in bytes, independent of the disk's block size. */
#define SECTOR 512

/* A type of drives, with the names used by udev and libvirt. */
typedef struct {
    const char *udev;
    const char *libvirt;
    gboolean removable; /* the drive has removable media */
} Type;

static const Type types[] = {
    { "disk", "disk", FALSE },    { "dasd", "dasd", FALSE }, { "sd", "sd", FALSE },
    { "floppy", "floppy", TRUE }, { "cd", "cdrom", TRUE },
};

#define NODE_DASD "/dev/dasd"

typedef struct {
    const char *prefix;
    const char *type;
} Node;

/* Nodes of drivers for one type of hardware. */
static const Node nodes[] = {
    { "/dev/vd", "disk" },
    { "/dev/nvme", "disk" },
    { NODE_DASD, "dasd" },
};

/* Nodes that imply a type if udev reports any type: as in libvirt, the node alone is not
 * sufficient. */
static const Node typed_nodes[] = {
    { "/dev/sr", "cd" },
    { "/dev/fd", "floppy" },
};

#define NODE_MMC "/dev/mmcblk"


static gboolean
is_set(MdUdevDevice *device, const char *property)
{
    return g_strcmp0(md_udev_device_get_property(device, property), "1") == 0;
}


static const char *
find_node(const Node *table, gsize n_rows, const char *devnode)
{
    for (gsize i = 0; i < n_rows; i++) {
        if (g_str_has_prefix(devnode, table[i].prefix))
            return table[i].type;
    }
    return NULL;
}


/* NULL if the node implies no type. */
static const char *
guess_type(const char *devnode)
{
    const char *type = find_node(nodes, G_N_ELEMENTS(nodes), devnode);

    if (type != NULL)
        return type;
    /* The card only: its boot partitions, which the kernel lists as disks too, have longer
     * names. */
    if (g_str_has_prefix(devnode, NODE_MMC) &&
        strspn(devnode + strlen(NODE_MMC), "0123456789") == strlen(devnode + strlen(NODE_MMC)))
        return "sd";
    return NULL;
}


/* Finds a type by udev's name; NULL if there is none. */
static const Type *
get_type(const char *name)
{
    for (gsize i = 0; name != NULL && i < G_N_ELEMENTS(types); i++) {
        if (g_str_equal(types[i].udev, name))
            return &types[i];
    }
    return NULL;
}


/* Determines the type from other properties; NULL if unknown. */
static const char *
type_from_properties(MdUdevDevice *device, const char *devnode)
{
    if (is_set(device, PROPERTY_FLOPPY))
        return "floppy";
    if (is_set(device, PROPERTY_CDROM))
        return "cd";
    if (is_set(device, PROPERTY_FLASH_SD))
        return "sd";
    return guess_type(devnode);
}


/* The type of a device for which udev reports a type that is not in `types`; NULL if udev reports
 * `generic`, and neither the node nor the SCSI type determines one. */
static const char *
type_of_unknown(const char *reported, MdSysfsDir *dir, const char *devnode)
{
    const char *name = find_node(typed_nodes, G_N_ELEMENTS(typed_nodes), devnode);
    gint64 number = 0;

    if (name != NULL)
        return name;
    if (md_sysfs_dir_read_int(dir, ATTR_SCSI_TYPE, &number))
        return number == SCSI_TYPE_WORM || number == SCSI_TYPE_ROM ? "cd" : "disk";
    return g_str_equal(reported, TYPE_GENERIC) ? NULL : "disk";
}


/* NULL: not a storage device, as in libvirt. */
static const Type *
find_type(MdUdevDevice *device, MdSysfsDir *dir, const char *devnode)
{
    const char *reported = md_udev_device_get_property(device, PROPERTY_TYPE);
    const Type *type = get_type(reported);
    const char *name = NULL;

    /* udev's rules report a DASD as a disk in some events, and not in others. */
    if (g_str_has_prefix(devnode, NODE_DASD))
        return get_type("dasd");
    if (type != NULL)
        return type;

    name = type_from_properties(device, devnode);
    if (name == NULL && reported != NULL && *reported != '\0')
        name = type_of_unknown(reported, dir, devnode);
    return get_type(name);
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


/* Only a label shows that a floppy disk is present. */
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


static char *
read_serial(const Type *type, MdUdevDevice *device, MdSysfsDir *dir)
{
    return g_str_equal(type->udev, "dasd") ? read_text(dir, ATTR_UID)
                                           : dup_property(device, PROPERTY_SERIAL);
}


/* Takes ownership of `serial`. */
static void
fill_def(
    MdNodeDeviceDef *def, const Type *type, char *serial, MdUdevDevice *device, MdSysfsDir *dir)
{
    MdCapStorage *cap = md_node_device_def_add_cap(def, &md_cap_kind_storage);

    cap->block = g_strdup(def->devnode);
    cap->bus = dup_property(device, PROPERTY_BUS);
    cap->drive_type = g_strdup(type->libvirt);
    cap->vendor = read_text(dir, ATTR_VENDOR);
    cap->model = read_text(dir, ATTR_MODEL);
    cap->serial = serial;
    if (type->removable)
        probe_media(cap, device, dir);
    def->name =
        md_node_device_make_name("block", md_udev_device_get_name(device), cap->serial, NULL);
}


static gboolean
probe(MdUdevDevice *device, MdSysfsDir *dir, MdNodeDeviceDef *def)
{
    /* A device without a node is one of several paths to a disk whose node belongs to another
     * device. */
    const Type *type = def->devnode != NULL ? find_type(device, dir, def->devnode) : NULL;

    if (type == NULL)
        return FALSE;

    fill_def(def, type, read_serial(type, device, dir), device, dir);
    return TRUE;
}


static const Type *
get_known_type(const MdCapStorage *known)
{
    gsize i = 0;

    while (!g_str_equal(types[i].libvirt, known->drive_type))
        i++;
    return &types[i];
}


/* The serial number may be reported after the disk, but does not change afterwards. */
static gboolean
probe_again(MdUdevDevice *device,
            MdSysfsDir *dir,
            const MdNodeDeviceDef *known,
            MdNodeDeviceDef *def)
{
    const MdCapStorage *before = md_node_device_def_get_cap(known, &md_cap_kind_storage);
    const Type *type = get_known_type(before);
    MdCapStorage *cap = NULL;

    /* A device without hardware is a disk only while udev's rules give it a type. */
    if (!md_sysfs_dir_has(dir, MD_ATTR_DEVICE) && find_type(device, dir, known->devnode) == NULL)
        return FALSE;
    if (def->devnode == NULL)
        def->devnode = g_strdup(known->devnode);
    fill_def(def, type,
             before->serial != NULL ? g_strdup(before->serial) : read_serial(type, device, dir),
             device, dir);
    cap = md_node_device_def_get_cap(def, &md_cap_kind_storage);
    if (cap->bus == NULL)
        cap->bus = g_strdup(before->bus);
    return TRUE;
}


/* 0 if the attribute is missing or invalid. */
static guint64
read_count(MdSysfsDir *dir, const char *name, guint64 max)
{
    gint64 count = 0;

    if (!md_sysfs_dir_read_int(dir, name, &count) || count < 0 || (guint64)count > max)
        return 0;
    return (guint64)count;
}


/* A drive without a medium has no sizes to read. */
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


/* The block size depends on the format of the disk or medium. To report it, the kernel takes the
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
    /* A missing attribute is final; a failed read may succeed later. */
    *lasting = cap->logical_block_size > 0 || !md_sysfs_dir_has(dir, ATTR_LOGICAL_BLOCK);
    return TRUE;
}


static void
count_blocks(MdCapStorage *cap)
{
    cap->num_blocks = cap->logical_block_size > 0 ? cap->size / cap->logical_block_size : 0;
}


/* If the size has changed, the block size may have changed too, and must be queried. */
static gboolean
refresh(MdNodeDeviceDef *def, MdSysfsDir *dir)
{
    MdCapStorage *cap = md_node_device_def_get_cap(def, &md_cap_kind_storage);
    guint64 known = cap->size;

    if (is_empty(cap))
        return TRUE;
    cap->size = read_size(dir);
    count_blocks(cap);
    return cap->size == known;
}


static gboolean
query_driver(MdNodeDeviceDef *def, MdSysfsDir *dir, GError **error G_GNUC_UNUSED)
{
    MdCapStorage *cap = md_node_device_def_get_cap(def, &md_cap_kind_storage);

    cap->logical_block_size = read_count(dir, ATTR_LOGICAL_BLOCK, G_MAXUINT32);
    count_blocks(cap);
    return TRUE;
}


const MdProbe md_probe_storage = {
    .kind = &md_cap_kind_storage,
    .subsystem = MD_SUBSYSTEM_BLOCK,
    .devtype = DEVTYPE_DISK,
    .driverless = TRUE,
    .probe = probe,
    .probe_again = probe_again,
    .read_once = read_once,
    .refresh = refresh,
    .query_driver = query_driver,
};
