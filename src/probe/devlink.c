/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Builds and parses netlink messages without a library: two requests do not justify a
 * dependency. */
#include "config.h"

#include "probe/devlink.h"

#include <linux/devlink.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#include "util/fd.h"

/* Sizes in bytes, sufficient for the names of a bus and a device, and for all replies of
 * interest. */
#define REQUEST_MAX 512
#define REPLY_MAX   8192

typedef struct {
    struct nlmsghdr header;
    struct genlmsghdr generic;
    guint8 attributes[REQUEST_MAX];
} Request;

#define HEAD_SIZE (NLMSG_HDRLEN + GENL_HDRLEN)

G_STATIC_ASSERT(G_STRUCT_OFFSET(Request, attributes) == HEAD_SIZE);


static void
request_init(Request *self, guint16 family, guint8 command, guint8 version)
{
    memset(self, 0, sizeof(*self));
    self->header.nlmsg_len = HEAD_SIZE;
    self->header.nlmsg_type = family;
    self->header.nlmsg_flags = NLM_F_REQUEST;
    self->generic.cmd = command;
    self->generic.version = version;
}


/* FALSE if `text` is too long. */
static gboolean
request_add_text(Request *self, guint16 type, const char *text)
{
    gsize size = strlen(text) + 1;
    struct nlattr attribute = { .nla_len = NLA_HDRLEN + size, .nla_type = type };
    guint8 *end = (guint8 *)self + self->header.nlmsg_len;

    if (size > REQUEST_MAX || self->header.nlmsg_len + NLA_HDRLEN + NLA_ALIGN(size) > sizeof(*self))
        return FALSE;

    memcpy(end, &attribute, sizeof(attribute));
    memcpy(end + NLA_HDRLEN, text, size);
    self->header.nlmsg_len += NLA_HDRLEN + NLA_ALIGN(size);
    return TRUE;
}


/* Returns the size of the reply, 0 if there is none. The kernel replies before send() returns, so
 * recv() need not wait. */
static gsize
request_send(const Request *self, int fd, void *reply, gsize max)
{
    ssize_t got = 0;

    if (send(fd, self, self->header.nlmsg_len, 0) != (ssize_t)self->header.nlmsg_len)
        return 0;
    got = recv(fd, reply, max, MSG_DONTWAIT);
    return got > 0 ? (gsize)got : 0;
}


const void *
md_devlink_find_attribute(const void *reply, gsize len, guint16 type, gsize size)
{
    const guint8 *bytes = reply;
    struct nlmsghdr header;
    gsize at = HEAD_SIZE;

    if (len < HEAD_SIZE)
        return NULL;
    memcpy(&header, bytes, sizeof(header));
    if (header.nlmsg_type < NLMSG_MIN_TYPE)
        return NULL;

    len = MIN(len, header.nlmsg_len);
    while (at + NLA_HDRLEN <= len) {
        struct nlattr attribute;

        memcpy(&attribute, bytes + at, sizeof(attribute));
        if (attribute.nla_len < NLA_HDRLEN || attribute.nla_len > len - at)
            return NULL;
        if ((attribute.nla_type & NLA_TYPE_MASK) == type)
            return attribute.nla_len >= NLA_HDRLEN + size ? bytes + at + NLA_HDRLEN : NULL;
        at += NLA_ALIGN(attribute.nla_len);
    }
    return NULL;
}


/* 0 if the kernel has no devlink. */
static guint16
find_family(int fd)
{
    Request request;
    guint8 reply[REPLY_MAX];
    const void *id = NULL;
    guint16 family = 0;

    request_init(&request, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1);
    request_add_text(&request, CTRL_ATTR_FAMILY_NAME, DEVLINK_GENL_NAME);
    id = md_devlink_find_attribute(reply, request_send(&request, fd, reply, sizeof(reply)),
                                   CTRL_ATTR_FAMILY_ID, sizeof(family));
    if (id != NULL)
        memcpy(&family, id, sizeof(family));
    return family;
}


gboolean
md_devlink_is_switchdev(const char *bus, const char *device)
{
    g_auto(MdFd) fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
    guint16 family = fd >= 0 ? find_family(fd) : 0;
    Request request;
    guint8 reply[REPLY_MAX];
    const void *payload = NULL;
    guint16 mode = DEVLINK_ESWITCH_MODE_LEGACY;

    request_init(&request, family, DEVLINK_CMD_ESWITCH_GET, DEVLINK_GENL_VERSION);
    if (family == 0 || !request_add_text(&request, DEVLINK_ATTR_BUS_NAME, bus) ||
        !request_add_text(&request, DEVLINK_ATTR_DEV_NAME, device))
        return FALSE;

    payload = md_devlink_find_attribute(reply, request_send(&request, fd, reply, sizeof(reply)),
                                        DEVLINK_ATTR_ESWITCH_MODE, sizeof(mode));
    if (payload != NULL)
        memcpy(&mode, payload, sizeof(mode));
    return mode == DEVLINK_ESWITCH_MODE_SWITCHDEV;
}
