/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The part of libvirt's internal interface that the module uses: the tables that a driver module
 * registers with libvirtd. libvirt declares them in headers that it does not install. The
 * declarations below agree with the headers and modules of libvirt 9.0.0, 11.3.0 and 12.8.0, which
 * differ only where noted. Only this room includes this file.
 *
 * libvirt's internal functions have a symbol version per release (LIBVIRT_PRIVATE_9.0.0), so a
 * module linked with them runs with one release only. symbols.h finds them by name instead.
 */
#pragma once

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdbool.h>
#include <stddef.h>

/* The releases with which this interface has been tested, as virGetVersion() returns them. */
#define MD_LIBVIRT_OLDEST 9000000UL
#define MD_LIBVIRT_NEWEST 12008999UL

/* Opaque: a GObject with the parameters of virConnectSetIdentity(), and a parsed configuration
 * file. */
typedef struct _MdLibvirtIdentity MdLibvirtIdentity;
typedef struct _MdLibvirtConf MdLibvirtConf;

/* Opaque: a client of libvirtd (virNetServerClient in src/rpc/virnetserverclient.h). */
typedef struct _MdLibvirtClient MdLibvirtClient;

/*
 * The data of an event callback that libvirtd registers for one of its clients
 * (daemonClientEventCallback in src/remote/remote_daemon_dispatch.c), which begins like this in all
 * releases. libvirtd registers callbacks for its clients only.
 */
typedef struct {
    MdLibvirtClient *client; /* referenced */
} MdLibvirtEventCallback;

/*
 * The list of typed parameters, which begins like this in all releases. Since 9.1 it is opaque,
 * and is read by virTypedParamListFetch().
 */
typedef struct {
    virTypedParameterPtr params;
    size_t n_params;
} MdLibvirtParamList;

/* The results of the function that opens a connection (src/driver-hypervisor.h). */
typedef enum {
    MD_LIBVIRT_OPEN_SUCCESS = 0,
    MD_LIBVIRT_OPEN_DECLINED = -1,
    MD_LIBVIRT_OPEN_ERROR = -2,
} MdLibvirtOpenStatus;

/*
 * The table of node-device functions (src/driver-nodedev.h). libvirt calls them from the public
 * functions of the same names, which have checked the connection, its permission to write, and
 * that required arguments are not NULL. A function reports an error as the thread's last error.
 */
typedef struct {
    const char *name;
    int (*num_of_devices)(virConnectPtr conn, const char *cap, unsigned int flags);
    int (*list_devices)(
        virConnectPtr conn, const char *cap, char **const names, int max, unsigned int flags);
    int (*list_all)(virConnectPtr conn, virNodeDevicePtr **devices, unsigned int flags);
    int (*event_register)(virConnectPtr conn,
                          virNodeDevicePtr device,
                          int event,
                          virConnectNodeDeviceEventGenericCallback func,
                          void *data,
                          virFreeCallback free_data);
    int (*event_deregister)(virConnectPtr conn, int id);
    virNodeDevicePtr (*lookup_by_name)(virConnectPtr conn, const char *name);
    virNodeDevicePtr (*lookup_scsi_host)(virConnectPtr conn,
                                         const char *wwnn,
                                         const char *wwpn,
                                         unsigned int flags);
    char *(*get_xml)(virNodeDevicePtr device, unsigned int flags);
    char *(*get_parent)(virNodeDevicePtr device);
    int (*num_of_caps)(virNodeDevicePtr device);
    int (*list_caps)(virNodeDevicePtr device, char **const names, int max);
    virNodeDevicePtr (*create_xml)(virConnectPtr conn, const char *xml, unsigned int flags);
    int (*destroy)(virNodeDevicePtr device);
    virNodeDevicePtr (*define_xml)(virConnectPtr conn, const char *xml, unsigned int flags);
    int (*undefine)(virNodeDevicePtr device, unsigned int flags);
    int (*create)(virNodeDevicePtr device, unsigned int flags);
    int (*set_autostart)(virNodeDevicePtr device, int autostart);
    int (*get_autostart)(virNodeDevicePtr device, int *autostart);
    int (*is_persistent)(virNodeDevicePtr device);
    int (*is_active)(virNodeDevicePtr device);
    int (*update)(virNodeDevicePtr device, const char *xml, unsigned int flags); /* since 10.1 */
} MdLibvirtNodeDeviceDriver;

/*
 * The beginning of the table of a connection's own functions (src/driver-hypervisor.h), up to the
 * last entry that has the same position in all releases. All further entries are NULL, which
 * libvirt reports as not supported. Their number differs between releases, but is always below 300.
 */
typedef struct {
    const char *name;
    int (*probe)(char **uri);
    MdLibvirtOpenStatus (*open)(virConnectPtr conn,
                                virConnectAuthPtr auth,
                                MdLibvirtConf *conf,
                                unsigned int flags);
    int (*close)(virConnectPtr conn);
    void *rest[512];
} MdLibvirtHypervisorDriver;

/* The drivers of the connections with one of the URI schemes (src/driver.h). */
typedef struct {
    bool local_only;  /* declines URIs with a host */
    bool remote_only; /* declines URIs without a host */
    bool embeddable;
    const char **schemes; /* ends with NULL */
    const MdLibvirtHypervisorDriver *hypervisor;
    void *interface;
    void *network;
    const MdLibvirtNodeDeviceDriver *node_device;
    void *nwfilter;
    void *secret;
    void *storage;
} MdLibvirtConnectDriver;
