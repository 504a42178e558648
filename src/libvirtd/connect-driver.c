/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <string.h>

#include "libvirtd/connect-driver.h"
#include "libvirtd/last-error.h"

static const MdSymbols *connect_symbols;


/* libvirtd has already checked who may connect; the daemon authorizes each call. */
static MdLibvirtOpenStatus
open_connection(virConnectPtr conn,
                virConnectAuthPtr auth G_GNUC_UNUSED,
                MdLibvirtConf *conf G_GNUC_UNUSED,
                unsigned int flags)
{
    g_autoptr(GUri) uri = NULL;
    char *text = virConnectGetURI(conn);

    if (text == NULL)
        return MD_LIBVIRT_OPEN_ERROR;
    uri = g_uri_parse(text, G_URI_FLAGS_NON_DNS, NULL);
    free(text);
    if (uri == NULL || strcmp(g_uri_get_path(uri), "/system") != 0) {
        md_last_error_raise(
            connect_symbols, VIR_ERR_INTERNAL_ERROR,
            "internal error: unexpected nodedev URI path '%s', try nodedev:///system",
            uri == NULL ? "" : g_uri_get_path(uri));
        return MD_LIBVIRT_OPEN_ERROR;
    }
    if ((flags & ~(unsigned int)VIR_CONNECT_RO) != 0) {
        md_last_error_raise(connect_symbols, VIR_ERR_INVALID_ARG,
                            "invalid argument: unsupported flags (0x%x)",
                            flags & ~(unsigned int)VIR_CONNECT_RO);
        return MD_LIBVIRT_OPEN_ERROR;
    }
    return MD_LIBVIRT_OPEN_SUCCESS;
}


static int
close_connection(virConnectPtr conn G_GNUC_UNUSED)
{
    return 0;
}


gboolean
md_connect_driver_register(const MdSymbols *symbols, const MdLibvirtNodeDeviceDriver *node_device)
{
    static const MdLibvirtHypervisorDriver hypervisor = {
        .name = "nodedev",
        .open = open_connection,
        .close = close_connection,
    };
    static const char *schemes[] = { "nodedev", NULL };
    static MdLibvirtConnectDriver driver = {
        .local_only = true,
        .schemes = schemes,
        .hypervisor = &hypervisor,
    };

    connect_symbols = symbols;
    driver.node_device = node_device;
    return symbols->register_connect_driver(&driver, false) >= 0;
}
