/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A PCI function. */
#pragma once

#include "conf/cap-pci-vgpus.h"
#include "conf/cap-pci-vpd.h"
#include "conf/capability.h"

/* The kernel stores a domain number in an int; only virtual domains (VMD) exceed 16 bits. */
#define MD_PCI_DOMAIN_MAX   G_MAXINT
#define MD_PCI_BUS_MAX      0xFF
#define MD_PCI_SLOT_MAX     0x1F
#define MD_PCI_FUNCTION_MAX 7

typedef struct {
    guint domain;
    guint bus;
    guint slot;
    guint function;
} MdPciAddress;

typedef enum {
    MD_PCI_HEADER_ENDPOINT = 0,
    MD_PCI_HEADER_BRIDGE = 1,
    MD_PCI_HEADER_CARDBUS = 2,
} MdPciHeader;

typedef struct {
    int port;    /* -1: unknown (the link status has no port) */
    guint speed; /* generation: 1 = 2.5 GT/s, 2 = 5, 3 = 8, 4 = 16, 5 = 32, 6 = 64; 0 = unknown */
    guint width; /* lanes */
} MdPciLink;

typedef struct {
    MdCap cap;
    MdPciAddress address;
    gint64 class_code; /* 24 bits, -1: unknown */
    guint vendor_id;
    guint product_id;
    char *vendor_name;  /* from the hardware database, or NULL */
    char *product_name; /* likewise */

    gboolean has_physical_function; /* this is a virtual function */
    MdPciAddress physical_function;
    gboolean has_virtual_functions; /* this is a physical function with SR-IOV */
    guint max_virtual_functions;
    GArray *virtual_functions; /* of MdPciAddress, or NULL */

    int iommu_group; /* -1: none */
    GArray
        *iommu_addresses; /* of MdPciAddress: the members, including the function itself; or NULL */
    int numa_node;        /* -1: none */
    MdPciHeader header;
    gboolean is_express;
    gboolean has_link_capability;
    MdPciLink link_capability;
    gboolean has_link_status;
    MdPciLink link_status;
    gboolean may_have_vpd; /* the kernel offers VPD, which may be invalid */
    MdPciVpd *vpd;         /* NULL: none, or not read */
    MdPciVgpus *vgpus;     /* of the virtual functions; NULL: they take none, or not read */
} MdCapPci;

/* 0000:86:00.0 */
gboolean md_pci_address_parse(const char *text, MdPciAddress *address);
