/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "libvirtd/symbols.h"

static const struct {
    const char *name;
    gsize offset;
    gboolean optional;
} names[] = {
    { "virSetSharedNodeDeviceDriver", G_STRUCT_OFFSET(MdSymbols, set_shared_driver), FALSE },
    { "virRegisterConnectDriver", G_STRUCT_OFFSET(MdSymbols, register_connect_driver), FALSE },
    { "virGetNodeDevice", G_STRUCT_OFFSET(MdSymbols, get_node_device), FALSE },
    { "virIdentityGetCurrent", G_STRUCT_OFFSET(MdSymbols, get_identity), FALSE },
    { "virIdentityGetParameters", G_STRUCT_OFFSET(MdSymbols, get_identity_params), FALSE },
    { "virTypedParamListFree", G_STRUCT_OFFSET(MdSymbols, free_params), FALSE },
    { "virSetError", G_STRUCT_OFFSET(MdSymbols, set_error), FALSE },
    { "virObjectLock", G_STRUCT_OFFSET(MdSymbols, lock), FALSE },
    { "virObjectUnlock", G_STRUCT_OFFSET(MdSymbols, unlock), FALSE },
    { "virNetServerClientIsClosedLocked", G_STRUCT_OFFSET(MdSymbols, is_closed), FALSE },
    { "virTypedParamListFetch", G_STRUCT_OFFSET(MdSymbols, fetch_params), TRUE },
    { "virNodeDeviceUpdate", G_STRUCT_OFFSET(MdSymbols, update), TRUE },
};


const char *
md_symbols_find(MdSymbols *self, MdSymbolLookup lookup)
{
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        gpointer address = lookup(names[i].name);

        if (address == NULL && !names[i].optional)
            return names[i].name;
        G_STRUCT_MEMBER(gpointer, self, names[i].offset) = address;
    }
    return NULL;
}


gboolean
md_symbols_is_tested(gulong version)
{
    return version >= MD_LIBVIRT_OLDEST && version <= MD_LIBVIRT_NEWEST;
}
