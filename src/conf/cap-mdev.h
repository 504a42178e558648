/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A mediated device: an existing one, or one to be created from a document. */
#pragma once

#include "conf/cap-pci.h"
#include "conf/capability.h"
#include "conf/mdev-type.h"

/* Maximum number of attributes in a document, and of an active device. */
#define MD_MDEV_ATTRS_MAX 1024

/* What the details of a vGPU say about guests. */
#define MD_MDEV_FUNCTION_NOTE                                                                      \
    "A guest uses this vGPU by the hostdev above. A hostdev of type mdev does not work, and "      \
    "nodedev-detach or a managed hostdev removes the vGPU."

typedef struct {
    char *name;  /* a path below the device's directory; see md_mdev_attrs_check() */
    char *value; /* never NULL */
} MdMdevAttr;

typedef struct {
    MdCap cap;
    char *uuid;           /* lower case with dashes; NULL if the document has none */
    char *type_id;        /* nvidia-11; in a document also the short form 11; or NULL */
    char *type_name;      /* in a document: <type><name>, the driver's name for the type; or NULL */
    char *parent_addr;    /* 0000:86:00.0 */
    int iommu_group;      /* -1: none */
    GPtrArray *attrs;     /* of MdMdevAttr, in order; never NULL */
    gboolean is_function; /* a vGPU that guests use as the PCI function `function`, not as a
                             mediated device of the kernel */
    MdPciAddress function;
    guint64 type_inode; /* while active, inode of its type's directory in sysfs; 0: unknown */
    MdMdevType *type; /* the parent's description of the type, for the details; NULL if not read */
} MdCapMdev;

/* Arrays of MdMdevAttr; a copy is a deep one. */
GPtrArray *md_mdev_attrs_new(void);
void md_mdev_attrs_add(GPtrArray *attrs, const char *name, const char *value);
GPtrArray *md_mdev_attrs_copy(GPtrArray *attrs);
/* Returns the first `n` of `attrs`, then those attributes of `old` that have other names. */
GPtrArray *md_mdev_attrs_update(GPtrArray *old, GPtrArray *attrs, guint n);
gboolean md_mdev_attrs_are_equal(GPtrArray *a, GPtrArray *b);

/*
 * Whether each attribute may be a file of the driver: a path below the device's directory, without
 * a component that the kernel itself creates. Otherwise, VIR_ERR_CONFIG_UNSUPPORTED names the first
 * attribute that is refused.
 */
gboolean md_mdev_attrs_check(GPtrArray *attrs, GError **error);

/* libvirt's name of a mediated device: mdev_<uuid>_<address of the parent>. */
char *md_cap_mdev_make_name(const char *uuid, const char *parent_addr);
