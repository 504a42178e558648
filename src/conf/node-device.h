/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A node device: its identity and its capabilities. Plain data, independent of sysfs and clients. A
 * definition is filled by one owner and immutable once shared, so that any thread may read it.
 */
#pragma once

#include "conf/capability.h"
#include "conf/mdev-type.h"

typedef struct {
    char *name;           /* libvirt's name: pci_0000_86_00_0 */
    char *path;           /* below /sys/devices; NULL for an inactive device and in most input */
    gboolean shares_path; /* `path` is that of the parent: a vGPU exists as a setting of its
                           * function, not as a device of the kernel */
    char *devnode;        /* /dev/..., or NULL */
    char **devlinks;      /* NULL-terminated, or NULL */
    char *parent;         /* name of the parent, NULL for the root */

    /* Other ways for a document to name the parent of a virtual host adapter: the names of its
     * port, both set or both NULL, or the name of its fabric. Normalized by md_wwn_normalize(), or
     * NULL; always NULL for an existing device. */
    char *parent_wwnn;
    char *parent_wwpn;
    char *parent_fabric_wwn;

    char *driver;    /* name of the bound driver, or NULL */
    GPtrArray *caps; /* of MdCap, never NULL; the first one is the kind of the device */

    /* Of MdMdevType: the types offered by a parent of mediated devices, as part of its first
     * capability; empty until read. NULL: not a parent. */
    GPtrArray *mdev_types;
    gboolean is_assignable; /* the types are assigned to the function itself: a vGPU without mdev */
} MdNodeDeviceDef;

MdNodeDeviceDef *md_node_device_def_new(void);
/* Thread-safe reference count. */
MdNodeDeviceDef *md_node_device_def_ref(MdNodeDeviceDef *self);
void md_node_device_def_unref(MdNodeDeviceDef *self);
/* A deep copy, which may be modified. */
MdNodeDeviceDef *md_node_device_def_copy(const MdNodeDeviceDef *self);

/* Adds an empty capability of a kind and returns it, borrowed. */
gpointer md_node_device_def_add_cap(MdNodeDeviceDef *self, const MdCapKind *kind);

/* The outer capability of this kind, borrowed, or NULL. */
gpointer md_node_device_def_get_cap(const MdNodeDeviceDef *self, const MdCapKind *kind);

/* The kind of the first capability. */
const MdCapKind *md_node_device_def_get_kind(const MdNodeDeviceDef *self);

/* The alias of a device to be created, see MdCapKind; or NULL. */
const char *md_node_device_def_get_alias(const MdNodeDeviceDef *self);

/* The attributes written to the device's driver, see MdCapKind. NULL if the kind has none; setting
 * them then has no effect. */
GPtrArray *md_node_device_def_get_attrs(const MdNodeDeviceDef *self);
void md_node_device_def_set_attrs(MdNodeDeviceDef *self, GPtrArray *attrs);

/* Kinds of the outer and of the nested capabilities, in document order; elements are static
 * MdCapKind. */
GPtrArray *md_node_device_def_list_caps(const MdNodeDeviceDef *self);

/* The flags of all listed kinds. */
guint32 md_node_device_def_get_flags(const MdNodeDeviceDef *self);

/* Joins its arguments as libvirt does: `mdev`, uuid, address become mdev_<uuid>_<address>, with `_`
 * for every character other than a letter or digit. */
char *md_node_device_make_name(const char *prefix, ...) G_GNUC_NULL_TERMINATED;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdNodeDeviceDef, md_node_device_def_unref)
