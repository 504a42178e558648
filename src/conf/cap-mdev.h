/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A mediated device: what there is, and what a create document asks for. */
#pragma once

#include "conf/capability.h"
#include "conf/mdev-type.h"

/* Attributes one document may set. */
#define MD_MDEV_ATTRS_MAX 1024

typedef struct {
    char *name;  /* a path below the device's directory; checked where it is opened */
    char *value; /* never NULL */
} MdMdevAttr;

typedef struct {
    MdCap cap;
    char *uuid;        /* lower case with dashes; NULL in a document that leaves it to us */
    char *type_id;     /* nvidia-11; in a document also the short form 11; or NULL */
    char *type_name;   /* in a document: <type><name>, the type by its name; or NULL */
    char *parent_addr; /* 0000:86:00.0 */
    int iommu_group;   /* -1: none */
    GPtrArray *attrs;  /* of MdMdevAttr, in order; never NULL */
    MdMdevType *type;  /* what the parent says of the type, for the details; NULL if not read */
} MdCapMdev;

/* A deep copy of an array of MdMdevAttr. */
GPtrArray *md_mdev_attrs_copy(GPtrArray *attrs);
