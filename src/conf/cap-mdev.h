/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A mediated device: what there is, and what a create document asks for. */
#pragma once

#include "conf/capability.h"
#include "conf/mdev-type.h"

/* Attributes that one document may set, and that an active device may have. */
#define MD_MDEV_ATTRS_MAX 1024

typedef struct {
    char *name;  /* a path below the device's directory; see md_mdev_attrs_check() */
    char *value; /* never NULL */
} MdMdevAttr;

typedef struct {
    MdCap cap;
    char *uuid;         /* lower case with dashes; NULL in a document that leaves it to us */
    char *type_id;      /* nvidia-11; in a document also the short form 11; or NULL */
    char *type_name;    /* in a document: <type><name>, the type by its name; or NULL */
    char *parent_addr;  /* 0000:86:00.0 */
    int iommu_group;    /* -1: none */
    GPtrArray *attrs;   /* of MdMdevAttr, in order; never NULL */
    guint64 type_inode; /* while active, of the directory of its type in sysfs; 0: not known */
    MdMdevType *type;   /* what the parent says of the type, for the details; NULL if not read */
} MdCapMdev;

/* Arrays of MdMdevAttr; a copy is a deep one. */
GPtrArray *md_mdev_attrs_new(void);
void md_mdev_attrs_add(GPtrArray *attrs, const char *name, const char *value);
GPtrArray *md_mdev_attrs_copy(GPtrArray *attrs);
/* The first `n` of `attrs`, then those of `old` that none of these replaces. */
GPtrArray *md_mdev_attrs_update(GPtrArray *old, GPtrArray *attrs, guint n);
gboolean md_mdev_attrs_are_equal(GPtrArray *a, GPtrArray *b);

/*
 * Whether all may be the files of a driver: paths below the device's directory, no part of which
 * has the name of what the kernel itself makes for every device. VIR_ERR_CONFIG_UNSUPPORTED names
 * the first one that may not.
 */
gboolean md_mdev_attrs_check(GPtrArray *attrs, GError **error);

/* mdev_<uuid>_<address of the parent>, as libvirt names a mediated device. */
char *md_cap_mdev_make_name(const char *uuid, const char *parent_addr);
