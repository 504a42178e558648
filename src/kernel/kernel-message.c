/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "kernel/kernel-message.h"

#include <linux/netlink.h>
#include <string.h>

#define PROPERTY_ACTION "ACTION"
#define PROPERTY_PATH   "DEVPATH"
#define PROPERTY_SEQNUM "SEQNUM"


/* The value of a line with this name, or NULL. */
static const char *
match_line(const char *line, const char *name)
{
    gsize len = strlen(name);

    return strncmp(line, name, len) == 0 && line[len] == '=' ? line + len + 1 : NULL;
}


const char *
md_kernel_message_get(const MdKernelMessage *message, const char *name)
{
    const char *line = NULL;

    for (line = message->lines; line < message->end; line += strlen(line) + 1) {
        const char *value = match_line(line, name);

        if (value != NULL)
            return value;
    }
    return NULL;
}


/* The driver core adds ACTION and DEVPATH first, SEQNUM last, and the properties of drivers in
 * between. A driver's properties may have the same names, so the first ACTION, the first DEVPATH
 * and the last SEQNUM count. */
static gboolean
read_seqnum(MdKernelMessage *message)
{
    const char *line = NULL;
    const char *last = NULL;

    for (line = message->lines; line < message->end; line += strlen(line) + 1) {
        const char *value = match_line(line, PROPERTY_SEQNUM);

        if (value != NULL)
            last = value;
    }
    return last != NULL &&
           g_ascii_string_to_unsigned(last, 10, 1, G_MAXUINT64, &message->seqnum, NULL);
}


/* Whether the header "action@path", which precedes the lines, agrees with them. */
static gboolean
has_valid_header(const MdKernelMessage *message, const char *header)
{
    gsize len = strlen(message->action);

    return len > 0 && strncmp(header, message->action, len) == 0 && header[len] == '@' &&
           g_str_equal(header + len + 1, message->path);
}


gboolean
md_kernel_message_parse(const char *bytes, gsize size, MdKernelMessage *message)
{
    if (size == 0 || bytes[size - 1] != '\0')
        return FALSE;

    *message = (MdKernelMessage){ .lines = bytes + strlen(bytes) + 1, .end = bytes + size };
    message->action = md_kernel_message_get(message, PROPERTY_ACTION);
    message->path = md_kernel_message_get(message, PROPERTY_PATH);
    return message->action != NULL && message->path != NULL && *message->path == '/' &&
           has_valid_header(message, bytes) && read_seqnum(message);
}


/* The kernel's PID is 0; no other sender can have it. */
static gboolean
has_kernel_credentials(struct msghdr *header)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part != NULL;
         part = CMSG_NXTHDR(header, part)) {
        struct ucred sender = { 0 };

        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_CREDENTIALS ||
            part->cmsg_len != CMSG_LEN(sizeof(sender)))
            continue;
        memcpy(&sender, CMSG_DATA(part), sizeof(sender));
        return sender.pid == 0 && sender.uid == 0;
    }
    return FALSE;
}


gboolean
md_kernel_message_is_genuine(struct msghdr *header)
{
    const struct sockaddr_nl *sender = header->msg_name;

    return (header->msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0 &&
           header->msg_namelen == sizeof(*sender) && sender->nl_family == AF_NETLINK &&
           sender->nl_pid == 0 && sender->nl_groups == MD_KERNEL_GROUP &&
           has_kernel_credentials(header);
}
