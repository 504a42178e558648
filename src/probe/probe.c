/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "probe/probe.h"

#include "probe/kept.h"
#include "probe/mdev-types.h"
#include "probe/vgpu-types.h"
#include "util/error.h"
#include "util/names.h"
#include "vendor/vendor.h"

/* In order of precedence: the first probe that accepts a device handles it. */
static const MdProbe *const probes[] = {
    &md_probe_pci,
    &md_probe_usb_device,
    &md_probe_usb,
    &md_probe_drm,
    &md_probe_css,
    &md_probe_mdev,
    &md_probe_scsi_host,
    &md_probe_scsi_target,
    &md_probe_scsi,
    &md_probe_scsi_generic,
    &md_probe_ccw,
    &md_probe_ccwgroup,
    &md_probe_ap_card,
    &md_probe_ap_queue,
    &md_probe_net,
    &md_probe_storage,
    &md_probe_vdpa,
    &md_probe_ap_matrix,
    /* Accepts devices of any subsystem. */
    &md_probe_virtual_parent,
};

/* The class in which the kernel links all parents of mediated devices, on any bus. */
#define SUBSYSTEM_MDEV_BUS "mdev_bus"


const char *const *
md_probe_get_subsystems(void)
{
    static const char *subsystems[G_N_ELEMENTS(probes) + 2];
    gsize n = 0;

    if (subsystems[0] == NULL) {
        for (gsize i = 0; i < G_N_ELEMENTS(probes); i++) {
            if (probes[i]->subsystem != NULL && !g_strv_contains(subsystems, probes[i]->subsystem))
                subsystems[n++] = probes[i]->subsystem;
        }
        subsystems[n] = SUBSYSTEM_MDEV_BUS;
    }
    return subsystems;
}


/* Whether the probe is for devices of this subsystem and type; FALSE for the probe of all other
 * subsystems. */
static gboolean
is_for(const MdProbe *probe, MdUdevDevice *device)
{
    return g_strcmp0(probe->subsystem, md_udev_device_get_subsystem(device)) == 0 &&
           (probe->devtype == NULL ||
            g_strcmp0(probe->devtype, md_udev_device_get_devtype(device)) == 0);
}


gboolean
md_probe_is_of_interest(MdUdevDevice *device)
{
    for (gsize i = 0; i < G_N_ELEMENTS(probes); i++) {
        if (is_for(probes[i], device))
            return TRUE;
    }
    return FALSE;
}


char *
md_probe_find_subject(MdUdevDevice *device)
{
    const char *class = md_udev_device_get_subsystem(device);

    for (gsize i = 0; i < G_N_ELEMENTS(probes); i++) {
        g_autofree char *directory = NULL;

        if (g_strcmp0(probes[i]->companion, class) != 0)
            continue;
        directory = g_path_get_dirname(md_udev_device_get_path(device));
        return g_path_get_dirname(directory);
    }
    return NULL;
}


/* Returns a definition with the properties common to all kinds. */
static MdNodeDeviceDef *
new_def(const MdProbe *probe, MdUdevDevice *device, MdSysfsDir *dir)
{
    MdNodeDeviceDef *def = md_node_device_def_new();

    def->path = g_strdup(md_udev_device_get_path(device));
    if (!probe->nodeless) {
        def->devnode = g_strdup(md_udev_device_get_devnode(device));
        def->devlinks = md_udev_device_dup_devlinks(device);
    }
    if (dir != NULL && !probe->driverless)
        def->driver = md_sysfs_dir_read_link(dir, MD_ATTR_DRIVER);
    return def;
}


static const MdProbe *
find_probe(const MdNodeDeviceDef *def)
{
    const MdCap *cap = g_ptr_array_index(def->caps, 0);

    if (def->shares_path)
        return &md_probe_vgpu;
    for (gsize i = 0; i < G_N_ELEMENTS(probes); i++) {
        if (probes[i]->kind == cap->kind)
            return probes[i];
    }
    return NULL;
}


static gboolean
run_probe(const MdProbe *probe,
          MdUdevDevice *device,
          MdSysfsDir *dir,
          const MdNodeDeviceDef *known,
          MdNodeDeviceDef *def)
{
    if (known == NULL || probe->probe_again == NULL || find_probe(known) != probe)
        return probe->probe(device, dir, def);
    return probe->probe_again(device, dir, known, def);
}


MdNodeDeviceDef *
md_probe_device(MdUdevDevice *device, MdSysfsDir *dir, const MdNodeDeviceDef *known)
{
    for (gsize i = 0; i < G_N_ELEMENTS(probes); i++) {
        g_autoptr(MdNodeDeviceDef) def = NULL;

        if ((probes[i]->subsystem != NULL && !is_for(probes[i], device)) ||
            (dir == NULL && !probes[i]->announced_by_bind))
            continue;
        def = new_def(probes[i], device, dir);
        if (run_probe(probes[i], device, dir, known, def))
            return g_steal_pointer(&def);
    }
    return NULL;
}


GPtrArray *
md_probe_list_affected(const MdNodeDeviceDef *def)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    const MdProbe *probe = find_probe(def);

    if (probe != NULL && probe->list_affected != NULL)
        probe->list_affected(def, names);
    return names;
}


gboolean
md_probe_is_complete(MdUdevDevice *device, MdSysfsDir *dir)
{
    /* The kernel creates the link to the subsystem after the directory, and removes it first. */
    if (*md_udev_device_get_subsystem(device) == '\0')
        return FALSE;

    for (gsize i = 0; i < G_N_ELEMENTS(probes); i++) {
        if (is_for(probes[i], device) && probes[i]->is_complete != NULL)
            return probes[i]->is_complete(dir);
    }
    return TRUE;
}


gboolean
md_probe_is_companion_complete(MdUdevDevice *device, MdSysfsDir *dir)
{
    for (gsize i = 0; i < G_N_ELEMENTS(probes); i++) {
        if (is_for(probes[i], device) && probes[i]->is_companion_complete != NULL)
            return probes[i]->is_companion_complete(dir);
    }
    return TRUE;
}


gboolean
md_probe_is_announced_by_bind(MdUdevDevice *device)
{
    for (gsize i = 0; i < G_N_ELEMENTS(probes); i++) {
        if (probes[i]->announced_by_bind && is_for(probes[i], device))
            return TRUE;
    }
    return FALSE;
}


MdSysfsDir *
md_probe_open(const char *name, const char *path, guint64 inode, GError **error)
{
    g_autoptr(GError) err = NULL;
    g_autoptr(MdSysfsDir) dir = md_sysfs_dir_open(path, &err);

    if (dir == NULL && !md_error_is_gone(err)) {
        g_propagate_error(error, g_steal_pointer(&err));
        return NULL;
    }
    if (dir == NULL || md_sysfs_dir_get_inode(dir) != inode || !md_sysfs_dir_is_alive(dir)) {
        md_error_set(error, VIR_ERR_NO_NODE_DEVICE, "no node device with matching name '%s'", name);
        return NULL;
    }
    return g_steal_pointer(&dir);
}


gboolean
md_probe_check_may_block(gboolean may_block, GError **error)
{
    if (!may_block)
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK,
                            "this needs an answer from the driver");
    return may_block;
}


gboolean
md_probe_always_asks(const MdNodeDeviceDef *def G_GNUC_UNUSED)
{
    return TRUE;
}


/* The kept properties, read from the device if necessary. `driver` is the current driver. */
static MdNodeDeviceDef *
read_kept(const MdProbe *probe,
          MdNodeDeviceDef *def,
          const char *driver,
          MdSysfsDir *dir,
          gboolean may_block,
          GError **error)
{
    guint64 inode = md_sysfs_dir_get_inode(dir);
    guint64 stamp = 0;
    gboolean lasting = TRUE;
    g_autoptr(MdNodeDeviceDef) kept = md_kept_find(inode, def, &stamp);

    if (kept != NULL && g_strcmp0(kept->driver, driver) == 0)
        return g_steal_pointer(&kept);

    md_node_device_def_unref(kept);
    kept = md_node_device_def_copy(def);
    g_free(kept->driver);
    kept->driver = g_strdup(driver);
    if (!probe->read_once(kept, dir, may_block, &lasting, error))
        return NULL;
    if (lasting)
        md_kept_store(inode, def, stamp, kept);
    return g_steal_pointer(&kept);
}


static char *
read_driver(const MdProbe *probe, MdSysfsDir *dir)
{
    return probe->driverless ? NULL : md_sysfs_dir_read_link(dir, MD_ATTR_DRIVER);
}


MdNodeDeviceDef *
md_probe_get_kept(MdNodeDeviceDef *def, guint64 inode, gboolean may_block, GError **error)
{
    const MdProbe *probe = find_probe(def);
    g_autoptr(MdSysfsDir) dir = NULL;
    g_autofree char *driver = NULL;

    if (def->path == NULL || probe == NULL || probe->read_once == NULL)
        return md_node_device_def_ref(def);

    dir = md_probe_open(def->name, def->path, inode, error);
    if (dir == NULL)
        return NULL;
    driver = read_driver(probe, dir);
    return read_kept(probe, def, driver, dir, may_block, error);
}


static gboolean
is_counting(const MdProbe *probe, const MdNodeDeviceDef *def)
{
    return probe->is_counting != NULL && probe->is_counting(def);
}


static gboolean
asks_driver(const MdProbe *probe, const MdNodeDeviceDef *def)
{
    return probe->asks_driver != NULL && probe->asks_driver(def);
}


/* Whether reading the available instances queries the parent's driver. */
static gboolean
asks_for_types(const MdProbe *probe, const MdNodeDeviceDef *def)
{
    return def->mdev_types != NULL && !is_counting(probe, def);
}


static gboolean
refresh_types(
    const MdProbe *probe, MdNodeDeviceDef *def, MdSysfsDir *dir, gboolean may_block, GError **error)
{
    if (!md_mdev_types_refresh(&def->mdev_types, dir, may_block || is_counting(probe, def), error))
        return FALSE;
    def->is_assignable = FALSE;
    if (def->mdev_types != NULL || md_vendor_find_driver(def->driver) == NULL)
        return TRUE;
    if (!md_vgpu_types_refresh(&def->mdev_types, dir, may_block, error))
        return FALSE;
    def->is_assignable = def->mdev_types != NULL;
    return TRUE;
}


/* Reads all properties that may have changed into `def`, which is not shared yet. */
static gboolean
read_again(
    const MdProbe *probe, MdNodeDeviceDef *def, MdSysfsDir *dir, gboolean may_block, GError **error)
{
    gboolean is_whole = TRUE;

    if (md_cap_kind_may_be_parent(probe->kind) && !refresh_types(probe, def, dir, may_block, error))
        return FALSE;
    if (probe->refresh != NULL)
        is_whole = probe->refresh(def, dir);
    if (is_whole && !asks_driver(probe, def))
        return TRUE;
    g_return_val_if_fail(probe->query_driver != NULL, FALSE);
    return md_probe_check_may_block(may_block, error) && probe->query_driver(def, dir, error);
}


MdNodeDeviceDef *
md_probe_refresh(MdNodeDeviceDef *def, guint64 inode, gboolean may_block, GError **error)
{
    const MdProbe *probe = find_probe(def);
    g_autoptr(MdNodeDeviceDef) kept = NULL;
    g_autoptr(MdNodeDeviceDef) fresh = NULL;
    g_autoptr(MdSysfsDir) dir = NULL;
    g_autofree char *driver = NULL;

    /* The device is not in sysfs. */
    if (def->path == NULL || probe == NULL)
        return md_node_device_def_ref(def);

    if ((asks_driver(probe, def) || asks_for_types(probe, def)) &&
        !md_probe_check_may_block(may_block, error))
        return NULL;
    dir = md_probe_open(def->name, def->path, inode, error);
    if (dir == NULL)
        return NULL;

    driver = read_driver(probe, dir);
    if (probe->read_once != NULL) {
        kept = read_kept(probe, def, driver, dir, may_block, error);
        if (kept == NULL)
            return NULL;
    }
    fresh = md_node_device_def_copy(kept != NULL ? kept : def);
    g_free(fresh->driver);
    fresh->driver = g_steal_pointer(&driver);
    return read_again(probe, fresh, dir, may_block, error) ? g_steal_pointer(&fresh) : NULL;
}
