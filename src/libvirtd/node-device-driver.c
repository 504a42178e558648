/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "libvirtd/forward.h"
#include "libvirtd/last-error.h"
#include "libvirtd/node-device-driver.h"
#include "libvirtd/registrations.h"

static const MdSymbols *driver_symbols;


static int
num_of_devices(virConnectPtr conn G_GNUC_UNUSED, const char *cap, unsigned int flags)
{
    MdForward call = { MD_FORWARD_QUERY };
    int n = -1;

    while (md_forward_begin(&call)) {
        n = virNodeNumOfDevices(call.conn, cap, flags);
        md_forward_end(&call, n >= 0);
    }
    return n;
}


static int
list_devices(virConnectPtr conn G_GNUC_UNUSED,
             const char *cap,
             char **const names,
             int max,
             unsigned int flags)
{
    MdForward call = { MD_FORWARD_QUERY };
    int n = -1;

    while (md_forward_begin(&call)) {
        n = virNodeListDevices(call.conn, cap, names, max, flags);
        md_forward_end(&call, n >= 0);
    }
    return n;
}


/* Replaces the daemon's objects by the client's. FALSE: failed; the list has been freed. */
static gboolean
list_replace(virConnectPtr conn, virNodeDevicePtr *list, int n)
{
    gboolean success = TRUE;
    virErrorPtr error = NULL;

    for (int i = 0; i < n && success; i++) {
        list[i] = md_forward_convert_device(conn, list[i]);
        success = list[i] != NULL;
    }
    if (success)
        return TRUE;

    error = virSaveLastError();
    for (int i = 0; i < n; i++)
        g_clear_pointer(&list[i], virNodeDeviceFree);
    /* Allocated by libvirt. */
    free(list);
    md_last_error_restore(driver_symbols, error);
    return FALSE;
}


static int
list_all(virConnectPtr conn, virNodeDevicePtr **devices, unsigned int flags)
{
    MdForward call = { MD_FORWARD_QUERY };
    virNodeDevicePtr *list = NULL;
    int n = -1;

    while (md_forward_begin(&call)) {
        n = virConnectListAllNodeDevices(call.conn, devices == NULL ? NULL : &list, flags);
        if (n >= 0 && list != NULL && !list_replace(conn, list, n))
            n = -1;
        md_forward_end(&call, n >= 0);
    }
    if (devices != NULL && n >= 0)
        *devices = list;
    return n;
}


static virNodeDevicePtr
lookup_by_name(virConnectPtr conn, const char *name)
{
    MdForward call = { MD_FORWARD_QUERY };
    virNodeDevicePtr found = NULL;

    while (md_forward_begin(&call)) {
        found = md_forward_convert_device(conn, virNodeDeviceLookupByName(call.conn, name));
        md_forward_end(&call, found != NULL);
    }
    return found;
}


static virNodeDevicePtr
lookup_scsi_host(virConnectPtr conn, const char *wwnn, const char *wwpn, unsigned int flags)
{
    MdForward call = { MD_FORWARD_QUERY };
    virNodeDevicePtr found = NULL;

    while (md_forward_begin(&call)) {
        found = virNodeDeviceLookupSCSIHostByWWN(call.conn, wwnn, wwpn, flags);
        found = md_forward_convert_device(conn, found);
        md_forward_end(&call, found != NULL);
    }
    return found;
}


static char *
get_xml(virNodeDevicePtr device, unsigned int flags)
{
    MdForward call = { MD_FORWARD_QUERY };
    virNodeDevicePtr remote = NULL;
    char *xml = NULL;

    while ((remote = md_forward_begin_on_device(&call, device)) != NULL) {
        xml = virNodeDeviceGetXMLDesc(remote, flags);
        md_forward_end(&call, xml != NULL);
    }
    return xml;
}


/* NULL without an error: the device has no parent. */
static char *
get_parent(virNodeDevicePtr device)
{
    MdForward call = { MD_FORWARD_QUERY };
    virNodeDevicePtr remote = NULL;
    char *parent = NULL;

    while ((remote = md_forward_begin_on_device(&call, device)) != NULL) {
        parent = g_strdup(virNodeDeviceGetParent(remote));
        md_forward_end(&call, parent != NULL);
    }
    return parent;
}


/* A call about a device without further arguments. */
static int
device_call(MdForwardKind kind, virNodeDevicePtr device, int (*func)(virNodeDevicePtr))
{
    MdForward call = { kind };
    virNodeDevicePtr remote = NULL;
    int status = -1;

    while ((remote = md_forward_begin_on_device(&call, device)) != NULL) {
        status = func(remote);
        md_forward_end(&call, status >= 0);
    }
    return status;
}


static int
device_change(virNodeDevicePtr device,
              unsigned int flags,
              int (*func)(virNodeDevicePtr, unsigned int))
{
    MdForward call = { MD_FORWARD_CHANGE };
    virNodeDevicePtr remote = NULL;
    int status = -1;

    while ((remote = md_forward_begin_on_device(&call, device)) != NULL) {
        status = func(remote, flags);
        md_forward_end(&call, status >= 0);
    }
    return status;
}


static int
num_of_caps(virNodeDevicePtr device)
{
    return device_call(MD_FORWARD_QUERY, device, virNodeDeviceNumOfCaps);
}


static int
list_caps(virNodeDevicePtr device, char **const names, int max)
{
    MdForward call = { MD_FORWARD_QUERY };
    virNodeDevicePtr remote = NULL;
    int n = -1;

    while ((remote = md_forward_begin_on_device(&call, device)) != NULL) {
        n = virNodeDeviceListCaps(remote, names, max);
        md_forward_end(&call, n >= 0);
    }
    return n;
}


static virNodeDevicePtr
create_xml(virConnectPtr conn, const char *xml, unsigned int flags)
{
    MdForward call = { MD_FORWARD_CHANGE };
    virNodeDevicePtr created = NULL;

    while (md_forward_begin(&call)) {
        created = md_forward_convert_device(conn, virNodeDeviceCreateXML(call.conn, xml, flags));
        md_forward_end(&call, created != NULL);
    }
    return created;
}


static int
destroy_device(virNodeDevicePtr device)
{
    return device_call(MD_FORWARD_CHANGE, device, virNodeDeviceDestroy);
}


static virNodeDevicePtr
define_xml(virConnectPtr conn, const char *xml, unsigned int flags)
{
    MdForward call = { MD_FORWARD_CHANGE };
    virNodeDevicePtr defined = NULL;

    while (md_forward_begin(&call)) {
        defined = md_forward_convert_device(conn, virNodeDeviceDefineXML(call.conn, xml, flags));
        md_forward_end(&call, defined != NULL);
    }
    return defined;
}


static int
undefine_device(virNodeDevicePtr device, unsigned int flags)
{
    return device_change(device, flags, virNodeDeviceUndefine);
}


static int
create_device(virNodeDevicePtr device, unsigned int flags)
{
    return device_change(device, flags, virNodeDeviceCreate);
}


static int
set_autostart(virNodeDevicePtr device, int autostart)
{
    MdForward call = { MD_FORWARD_CHANGE };
    virNodeDevicePtr remote = NULL;
    int status = -1;

    while ((remote = md_forward_begin_on_device(&call, device)) != NULL) {
        status = virNodeDeviceSetAutostart(remote, autostart);
        md_forward_end(&call, status >= 0);
    }
    return status;
}


static int
get_autostart(virNodeDevicePtr device, int *autostart)
{
    MdForward call = { MD_FORWARD_QUERY };
    virNodeDevicePtr remote = NULL;
    int status = -1;

    while ((remote = md_forward_begin_on_device(&call, device)) != NULL) {
        status = virNodeDeviceGetAutostart(remote, autostart);
        md_forward_end(&call, status >= 0);
    }
    return status;
}


static int
is_persistent(virNodeDevicePtr device)
{
    return device_call(MD_FORWARD_QUERY, device, virNodeDeviceIsPersistent);
}


static int
is_active(virNodeDevicePtr device)
{
    return device_call(MD_FORWARD_QUERY, device, virNodeDeviceIsActive);
}


/* Called only by releases that have the public function. */
static int
update_device(virNodeDevicePtr device, const char *xml, unsigned int flags)
{
    MdForward call = { MD_FORWARD_CHANGE };
    virNodeDevicePtr remote = NULL;
    int status = -1;

    while ((remote = md_forward_begin_on_device(&call, device)) != NULL) {
        status = driver_symbols->update(remote, xml, flags);
        md_forward_end(&call, status >= 0);
    }
    return status;
}


const MdLibvirtNodeDeviceDriver *
md_node_device_driver_init(const MdSymbols *symbols)
{
    static const MdLibvirtNodeDeviceDriver driver = {
        .name = "mediated",
        .num_of_devices = num_of_devices,
        .list_devices = list_devices,
        .list_all = list_all,
        .event_register = md_registrations_add,
        .event_deregister = md_registrations_remove,
        .lookup_by_name = lookup_by_name,
        .lookup_scsi_host = lookup_scsi_host,
        .get_xml = get_xml,
        .get_parent = get_parent,
        .num_of_caps = num_of_caps,
        .list_caps = list_caps,
        .create_xml = create_xml,
        .destroy = destroy_device,
        .define_xml = define_xml,
        .undefine = undefine_device,
        .create = create_device,
        .set_autostart = set_autostart,
        .get_autostart = get_autostart,
        .is_persistent = is_persistent,
        .is_active = is_active,
        .update = update_device,
    };

    driver_symbols = symbols;
    md_registrations_init(symbols);
    return &driver;
}
