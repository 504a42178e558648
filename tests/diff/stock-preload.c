/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Preloaded into libvirtd in front of libumockdev-preload, which turns the kernel's uevent socket
 * into a unix one wherever it is opened. libvirtd opens one with libnl for its network devices and
 * ends if that cannot be bound; here it gets a socket of another protocol, on which nothing comes.
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
