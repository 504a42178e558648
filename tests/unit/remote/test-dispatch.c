/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reply of each procedure, and of unknown ones. */
#include "config.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <string.h>

#include "peer.h"

#define NOT_SUPPORTED "this function is not supported by the connection driver: "
#define NOT_FOUND     "Node device not found: no node device with matching name 'nope'"


static void
test_open(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(Peer) peer = NULL;
    char *system = (char *)"nodedev:///system?x=y";
    char *other = (char *)"nodedev:///other";
    char *foreign = (char *)"qemu:///system";
    md_open_args args = { NULL, 8 };
    md_text_ret uri = { 0 };

    host_start(host);
    peer = peer_new(host, FALSE);
    peer_expect_error(peer, peer_call(peer, MD_PROC_GET_TYPE, NULL, NULL), VIR_ERR_INTERNAL_ERROR,
                      VIR_FROM_RPC, "internal error: connection not open");
    peer_expect_error(peer, peer_call(peer, MD_PROC_OPEN, MD_XDR(md_open_args), &args),
                      VIR_ERR_INVALID_ARG, VIR_FROM_NONE,
                      "unsupported flags (0x8) in function virConnectOpen");
    args = (md_open_args){ &other, 0 };
    peer_expect_error(peer, peer_call(peer, MD_PROC_OPEN, MD_XDR(md_open_args), &args),
                      VIR_ERR_INTERNAL_ERROR, VIR_FROM_NONE,
                      "internal error: unexpected nodedev URI path '/other', try "
                      "nodedev:///system");
    args.name = &foreign;
    peer_expect_error(peer, peer_call(peer, MD_PROC_OPEN, MD_XDR(md_open_args), &args),
                      VIR_ERR_NO_CONNECT, VIR_FROM_NONE,
                      "no connection driver available for qemu:///system");
    args = (md_open_args){ &system, 4 };
    peer_expect_reply(peer, peer_call(peer, MD_PROC_OPEN, MD_XDR(md_open_args), &args), NULL, NULL);
    peer_expect_error(peer, peer_call(peer, MD_PROC_OPEN, MD_XDR(md_open_args), &args),
                      VIR_ERR_INTERNAL_ERROR, VIR_FROM_RPC,
                      "internal error: connection already open");
    peer_expect_reply(peer, peer_call(peer, MD_PROC_GET_URI, NULL, NULL), MD_XDR(md_text_ret),
                      &uri);
    g_assert_cmpstr(uri.text, ==, system);
    md_message_clear(MD_XDR(md_text_ret), &uri);
}


static void
test_connection(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(Peer) peer = NULL;
    md_auth_ret auth = { 0 };
    md_text_ret type = { 0 };
    md_number_ret version = { 0 };

    host_start(host);
    peer = peer_new_open(host, FALSE);
    peer_expect_reply(peer, peer_call(peer, MD_PROC_AUTH_LIST, NULL, NULL), MD_XDR(md_auth_ret),
                      &auth);
    g_assert_cmpuint(auth.types.types_len, ==, 1);
    g_assert_cmpint(auth.types.types_val[0], ==, 0);
    peer_expect_reply(peer, peer_call(peer, MD_PROC_GET_TYPE, NULL, NULL), MD_XDR(md_text_ret),
                      &type);
    g_assert_cmpstr(type.text, ==, "nodedev");
    peer_expect_reply(peer, peer_call(peer, MD_PROC_GET_LIB_VERSION, NULL, NULL),
                      MD_XDR(md_number_ret), &version);
    g_assert_cmpuint(version.value, ==, MAX(LIBVIR_VERSION_NUMBER, 10001000));
    md_message_clear(MD_XDR(md_auth_ret), &auth);
    md_message_clear(MD_XDR(md_text_ret), &type);

    peer_expect_reply(peer, peer_call(peer, MD_PROC_CLOSE, NULL, NULL), NULL, NULL);
    peer_expect_end(peer);
}


/* Also before open. */
static void
test_features(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(Peer) peer = NULL;

    host_start(host);
    peer = peer_new(host, FALSE);
    for (int feature = -1; feature < 32; feature++) {
        const md_int_args args = { feature };
        md_int_ret ret = { -1 };

        peer_expect_reply(peer,
                          peer_call(peer, MD_PROC_SUPPORTS_FEATURE, MD_XDR(md_int_args), &args),
                          MD_XDR(md_int_ret), &ret);
        g_assert_cmpint(ret.value, ==, feature == 10 || feature == 14 || feature == 15);
    }
}


static void
list(Peer *peer, int maxnames, guint expected)
{
    const md_list_args args = { NULL, maxnames, 0 };
    md_names_ret ret = { 0 };

    peer_expect_reply(peer, peer_call(peer, MD_PROC_LIST_DEVICES, MD_XDR(md_list_args), &args),
                      MD_XDR(md_names_ret), &ret);
    g_assert_cmpuint(ret.names.names_len, ==, expected);
    if (expected > 0)
        g_assert_cmpstr(ret.names.names_val[0], ==, "computer");
    md_message_clear(MD_XDR(md_names_ret), &ret);
}


static void
list_all(Peer *peer, int need_results, guint flags, guint names, guint count)
{
    const md_list_all_args args = { need_results, flags };
    md_list_all_ret ret = { 0 };

    peer_expect_reply(peer,
                      peer_call(peer, MD_PROC_LIST_ALL_DEVICES, MD_XDR(md_list_all_args), &args),
                      MD_XDR(md_list_all_ret), &ret);
    g_assert_cmpuint(ret.names.names_len, ==, names);
    g_assert_cmpuint(ret.count, ==, count);
    md_message_clear(MD_XDR(md_list_all_ret), &ret);
}


static void
test_lists(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(Peer) peer = NULL;
    const md_cap_args all = { NULL, 0 };
    md_int_ret number = { 0 };

    host_start(host);
    peer = peer_new_open(host, TRUE);
    peer_expect_reply(peer, peer_call(peer, MD_PROC_NUM_OF_DEVICES, MD_XDR(md_cap_args), &all),
                      MD_XDR(md_int_ret), &number);
    g_assert_cmpint(number.value, ==, 2);
    list(peer, 0, 0);
    list(peer, 1, 1);
    list(peer, MD_NAMES_MAX, 2);
    list_all(peer, 1, 0, 2, 2);
    list_all(peer, 0, 0, 0, 2);
    list_all(peer, 1, VIR_CONNECT_LIST_NODE_DEVICES_CAP_SYSTEM, 1, 1);
}


/* Lists and documents wait for a look at the hardware whose changes no event reports. */
static void
test_looks(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    const md_cap_args all = { NULL, 0 };
    const md_text_args xml = { (char *)"computer", 0 };
    g_autoptr(Peer) peer = NULL;
    md_int_ret number = { 0 };
    md_text_ret document = { 0 };
    guint32 dump = 0;

    host_start(host);
    peer = peer_new_open(host, TRUE);
    fake_driver_need_looks(host->driver);
    peer_expect_reply(peer, peer_call(peer, MD_PROC_NUM_OF_DEVICES, MD_XDR(md_cap_args), &all),
                      MD_XDR(md_int_ret), &number);
    list(peer, MD_NAMES_MAX, 2);
    list_all(peer, 1, 0, 2, 2);
    dump = peer_call(peer, MD_PROC_GET_XML, MD_XDR(md_text_args), &xml);
    wait_until(fake_driver_count_waiting(host->driver) == 1);
    fake_driver_end(host->driver, 0);
    peer_expect_reply(peer, dump, MD_XDR(md_text_ret), &document);
    g_assert_cmpuint(fake_driver_count_looks(host->driver), ==, 4);
    md_message_clear(MD_XDR(md_text_ret), &document);
}


/* Lists that wait for the hardware. */
static void
test_vpd(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    const char *cap = "vpd";
    const md_cap_args wanted = { (md_text *)&cap, 0 };
    const md_list_args listed = { (md_text *)&cap, MD_NAMES_MAX, 0 };
    const md_list_args bad = { (md_text *)&cap, -1, 0 };
    const md_caps_args caps = { (char *)"pci_0000_06_00_0", MD_NAMES_MAX };
    g_autoptr(Peer) peer = NULL;
    md_int_ret number = { 0 };
    md_names_ret names = { 0 };

    host_start(host);
    peer = peer_new_open(host, TRUE);
    peer_expect_reply(peer, peer_call(peer, MD_PROC_NUM_OF_DEVICES, MD_XDR(md_cap_args), &wanted),
                      MD_XDR(md_int_ret), &number);
    g_assert_cmpint(number.value, ==, 1);
    peer_expect_reply(peer, peer_call(peer, MD_PROC_LIST_DEVICES, MD_XDR(md_list_args), &listed),
                      MD_XDR(md_names_ret), &names);
    g_assert_cmpuint(names.names.names_len, ==, 1);
    g_assert_cmpstr(names.names.names_val[0], ==, "pci_0000_06_00_0");
    md_message_clear(MD_XDR(md_names_ret), &names);
    peer_expect_error(peer, peer_call(peer, MD_PROC_LIST_DEVICES, MD_XDR(md_list_args), &bad),
                      VIR_ERR_RPC, VIR_FROM_RPC, "maxnames must be non-negative");
    list_all(peer, 1, VIR_CONNECT_LIST_NODE_DEVICES_CAP_VPD, 1, 1);
    list_all(peer, 0, VIR_CONNECT_LIST_NODE_DEVICES_CAP_VPD, 0, 1);
    memset(&names, 0, sizeof(names));
    peer_expect_reply(peer, peer_call(peer, MD_PROC_LIST_CAPS, MD_XDR(md_caps_args), &caps),
                      MD_XDR(md_names_ret), &names);
    g_assert_cmpuint(names.names.names_len, ==, 3);
    g_assert_cmpstr(names.names.names_val[2], ==, "vpd");
    md_message_clear(MD_XDR(md_names_ret), &names);
}


static void
test_maxnames(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    const int bad[] = { -1, G_MININT, MD_NAMES_MAX + 1, G_MAXINT };
    g_autoptr(Peer) peer = NULL;

    host_start(host);
    peer = peer_new_open(host, FALSE);
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        const md_list_args devices = { NULL, bad[i], 0 };
        const md_caps_args caps = { (char *)"computer", bad[i] };
        const char *text =
            bad[i] < 0 ? "maxnames must be non-negative" : "maxnames must not exceed 65536";

        peer_expect_error(peer,
                          peer_call(peer, MD_PROC_LIST_DEVICES, MD_XDR(md_list_args), &devices),
                          VIR_ERR_RPC, VIR_FROM_RPC, text);
        peer_expect_error(peer, peer_call(peer, MD_PROC_LIST_CAPS, MD_XDR(md_caps_args), &caps),
                          VIR_ERR_RPC, VIR_FROM_RPC, text);
    }
    peer_expect_alive(peer);
}


static void
assert_parent(Peer *peer, const char *name, const char *parent)
{
    const md_name_args device = { (char *)name };
    md_maybe_text_ret ret = { 0 };

    peer_expect_reply(peer, peer_call(peer, MD_PROC_GET_PARENT, MD_XDR(md_name_args), &device),
                      MD_XDR(md_maybe_text_ret), &ret);
    g_assert_cmpstr(ret.text != NULL ? *ret.text : NULL, ==, parent);
    md_message_clear(MD_XDR(md_maybe_text_ret), &ret);
}


static void
test_device(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    const md_name_args device = { (char *)"pci_0000_06_00_0" };
    const md_caps_args caps = { (char *)"pci_0000_06_00_0", 1 };
    g_autoptr(Peer) peer = NULL;
    md_text_ret found = { 0 };
    md_names_ret names = { 0 };
    md_int_ret number = { -1 };

    host_start(host);
    peer = peer_new_open(host, FALSE);
    peer_expect_reply(peer, peer_call(peer, MD_PROC_LOOK_UP_BY_NAME, MD_XDR(md_name_args), &device),
                      MD_XDR(md_text_ret), &found);
    g_assert_cmpstr(found.text, ==, device.name);
    assert_parent(peer, "pci_0000_06_00_0", "computer");
    assert_parent(peer, "computer", NULL);
    peer_expect_reply(peer, peer_call(peer, MD_PROC_NUM_OF_CAPS, MD_XDR(md_name_args), &device),
                      MD_XDR(md_int_ret), &number);
    g_assert_cmpint(number.value, ==, 3);
    peer_expect_reply(peer, peer_call(peer, MD_PROC_LIST_CAPS, MD_XDR(md_caps_args), &caps),
                      MD_XDR(md_names_ret), &names);
    g_assert_cmpuint(names.names.names_len, ==, 1);
    g_assert_cmpstr(names.names.names_val[0], ==, "pci");
    peer_expect_reply(peer, peer_call(peer, MD_PROC_IS_ACTIVE, MD_XDR(md_name_args), &device),
                      MD_XDR(md_int_ret), &number);
    g_assert_cmpint(number.value, ==, 1);
    peer_expect_reply(peer, peer_call(peer, MD_PROC_IS_PERSISTENT, MD_XDR(md_name_args), &device),
                      MD_XDR(md_int_ret), &number);
    g_assert_cmpint(number.value, ==, 0);
    peer_expect_reply(peer, peer_call(peer, MD_PROC_GET_AUTOSTART, MD_XDR(md_name_args), &device),
                      MD_XDR(md_int_ret), &number);
    g_assert_cmpint(number.value, ==, 1);
    md_message_clear(MD_XDR(md_text_ret), &found);
    md_message_clear(MD_XDR(md_names_ret), &names);
}


static void
test_scsi_host(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    const md_scsi_host_args known = { (char *)FAKE_DRIVER_WWNN, (char *)FAKE_DRIVER_WWPN, 0 };
    const md_scsi_host_args swapped = { (char *)FAKE_DRIVER_WWPN, (char *)FAKE_DRIVER_WWNN, 0 };
    const md_name_args short_of_one = { (char *)FAKE_DRIVER_WWNN };
    g_autoptr(Peer) peer = NULL;
    md_text_ret found = { NULL };

    host_start(host);
    peer = peer_new_open(host, TRUE);
    peer_expect_reply(peer,
                      peer_call(peer, MD_PROC_LOOK_UP_SCSI_HOST, MD_XDR(md_scsi_host_args), &known),
                      MD_XDR(md_text_ret), &found);
    g_assert_cmpstr(found.text, ==, "pci_0000_06_00_0");
    md_message_clear(MD_XDR(md_text_ret), &found);
    peer_expect_error(peer,
                      peer_call(peer, MD_PROC_LOOK_UP_SCSI_HOST, MD_XDR(md_scsi_host_args),
                                &swapped),
                      VIR_ERR_NO_NODE_DEVICE, VIR_FROM_NODEDEV,
                      "Node device not found: no node device with matching wwnn '" FAKE_DRIVER_WWPN
                      "' and wwpn '" FAKE_DRIVER_WWNN "'");
    peer_expect_error(peer,
                      peer_call(peer, MD_PROC_LOOK_UP_SCSI_HOST, MD_XDR(md_name_args),
                                &short_of_one),
                      VIR_ERR_RPC, VIR_FROM_RPC, "Unable to decode message payload");
}


static void
test_unknown_device(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    const int procedures[] = {
        MD_PROC_LOOK_UP_BY_NAME, MD_PROC_GET_PARENT,    MD_PROC_NUM_OF_CAPS,
        MD_PROC_IS_ACTIVE,       MD_PROC_IS_PERSISTENT, MD_PROC_GET_AUTOSTART
    };
    const md_name_args nope = { (char *)"nope" };
    g_autoptr(Peer) peer = NULL;

    host_start(host);
    peer = peer_new_open(host, FALSE);
    for (gsize i = 0; i < G_N_ELEMENTS(procedures); i++)
        peer_expect_error(peer, peer_call(peer, procedures[i], MD_XDR(md_name_args), &nope),
                          VIR_ERR_NO_NODE_DEVICE, VIR_FROM_NODEDEV, NOT_FOUND);
}


/* A later call may be answered first. */
static void
test_async(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    const md_text_args xml = { (char *)"<device/>", 0 };
    const md_name_args device = { (char *)"mdev_x" };
    g_autoptr(Peer) peer = NULL;
    md_text_ret created = { 0 };
    guint32 create = 0;
    guint32 destroy = 0;
    guint32 dump = 0;

    host_start(host);
    peer = peer_new_open(host, FALSE);
    create = peer_call(peer, MD_PROC_CREATE_XML, MD_XDR(md_text_args), &xml);
    destroy = peer_call(peer, MD_PROC_DESTROY, MD_XDR(md_name_args), &device);
    dump = peer_call(peer, MD_PROC_GET_XML, MD_XDR(md_text_args), &xml);
    wait_until(fake_driver_count_waiting(host->driver) == 3);
    peer_expect_alive(peer);

    fake_driver_end(host->driver, 1);
    peer_expect_reply(peer, destroy, NULL, NULL);
    fake_driver_fail(host->driver, 1);
    peer_expect_error(peer, dump, VIR_ERR_OPERATION_FAILED, VIR_FROM_NODEDEV,
                      "operation failed: <device/>");
    fake_driver_end(host->driver, 0);
    peer_expect_reply(peer, create, MD_XDR(md_text_ret), &created);
    g_assert_cmpstr(created.text, ==, "<device/>");
    md_message_clear(MD_XDR(md_text_ret), &created);
}


static void
assert_write_refused(Peer *peer, int procedure, const char *function)
{
    g_autofree char *text =
        g_strconcat("operation forbidden: read only access prevents ", function, NULL);
    const md_text_args args = { (char *)"computer", 0 };

    peer_expect_error(peer, peer_call(peer, procedure, MD_XDR(md_text_args), &args),
                      VIR_ERR_OPERATION_DENIED, VIR_FROM_NODEDEV, text);
}


/* A connection is read-only by its socket or by the flag of open. */
static void
test_read_only(Host *host, gconstpointer data)
{
    gboolean by_socket = GPOINTER_TO_INT(data);
    const md_open_args args = { NULL, by_socket ? 0 : VIR_CONNECT_RO };
    const md_name_args computer = { (char *)"computer" };
    g_autoptr(Peer) peer = NULL;
    md_int_ret active = { 0 };

    host_start(host);
    peer = peer_new(host, by_socket);
    peer_expect_reply(peer, peer_call(peer, MD_PROC_OPEN, MD_XDR(md_open_args), &args), NULL, NULL);
    assert_write_refused(peer, MD_PROC_CREATE_XML, "virNodeDeviceCreateXML");
    assert_write_refused(peer, MD_PROC_DESTROY, "virNodeDeviceDestroy");
    assert_write_refused(peer, MD_PROC_GET_AUTOSTART, "virNodeDeviceGetAutostart");
    assert_write_refused(peer, MD_PROC_DEFINE_XML, "virNodeDeviceDefineXML");
    assert_write_refused(peer, MD_PROC_RESET, "virNodeDeviceReset");
    g_assert_cmpuint(fake_driver_count_waiting(host->driver), ==, 0);
    peer_expect_reply(peer, peer_call(peer, MD_PROC_IS_ACTIVE, MD_XDR(md_name_args), &computer),
                      MD_XDR(md_int_ret), &active);
    g_assert_cmpint(active.value, ==, 1);
}


static void
test_unserved(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    static const struct {
        int procedure;
        int domain;
        const char *function;
    } cases[] = {
        { MD_PROC_RESET, VIR_FROM_NODEDEV, "virNodeDeviceReset" },
        { 4, VIR_FROM_DOMAIN, "virConnectGetVersion" },
        { 23, VIR_FROM_DOMAIN, "virDomainLookupByName" },
        { 59, VIR_FROM_DOMAIN, "virConnectGetHostname" },
        { 71, VIR_FROM_STORAGE, "virConnectNumOfStoragePools" },
    };
    g_autoptr(Peer) peer = NULL;

    host_start(host);
    peer = peer_new_open(host, FALSE);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = g_strconcat(NOT_SUPPORTED, cases[i].function, NULL);

        peer_expect_error(peer, peer_call(peer, cases[i].procedure, NULL, NULL), VIR_ERR_NO_SUPPORT,
                          cases[i].domain, text);
    }
}


static void
test_unknown(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    const md_header program = { .prog = 0x12345678, .vers = 1, .proc = 1, .serial = 71 };
    const md_header version = { .prog = MD_PROGRAM_REMOTE, .vers = 2, .proc = 3, .serial = 72 };
    const md_header status = {
        .prog = MD_PROGRAM_REMOTE, .vers = 1, .proc = 3, .serial = 73, .status = 9
    };
    g_autoptr(Peer) peer = NULL;

    host_start(host);
    peer = peer_new_open(host, FALSE);
    peer_send(peer, &program, NULL, NULL);
    peer_expect_error(peer, 71, VIR_ERR_RPC, VIR_FROM_RPC,
                      "Cannot find program 305419896 version 1");
    peer_send(peer, &version, NULL, NULL);
    peer_expect_error(peer, 72, VIR_ERR_RPC, VIR_FROM_RPC,
                      "Cannot find program 536903814 version 2");
    peer_send(peer, &status, NULL, NULL);
    peer_expect_error(peer, 73, VIR_ERR_RPC, VIR_FROM_RPC, "Unexpected message status 9");
    peer_expect_error(peer, peer_call(peer, 5000, NULL, NULL), VIR_ERR_RPC, VIR_FROM_RPC,
                      "unknown procedure: 5000");
    peer_expect_error(peer, peer_call(peer, -1, NULL, NULL), VIR_ERR_RPC, VIR_FROM_RPC,
                      "unknown procedure: -1");
    peer_expect_error(peer, peer_call(peer, MD_PROC_EVENT_LIFECYCLE, NULL, NULL), VIR_ERR_RPC,
                      VIR_FROM_RPC, "unknown procedure: 376");
    peer_expect_alive(peer);
}


/* Messages that are not calls are not answered; calls with descriptors cannot be parsed. */
static void
test_types(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    const int ignored[] = {
        MD_MESSAGE_REPLY, MD_MESSAGE_EVENT, MD_MESSAGE_STREAM, MD_MESSAGE_REPLY_FDS, 6, -1
    };
    md_header header = { .prog = MD_PROGRAM_REMOTE, .vers = 1, .proc = MD_PROC_GET_TYPE };
    g_autoptr(Peer) peer = NULL;

    host_start(host);
    peer = peer_new_open(host, FALSE);
    for (gsize i = 0; i < G_N_ELEMENTS(ignored); i++) {
        header.type = ignored[i];
        peer_send(peer, &header, NULL, NULL);
    }
    peer_expect_alive(peer);

    header.type = MD_MESSAGE_CALL_FDS;
    peer_send(peer, &header, NULL, NULL);
    peer_expect_end(peer);
}


static void
test_bad_payload(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    const char *text = "Unable to decode message payload";
    const md_int_args huge = { -1 };
    g_autoptr(Peer) peer = NULL;

    host_start(host);
    peer = peer_new_open(host, FALSE);
    peer_expect_error(peer, peer_call(peer, MD_PROC_LOOK_UP_BY_NAME, NULL, NULL), VIR_ERR_RPC,
                      VIR_FROM_RPC, text);
    peer_expect_error(peer, peer_call(peer, MD_PROC_LOOK_UP_BY_NAME, MD_XDR(md_int_args), &huge),
                      VIR_ERR_RPC, VIR_FROM_RPC, text);
    peer_expect_alive(peer);
}


/* As libvirt does, ignores bytes behind the arguments, also of procedures without any. */
static void
test_long_payload(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    const md_text_args longer = { (char *)"computer", 0 };
    const md_int_args huge = { -1 };
    g_autoptr(Peer) peer = NULL;
    md_text_ret ret = { NULL };

    host_start(host);
    peer = peer_new_open(host, FALSE);
    peer_expect_reply(peer, peer_call(peer, MD_PROC_LOOK_UP_BY_NAME, MD_XDR(md_text_args), &longer),
                      MD_XDR(md_text_ret), &ret);
    g_assert_cmpstr(ret.text, ==, "computer");
    md_message_clear(MD_XDR(md_text_ret), &ret);
    peer_expect_reply(peer, peer_call(peer, MD_PROC_GET_TYPE, MD_XDR(md_int_args), &huge),
                      MD_XDR(md_text_ret), &ret);
    g_assert_cmpstr(ret.text, ==, "nodedev");
    md_message_clear(MD_XDR(md_text_ret), &ret);
}


static int
subscribe(Peer *peer, int event, const char *device)
{
    md_text name = (char *)device;
    const md_register_args args = { event, device != NULL ? &name : NULL };
    md_int_ret ret = { -1 };

    peer_expect_reply(peer,
                      peer_call(peer, MD_PROC_REGISTER_EVENT, MD_XDR(md_register_args), &args),
                      MD_XDR(md_int_ret), &ret);
    return ret.value;
}


static void
expect_lifecycle(Peer *peer, int callback, const char *device, int event)
{
    g_autoptr(MdMessage) message = peer_receive(peer);
    md_lifecycle_event ret = { 0 };

    g_assert_cmpint(message->header.proc, ==, MD_PROC_EVENT_LIFECYCLE);
    g_assert_cmpint(message->header.type, ==, MD_MESSAGE_EVENT);
    g_assert_cmpuint(message->header.serial, ==, 0);
    g_assert_true(md_message_decode(message, MD_XDR(md_lifecycle_event), &ret, NULL));
    g_assert_cmpint(ret.callback, ==, callback);
    g_assert_cmpstr(ret.device, ==, device);
    g_assert_cmpint(ret.event, ==, event);
    g_assert_cmpint(ret.detail, ==, 0);
    md_message_clear(MD_XDR(md_lifecycle_event), &ret);
}


static void
expect_update(Peer *peer, int callback, const char *device)
{
    g_autoptr(MdMessage) message = peer_receive(peer);
    md_update_event ret = { 0 };

    g_assert_cmpint(message->header.proc, ==, MD_PROC_EVENT_UPDATE);
    g_assert_true(md_message_decode(message, MD_XDR(md_update_event), &ret, NULL));
    g_assert_cmpint(ret.callback, ==, callback);
    g_assert_cmpstr(ret.device, ==, device);
    md_message_clear(MD_XDR(md_update_event), &ret);
}


/* Events precede the reply to the call that caused them. */
static void
test_events(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    const md_text_args xml = { (char *)"mdev_x", 0 };
    g_autoptr(Peer) peer = NULL;
    md_text_ret created = { 0 };
    md_int_args callback = { 0 };
    guint32 create = 0;
    int all = 0;
    int one = 0;

    host_start(host);
    peer = peer_new_open(host, FALSE);
    all = subscribe(peer, VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE, NULL);
    one = subscribe(peer, VIR_NODE_DEVICE_EVENT_ID_UPDATE, "computer");
    g_assert_cmpint(all, !=, one);

    create = peer_call(peer, MD_PROC_CREATE_XML, MD_XDR(md_text_args), &xml);
    wait_until(fake_driver_count_waiting(host->driver) == 1);
    fake_driver_emit(host->driver, "mdev_x", VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE,
                     VIR_NODE_DEVICE_EVENT_CREATED);
    fake_driver_emit(host->driver, "other", VIR_NODE_DEVICE_EVENT_ID_UPDATE, 0);
    fake_driver_emit(host->driver, "computer", VIR_NODE_DEVICE_EVENT_ID_UPDATE, 0);
    fake_driver_end(host->driver, 0);
    expect_lifecycle(peer, all, "mdev_x", VIR_NODE_DEVICE_EVENT_CREATED);
    expect_update(peer, one, "computer");
    peer_expect_reply(peer, create, MD_XDR(md_text_ret), &created);
    md_message_clear(MD_XDR(md_text_ret), &created);

    callback.value = all;
    peer_expect_reply(peer,
                      peer_call(peer, MD_PROC_DEREGISTER_EVENT, MD_XDR(md_int_args), &callback),
                      NULL, NULL);
    fake_driver_emit(host->driver, "mdev_x", VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE,
                     VIR_NODE_DEVICE_EVENT_DELETED);
    peer_expect_alive(peer);
    peer_expect_error(peer,
                      peer_call(peer, MD_PROC_DEREGISTER_EVENT, MD_XDR(md_int_args), &callback),
                      VIR_ERR_INTERNAL_ERROR, VIR_FROM_RPC,
                      "internal error: node device event callback 0 not registered");
}


static void
test_bad_events(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    md_text nope = (char *)"nope";
    md_register_args args = { 2, NULL };
    g_autoptr(Peer) peer = NULL;

    host_start(host);
    peer = peer_new_open(host, FALSE);
    peer_expect_error(peer,
                      peer_call(peer, MD_PROC_REGISTER_EVENT, MD_XDR(md_register_args), &args),
                      VIR_ERR_INTERNAL_ERROR, VIR_FROM_RPC,
                      "internal error: unsupported node device event ID 2");
    args = (md_register_args){ 0, &nope };
    peer_expect_error(peer,
                      peer_call(peer, MD_PROC_REGISTER_EVENT, MD_XDR(md_register_args), &args),
                      VIR_ERR_NO_NODE_DEVICE, VIR_FROM_NODEDEV, NOT_FOUND);
    subscribe(peer, VIR_NODE_DEVICE_EVENT_ID_UPDATE, NULL);
    args = (md_register_args){ VIR_NODE_DEVICE_EVENT_ID_UPDATE, NULL };
    peer_expect_error(peer,
                      peer_call(peer, MD_PROC_REGISTER_EVENT, MD_XDR(md_register_args), &args),
                      VIR_ERR_INVALID_ARG, VIR_FROM_NONE,
                      "invalid argument: event callback already tracked");
    g_assert_cmpuint(fake_driver_count_subscriptions(host->driver), ==, 1);
}


/* While the list of devices is incomplete, connections are served, and calls for devices wait. */
static void
test_hold(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(Peer) peer = NULL;
    const md_list_all_args args = { 1, 0 };
    md_text_ret type = { 0 };
    md_int_ret number = { -1 };
    md_list_all_ret all = { 0 };
    md_cap_args every = { NULL, 0 };
    guint32 first = 0;
    guint32 second = 0;

    host_start(host);
    md_server_hold(host->server);
    peer = peer_new_open(host, FALSE);
    first = peer_call(peer, MD_PROC_NUM_OF_DEVICES, MD_XDR(md_cap_args), &every);
    second = peer_call(peer, MD_PROC_LIST_ALL_DEVICES, MD_XDR(md_list_all_args), &args);
    peer_expect_reply(peer, peer_call(peer, MD_PROC_GET_TYPE, NULL, NULL), MD_XDR(md_text_ret),
                      &type);
    md_message_clear(MD_XDR(md_text_ret), &type);
    settle();
    g_assert_null(peer_poll(peer));

    md_server_release(host->server);
    peer_expect_reply(peer, first, MD_XDR(md_int_ret), &number);
    g_assert_cmpint(number.value, ==, 2);
    peer_expect_reply(peer, second, MD_XDR(md_list_all_ret), &all);
    g_assert_cmpuint(all.count, ==, 2);
    md_message_clear(MD_XDR(md_list_all_ret), &all);
}


/* A client that disconnects while waiting affects nothing else. */
static void
test_hold_and_go(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    Peer *gone = NULL;
    g_autoptr(Peer) peer = NULL;
    md_cap_args every = { NULL, 0 };

    host_start(host);
    md_server_hold(host->server);
    gone = peer_new_open(host, FALSE);
    peer_call(gone, MD_PROC_NUM_OF_DEVICES, MD_XDR(md_cap_args), &every);
    peer = peer_new_open(host, FALSE);
    peer_free(gone);
    wait_until(md_server_count_clients(host->server) == 1);

    md_server_release(host->server);
    peer_expect_alive(peer);
}


static void
on_idle(gpointer data)
{
    *(gboolean *)data = TRUE;
}


/* Its calls are dropped, so that reconnecting repeatedly accumulates nothing. */
static void
test_hold_nothing_for_nobody(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    Peer *gone = NULL;
    md_register_args args = { VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE, NULL };
    gboolean idle = FALSE;

    host_start(host);
    md_server_hold(host->server);
    gone = peer_new_open(host, FALSE);
    peer_call(gone, MD_PROC_REGISTER_EVENT, MD_XDR(md_register_args), &args);
    settle();
    md_server_set_idle_func(host->server, 1, on_idle, &idle);
    peer_free(gone);
    wait_until(idle);

    md_server_release(host->server);
    g_assert_cmpint(fake_driver_count_subscriptions(host->driver), ==, 0);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, data, func) g_test_add(path, Host, data, host_set_up, func, host_tear_down)
    ADD("/dispatch/open", NULL, test_open);
    ADD("/dispatch/connection", NULL, test_connection);
    ADD("/dispatch/features", NULL, test_features);
    ADD("/dispatch/hold", NULL, test_hold);
    ADD("/dispatch/hold-and-go", NULL, test_hold_and_go);
    ADD("/dispatch/hold-nothing-for-nobody", NULL, test_hold_nothing_for_nobody);
    ADD("/dispatch/lists", NULL, test_lists);
    ADD("/dispatch/looks", NULL, test_looks);
    ADD("/dispatch/vpd", NULL, test_vpd);
    ADD("/dispatch/maxnames", NULL, test_maxnames);
    ADD("/dispatch/device", NULL, test_device);
    ADD("/dispatch/scsi-host", NULL, test_scsi_host);
    ADD("/dispatch/unknown-device", NULL, test_unknown_device);
    ADD("/dispatch/async", NULL, test_async);
    ADD("/dispatch/read-only/socket", GINT_TO_POINTER(TRUE), test_read_only);
    ADD("/dispatch/read-only/flag", GINT_TO_POINTER(FALSE), test_read_only);
    ADD("/dispatch/unserved", NULL, test_unserved);
    ADD("/dispatch/unknown", NULL, test_unknown);
    ADD("/dispatch/types", NULL, test_types);
    ADD("/dispatch/bad-payload", NULL, test_bad_payload);
    ADD("/dispatch/long-payload", NULL, test_long_payload);
    ADD("/dispatch/events", NULL, test_events);
    ADD("/dispatch/bad-events", NULL, test_bad_events);
    return g_test_run();
}
