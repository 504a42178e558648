/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The event callbacks that clients of libvirtd have registered: entries of the driver's table. */
#pragma once

#include "libvirtd/symbols.h"

/* Before any registration, once. */
void md_registrations_init(const MdSymbols *symbols);

/* Returns the number of the registration, -1: an error, and `data` is not freed. */
int md_registrations_add(virConnectPtr conn,
                         virNodeDevicePtr device,
                         int event,
                         virConnectNodeDeviceEventGenericCallback func,
                         void *data,
                         virFreeCallback free_data);
int md_registrations_remove(virConnectPtr conn, int id);
