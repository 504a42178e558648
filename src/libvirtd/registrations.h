/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The event callbacks of libvirtd's clients: the functions of MdLibvirtNodeDeviceDriver that
 * register and deregister them. */
#pragma once

#include "libvirtd/symbols.h"

/* To be called once, before any registration. */
void md_registrations_init(const MdSymbols *symbols);

/* `data` is an MdLibvirtEventCallback. Returns the id of the callback; -1: an error, and `data` is
 * not freed. */
int md_registrations_add(virConnectPtr conn,
                         virNodeDevicePtr device,
                         int event,
                         virConnectNodeDeviceEventGenericCallback func,
                         void *data,
                         virFreeCallback free_data);
int md_registrations_remove(virConnectPtr conn, int id);
