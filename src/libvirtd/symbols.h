/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libvirt's functions that the module looks up by name when libvirtd loads it: with a linked
 * function, the module would run with one release only (libvirt-private.h).
 */
#pragma once

#include <glib.h>

#include "libvirtd/libvirt-private.h"

typedef struct {
    int (*set_shared_driver)(const MdLibvirtNodeDeviceDriver *driver);
    int (*register_connect_driver)(MdLibvirtConnectDriver *driver, bool set_shared_drivers);
    virNodeDevicePtr (*get_node_device)(virConnectPtr conn, const char *name);
    /* Referenced; NULL: the thread does not act for a client. */
    MdLibvirtIdentity *(*get_identity)(void);
    MdLibvirtParamList *(*get_identity_params)(MdLibvirtIdentity *identity);
    void (*free_params)(MdLibvirtParamList *list);
    int (*set_error)(virErrorPtr error);
    void (*lock)(MdLibvirtClient *client);
    void (*unlock)(MdLibvirtClient *client);
    bool (*is_closed)(MdLibvirtClient *client); /* with the client locked */

    /* NULL in releases without them. */
    int (*fetch_params)(MdLibvirtParamList *list, virTypedParameterPtr *params, size_t *n);
    int (*update)(virNodeDevicePtr device, const char *xml, unsigned int flags);
} MdSymbols;

/* Returns the address of a function; NULL: no such function exists. */
typedef gpointer (*MdSymbolLookup)(const char *name);

/* Finds all functions. Returns the name of a required one that is missing; NULL on success. */
const char *md_symbols_find(MdSymbols *self, MdSymbolLookup lookup);

/* Whether the module has been tested with this release, as returned by virGetVersion(). */
gboolean md_symbols_is_tested(gulong version);
