/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Preloaded into libvirtd in front of libumockdev-preload, which replaces each socket for kernel
 * uevents by a Unix socket. libvirtd opens such a socket with libnl for its network devices, and
 * exits if it cannot bind it. Here, libvirtd gets a socket of another protocol instead, which never
 * receives anything.
 */
#include <dlfcn.h>
#include <linux/netlink.h>
#include <stddef.h>

int nl_connect(void *sock, int protocol);


int
nl_connect(void *sock, int protocol)
{
    static int (*next)(void *, int);

    if (next == NULL)
        next = (__typeof__(next))dlsym(RTLD_NEXT, "nl_connect");
    return next(sock, protocol == NETLINK_KOBJECT_UEVENT ? NETLINK_ROUTE : protocol);
}
