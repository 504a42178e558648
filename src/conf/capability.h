/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The capabilities of a node device: one kind per cap-*.c file. The table in capability.c is the
 * only list of all kinds.
 */
#pragma once

#include <glib.h>
#include <libxml/tree.h>

#include "conf/xml-writer.h"

typedef struct _MdCapKind MdCapKind;

/* The first member of all capability structs. */
typedef struct {
    const MdCapKind *kind;
} MdCap;

struct _MdCapKind {
    const char *name; /* the `type` in XML, and the name in list calls */
    guint32 flag;     /* VIR_CONNECT_LIST_NODE_DEVICES_CAP_* */
    gsize size;       /* of the kind's struct; 0: none, because the kind is nested in another one */

    /* Sets the defaults other than zero, such as -1, in a zeroed capability. NULL: all defaults are
     * zero. */
    void (*init)(MdCap *cap);
    /* Parses <capability>. NULL: documents of this kind are parsed for name and kind only. */
    gboolean (*parse)(MdCap *cap, xmlNodePtr node, GError **error);
    /* Write the content of <capability type='...'> before and after the mediated device types that
     * the device offers. NULL: nothing. */
    void (*format)(const MdCap *cap, MdXmlWriter *writer);
    void (*format_rest)(const MdCap *cap, MdXmlWriter *writer);
    /* Makes a deep copy in `dest`, which is zeroed instead of set up by `init`. NULL: the struct
     * has no pointers. */
    void (*copy)(MdCap *dest, const MdCap *src);
    /* NULL: there is nothing to free. */
    void (*clear)(MdCap *cap);
    /*
     * For kinds whose devices may be parents of mediated devices: converts libvirt's name of a
     * device to the kernel's. Returns NULL if the name is not of this kind. NULL: devices of this
     * kind are never parents, see `mdev_types` of MdNodeDeviceDef.
     */
    char *(*make_address)(const char *device);
    /* Returns the attributes (MdMdevAttr) written to the device's driver, borrowed; replaces them
     * by a copy of `attrs`. Both functions are NULL if the kind has no attributes. */
    GPtrArray *(*get_attrs)(const MdCap *cap);
    void (*set_attrs)(MdCap *cap, GPtrArray *attrs);
    /* Returns the alias, borrowed. It identifies a device that is being created and has no name
     * yet. The device has no alias if this returns NULL, or if the function itself is NULL. */
    const char *(*get_alias)(const MdCap *cap);
    /* Whether devices of this kind use up a resource of a parent of the kind `parent`, so that the
     * amount left changes when such a device appears or disappears. NULL: they do not. */
    gboolean (*consumes)(const MdCapKind *parent);
    /* Appends the kinds nested in this one, except `mdev_types`. NULL: none. */
    void (*list_nested)(const MdCap *cap, GPtrArray *kinds);

    gboolean is_immutable; /* properties never change after the first read, nor does the driver */
    gboolean is_leaf;      /* never has child devices */
    gboolean is_definable; /* may have a persistent definition, active or not */
    gboolean is_permanent; /* exists as long as the daemon runs */
};

extern const MdCapKind md_cap_kind_system;
extern const MdCapKind md_cap_kind_pci;
extern const MdCapKind md_cap_kind_vpd;
extern const MdCapKind md_cap_kind_usb_device;
extern const MdCapKind md_cap_kind_usb;
extern const MdCapKind md_cap_kind_drm;
extern const MdCapKind md_cap_kind_css;
extern const MdCapKind md_cap_kind_ap_matrix;
extern const MdCapKind md_cap_kind_mdev_types;
extern const MdCapKind md_cap_kind_mdev;
extern const MdCapKind md_cap_kind_scsi_host;
extern const MdCapKind md_cap_kind_fc_host;
extern const MdCapKind md_cap_kind_vports;
extern const MdCapKind md_cap_kind_scsi_target;
extern const MdCapKind md_cap_kind_scsi;
extern const MdCapKind md_cap_kind_scsi_generic;
extern const MdCapKind md_cap_kind_ccw;
extern const MdCapKind md_cap_kind_ccwgroup;
extern const MdCapKind md_cap_kind_ccwgroup_member;
extern const MdCapKind md_cap_kind_ap_card;
extern const MdCapKind md_cap_kind_ap_queue;
extern const MdCapKind md_cap_kind_net;
extern const MdCapKind md_cap_kind_storage;
extern const MdCapKind md_cap_kind_vdpa;

/* NULL if there is no such kind. */
const MdCapKind *md_cap_kind_find(const char *name);

/*
 * Converts libvirt's name of a parent of mediated devices to the kernel's: pci_0000_86_00_0 to
 * 0000:86:00.0. NULL if it is not the name of a parent.
 */
char *md_cap_kind_make_address(const char *device);

/* Whether devices of this kind may be parents of mediated devices, if their driver offers types. */
gboolean md_cap_kind_may_be_parent(const MdCapKind *kind);

/* An empty capability of a kind. */
MdCap *md_cap_new(const MdCapKind *kind);
MdCap *md_cap_copy(const MdCap *cap);
void md_cap_free(MdCap *cap);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdCap, md_cap_free)
