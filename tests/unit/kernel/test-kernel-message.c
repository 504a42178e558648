/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parses messages of the kernel, malformed ones, and forged ones. */
#include "config.h"

#include "kernel/kernel-message.h"

#include <linux/netlink.h>
#include <string.h>

#define HEAD  "add@/devices/gpu"
#define CORE  "ACTION=add\0DEVPATH=/devices/gpu\0SUBSYSTEM=pci"
#define EVENT HEAD "\0" CORE


static void
test_event(void)
{
    static const char bytes[] = EVENT "\0EMPTY=\0=nameless\0no line\0SEQNUM=7";
    MdKernelMessage message = { 0 };

    g_assert_true(md_kernel_message_parse(bytes, sizeof(bytes), &message));
    g_assert_cmpstr(message.action, ==, "add");
    g_assert_cmpstr(message.path, ==, "/devices/gpu");
    g_assert_cmpuint(message.seqnum, ==, 7);
    g_assert_cmpstr(md_kernel_message_get(&message, "SUBSYSTEM"), ==, "pci");
    g_assert_cmpstr(md_kernel_message_get(&message, "EMPTY"), ==, "");
    g_assert_null(md_kernel_message_get(&message, "no line"));
    g_assert_null(md_kernel_message_get(&message, "SUB"));
    g_assert_null(md_kernel_message_get(&message, "nameless"));
}


/* A driver cannot forge the driver core's properties. */
static void
test_driver_adds_properties(void)
{
    static const char bytes[] =
        EVENT "\0ACTION=remove\0DEVPATH=/devices/other\0SUBSYSTEM=mdev\0SEQNUM=1000\0SEQNUM=7";
    MdKernelMessage message = { 0 };

    g_assert_true(md_kernel_message_parse(bytes, sizeof(bytes), &message));
    g_assert_cmpstr(message.action, ==, "add");
    g_assert_cmpstr(message.path, ==, "/devices/gpu");
    g_assert_cmpstr(md_kernel_message_get(&message, "SUBSYSTEM"), ==, "pci");
    g_assert_cmpuint(message.seqnum, ==, 7);
}


/* `literal` ends with the NUL of its last line. */
#define ASSERT_IS_NONE(literal) assert_is_none(literal, sizeof(literal))


static void
assert_is_none(const char *bytes, gsize size)
{
    MdKernelMessage message = { 0 };

    g_assert_false(md_kernel_message_parse(bytes, size, &message));
}


static void
test_none(void)
{
    assert_is_none("", 0);
    ASSERT_IS_NONE("");
    ASSERT_IS_NONE(HEAD);
    assert_is_none(EVENT "\0SEQNUM=7", sizeof(EVENT "\0SEQNUM=7") - 1);
    ASSERT_IS_NONE("libudev\0" CORE "\0SEQNUM=7");
    ASSERT_IS_NONE("add@/devices/other\0" CORE "\0SEQNUM=7");
    ASSERT_IS_NONE("remove@/devices/gpu\0" CORE "\0SEQNUM=7");
    ASSERT_IS_NONE("add\0" CORE "\0SEQNUM=7");
    ASSERT_IS_NONE(HEAD "\0DEVPATH=/devices/gpu\0SEQNUM=7");
    ASSERT_IS_NONE(HEAD "\0ACTION=add\0SEQNUM=7");
    ASSERT_IS_NONE("@/devices/gpu\0ACTION=\0DEVPATH=/devices/gpu\0SEQNUM=7");
    ASSERT_IS_NONE("add@devices/gpu\0ACTION=add\0DEVPATH=devices/gpu\0SEQNUM=7");
    ASSERT_IS_NONE("add@\0ACTION=add\0DEVPATH=\0SEQNUM=7");
    ASSERT_IS_NONE(EVENT);
    ASSERT_IS_NONE(EVENT "\0SEQNUM=");
    ASSERT_IS_NONE(EVENT "\0SEQNUM=0");
    ASSERT_IS_NONE(EVENT "\0SEQNUM=-1");
    ASSERT_IS_NONE(EVENT "\0SEQNUM=7x");
    ASSERT_IS_NONE(EVENT "\0SEQNUM=18446744073709551616");
}


/* A header as filled in by recvmsg(). */
typedef struct {
    struct msghdr header;
    struct sockaddr_nl sender;
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
    } control;
} Received;


static void
received_init(Received *self, const struct ucred *credentials)
{
    struct cmsghdr *part = &self->control.header;

    *self = (Received){ .sender = { .nl_family = AF_NETLINK, .nl_groups = MD_KERNEL_GROUP } };
    self->header.msg_name = &self->sender;
    self->header.msg_namelen = sizeof(self->sender);
    self->header.msg_control = &self->control;
    self->header.msg_controllen = sizeof(self->control);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_CREDENTIALS;
    part->cmsg_len = CMSG_LEN(sizeof(*credentials));
    memcpy(CMSG_DATA(part), credentials, sizeof(*credentials));
}


static void
test_sender(void)
{
    static const struct ucred kernel = { 0 };
    static const struct ucred root = { .pid = 1 };
    static const struct ucred nobody = { .uid = 65534 };
    Received received;

    received_init(&received, &kernel);
    g_assert_true(md_kernel_message_is_genuine(&received.header));
    received_init(&received, &root);
    g_assert_false(md_kernel_message_is_genuine(&received.header));
    received_init(&received, &nobody);
    g_assert_false(md_kernel_message_is_genuine(&received.header));

    received_init(&received, &kernel);
    received.header.msg_controllen = 0;
    g_assert_false(md_kernel_message_is_genuine(&received.header));
    received_init(&received, &kernel);
    received.control.header.cmsg_len -= 1;
    g_assert_false(md_kernel_message_is_genuine(&received.header));
    received_init(&received, &kernel);
    received.control.header.cmsg_type = SCM_RIGHTS;
    g_assert_false(md_kernel_message_is_genuine(&received.header));
}


static void
test_address(void)
{
    static const struct ucred kernel = { 0 };
    Received received;

    /* Sent by a program, to one receiver, by udevd, from another kind of socket, truncated. */
    received_init(&received, &kernel);
    received.sender.nl_pid = 1234;
    g_assert_false(md_kernel_message_is_genuine(&received.header));
    received_init(&received, &kernel);
    received.sender.nl_groups = 0;
    g_assert_false(md_kernel_message_is_genuine(&received.header));
    received_init(&received, &kernel);
    received.sender.nl_groups = 2;
    g_assert_false(md_kernel_message_is_genuine(&received.header));
    received_init(&received, &kernel);
    received.sender.nl_family = AF_UNIX;
    g_assert_false(md_kernel_message_is_genuine(&received.header));
    received_init(&received, &kernel);
    received.header.msg_namelen = 2;
    g_assert_false(md_kernel_message_is_genuine(&received.header));
    received_init(&received, &kernel);
    received.header.msg_flags = MSG_TRUNC;
    g_assert_false(md_kernel_message_is_genuine(&received.header));
    received_init(&received, &kernel);
    received.header.msg_flags = MSG_CTRUNC;
    g_assert_false(md_kernel_message_is_genuine(&received.header));
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kernel-message/event", test_event);
    g_test_add_func("/kernel-message/driver-adds-properties", test_driver_adds_properties);
    g_test_add_func("/kernel-message/none", test_none);
    g_test_add_func("/kernel-message/sender", test_sender);
    g_test_add_func("/kernel-message/address", test_address);
    return g_test_run();
}
