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

/* The common beginning of all capability structs. */
typedef struct {
    const MdCapKind *kind;
} MdCap;

struct _MdCapKind {
    const char *name; /* the `type` in XML, and the name in list calls */
    guint32 flag;     /* VIR_CONNECT_LIST_NODE_DEVICES_CAP_* */
    gsize size;       /* of the kind's struct; 0: none, the kind is a part of another one */

    /* Sets the defaults that are not zero in an empty capability (such as -1). NULL: all are
     * zero. */
    void (*init)(MdCap *cap);
    /* Parses <capability>. NULL: documents of this kind are parsed for name and kind only. */
    gboolean (*parse)(MdCap *cap, xmlNodePtr node, GError **error);
    /* What stands inside <capability type='...'>, before and after the types that a device offers.
     * NULL: nothing. */
    void (*format)(const MdCap *cap, MdXmlWriter *writer);
    void (*format_rest)(const MdCap *cap, MdXmlWriter *writer);
    /* Deep copies into zeroed `dest` (never initialized by `init`). NULL: it holds but numbers. */
    void (*copy)(MdCap *dest, const MdCap *src);
    /* NULL: it owns nothing. */
    void (*clear)(MdCap *cap);
    /*
     * Of kinds that may be parents of mediated devices: what the kernel calls the device that
     * libvirt calls so; NULL if it is not of this kind. NULL: nothing of this kind is a parent, see
     * `mdev_types` of MdNodeDeviceDef.
     */
    char *(*make_address)(const char *device);
    /* The attributes (MdMdevAttr) that the driver of such a device is given, borrowed; and copies
     * of others instead. NULL, both: there are none. */
    GPtrArray *(*get_attrs)(const MdCap *cap);
    void (*set_attrs)(MdCap *cap, GPtrArray *attrs);
    /* What the making of such a device is known by before it has a name; NULL, also without the
     * function: nothing. */
    const char *(*get_alias)(const MdCap *cap);
    /* Whether it uses up something that a parent of that kind offers, which is another amount
     * when one has come or gone. NULL: it does not. */
    gboolean (*consumes)(const MdCapKind *parent);
    /* Appends the kinds nested in this one, but for `mdev_types`. NULL: there are none. */
    void (*list_nested)(const MdCap *cap, GPtrArray *kinds);

    gboolean is_immutable; /* what is read of it at once never changes: its driver comes with it */
    gboolean is_leaf;      /* no device is ever below one */
    gboolean is_definable; /* there may be a definition of one, active or not */
    gboolean is_permanent; /* it is there as long as the daemon is */
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

/* An empty capability of a kind. */
MdCap *md_cap_new(const MdCapKind *kind);
MdCap *md_cap_copy(const MdCap *cap);
void md_cap_free(MdCap *cap);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdCap, md_cap_free)
