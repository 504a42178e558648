/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The module that libvirtd loads in place of its own node-device driver. The module forwards calls
 * to the daemon or, if the daemon cannot serve libvirtd, loads libvirt's driver. It never reports a
 * failure, because libvirtd would not start then.
 */
#include "config.h"

#include <dlfcn.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <syslog.h>
#include <unistd.h>

#include "libvirtd/connect-driver.h"
#include "libvirtd/forward.h"
#include "libvirtd/node-device-driver.h"
#include "util/names.h"

#define SOCKET   "/run/" MD_SOCKET_DIR_NAME "/" MD_SOCKET_RW
#define REGISTER "nodedevRegister"

/* The only symbol that the module exports. */
__attribute__((visibility("default"))) int nodedevRegister(void);


/* libvirtd's stderr is the journal or, after libvirtd --daemon, /dev/null. */
static void
plugin_log(const char *text)
{
    struct stat st;

    if (fstat(STDERR_FILENO, &st) == 0 && st.st_rdev != makedev(1, 3))
        g_printerr("mediated: %s\n", text);
    else
        syslog(LOG_DAEMON | LOG_NOTICE, "mediated: %s", text);
}


static gpointer
find_symbol(const char *name)
{
    return dlsym(RTLD_DEFAULT, name);
}


/* A new string that says why the daemon cannot serve libvirtd; NULL: it can. */
static char *
plugin_find_obstacle(MdSymbols *symbols)
{
    gulong version = 0;
    const char *missing = NULL;
    char *reason = NULL;

    if (geteuid() != 0)
        return g_strdup("libvirtd does not run as root");
    if (virGetVersion(&version, NULL, NULL) < 0 || !md_symbols_is_tested(version))
        return g_strdup_printf("not tested with libvirt %lu.%lu.%lu", version / 1000000,
                               version / 1000 % 1000, version % 1000);
    missing = md_symbols_find(symbols, find_symbol);
    if (missing != NULL)
        return g_strdup_printf("libvirt lacks %s", missing);
    md_uplink_is_trusted_socket(SOCKET, &reason);
    return reason;
}


static gboolean
plugin_register(const MdSymbols *symbols)
{
    const MdLibvirtNodeDeviceDriver *driver = md_node_device_driver_init(symbols);

    md_forward_init(symbols, SOCKET);
    return symbols->set_shared_driver(driver) >= 0 && md_connect_driver_register(symbols, driver);
}


/* Loads and registers the driver as libvirtd does. */
static void
load_stock_driver(const char *reason)
{
    void *module = dlopen(MD_LIBVIRTD_STOCK_DRIVER, RTLD_NOW | RTLD_GLOBAL);
    int (*func)(void) = module == NULL ? NULL : dlsym(module, REGISTER);
    g_autofree char *text = NULL;

    if (func == NULL || func() < 0) {
        const char *error = dlerror();

        text = g_strdup_printf("No node devices: %s, and libvirt's driver fails: %s", reason,
                               error == NULL ? MD_LIBVIRTD_STOCK_DRIVER : error);
    } else {
        text = g_strdup_printf("Node devices are served by libvirt's driver: %s", reason);
    }
    plugin_log(text);
}


int
nodedevRegister(void)
{
    static MdSymbols symbols;
    g_autofree char *obstacle = plugin_find_obstacle(&symbols);

    if (obstacle != NULL)
        load_stock_driver(obstacle);
    else if (plugin_register(&symbols))
        plugin_log("Node devices are served by " SOCKET);
    else
        plugin_log("No node devices: libvirtd refuses the driver");
    return 0;
}
