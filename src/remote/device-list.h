/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The names of all devices, already encoded for replies, each with the flags by which clients
 * select devices. A list call takes a few nanoseconds per device, so that a client that repeatedly
 * lists thousands of devices does not delay others. The first list call after a change of any
 * device encodes the names again.
 */
#pragma once

#include "node_device/driver.h"
#include "protocol/protocol.h"

typedef struct _MdDeviceList MdDeviceList;

/* `driver` must outlive the list. */
MdDeviceList *md_device_list_new(MdDriver *driver);
void md_device_list_free(MdDeviceList *self);

/* Part of a list, valid until a device changes. */
typedef struct {
    const MdDeviceList *list;
    guint flags;
    guint count;
} MdDeviceNames;

/* Selects the first `max` devices that match virConnectListAllNodeDeviceFlags. */
MdDeviceNames md_device_list_select(MdDeviceList *self, guint flags, guint max);

/* Encode an MdDeviceNames as an md_names_ret, or as an md_list_all_ret. */
bool_t md_device_names_encode(XDR *xdr, gconstpointer names);
bool_t md_device_names_encode_with_count(XDR *xdr, gconstpointer names);

/* These functions as xdrproc_t. */
#define MD_DEVICE_NAMES           ((xdrproc_t)(void (*)(void))md_device_names_encode)
#define MD_DEVICE_NAMES_AND_COUNT ((xdrproc_t)(void (*)(void))md_device_names_encode_with_count)

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdDeviceList, md_device_list_free)
