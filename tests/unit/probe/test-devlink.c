/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Valid, truncated and invalid answers of devlink. */
#include "config.h"

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <string.h>

#include "probe/devlink.h"

#define MODE   25
#define OTHER  1
#define FAMILY 0x15

typedef struct {
    struct nlmsghdr header;
    struct genlmsghdr generic;
    guint8 attributes[64];
} Reply;


static void
add(Reply *self, guint16 type, const void *payload, gsize size)
{
    struct nlattr attribute = { .nla_len = NLA_HDRLEN + size, .nla_type = type };
    guint8 *end = (guint8 *)self + self->header.nlmsg_len;

    memcpy(end, &attribute, sizeof(attribute));
    memcpy(end + NLA_HDRLEN, payload, size);
    self->header.nlmsg_len += NLA_HDRLEN + NLA_ALIGN(size);
}


static Reply
new_reply(guint16 message_type)
{
    Reply self = { 0 };

    self.header.nlmsg_type = message_type;
    self.header.nlmsg_len = NLMSG_HDRLEN + GENL_HDRLEN;
    return self;
}


static const void *
find(const Reply *reply, gsize size)
{
    return md_devlink_find_attribute(reply, reply->header.nlmsg_len, MODE, size);
}


static void
test_found(void)
{
    const guint16 mode = 1;
    Reply reply = new_reply(FAMILY);
    guint16 found = 0;

    add(&reply, OTHER, "pci", sizeof("pci"));
    add(&reply, OTHER, "x", 1);
    add(&reply, MODE, &mode, sizeof(mode));
    g_assert_nonnull(find(&reply, sizeof(mode)));
    memcpy(&found, find(&reply, sizeof(mode)), sizeof(found));
    g_assert_cmpuint(found, ==, mode);
}


static void
test_missing(void)
{
    const guint8 mode = 1;
    Reply reply = new_reply(FAMILY);
    Reply error = new_reply(NLMSG_ERROR);

    g_assert_null(find(&reply, 0));
    add(&reply, OTHER, "pci", sizeof("pci"));
    g_assert_null(find(&reply, 0));
    add(&reply, MODE, &mode, sizeof(mode));
    g_assert_null(find(&reply, sizeof(guint16)));
    add(&error, MODE, "11", 2);
    g_assert_null(find(&error, 2));
}


/* No byte after the end of a message is read, wherever it ends. */
static void
test_cut(void)
{
    const guint16 mode = 1;
    Reply reply = new_reply(FAMILY);

    add(&reply, OTHER, "pci", sizeof("pci"));
    add(&reply, MODE, &mode, sizeof(mode));
    for (gsize len = 0; len <= reply.header.nlmsg_len; len++) {
        g_autofree guint8 *cut = g_memdup2(&reply, MAX(len, 1));
        gboolean whole = len + NLA_ALIGN(sizeof(mode)) >= reply.header.nlmsg_len + sizeof(mode);

        g_assert_cmpint(md_devlink_find_attribute(cut, len, MODE, sizeof(mode)) != NULL, ==, whole);
    }
}


static void
test_lengths(void)
{
    for (guint len = 0; len < NLA_HDRLEN; len++) {
        struct nlattr attribute = { .nla_len = (guint16)len, .nla_type = OTHER };
        Reply reply = new_reply(FAMILY);

        add(&reply, OTHER, "pci", sizeof("pci"));
        memcpy(reply.attributes, &attribute, sizeof(attribute));
        add(&reply, MODE, "11", 2);
        g_assert_null(find(&reply, 2));
    }
}


/* The kernel of this machine, with any hardware. */
static void
test_unknown_device(void)
{
    g_autofree char *name = g_strnfill(100000, 'x');

    g_assert_false(md_devlink_is_switchdev("pci", "ffff:ff:1f.7"));
    g_assert_false(md_devlink_is_switchdev("pci", name));
    g_assert_false(md_devlink_is_switchdev("", ""));
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    g_test_add_func("/node_device/devlink/found", test_found);
    g_test_add_func("/node_device/devlink/missing", test_missing);
    g_test_add_func("/node_device/devlink/cut", test_cut);
    g_test_add_func("/node_device/devlink/lengths", test_lengths);
    g_test_add_func("/node_device/devlink/unknown-device", test_unknown_device);
    return g_test_run();
}
