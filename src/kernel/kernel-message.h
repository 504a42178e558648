/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The message of a kernel uevent, in the form that udevd receives. */
#pragma once

#include <glib.h>
#include <sys/socket.h>

/* The multicast group of these messages. */
#define MD_KERNEL_GROUP 1

/* Longest accepted message, in bytes. The kernel's own limit is about half of it. */
#define MD_KERNEL_MESSAGE_MAX 8192

/* All pointers point into the parsed bytes. */
typedef struct {
    const char *action; /* "add", "remove" ... */
    const char *path;   /* of the device, below /sys; begins with a slash */
    guint64 seqnum;     /* grows with each event; not 0 */
    const char *lines;  /* "NAME=value" strings, each followed by NUL, up to `end` */
    const char *end;
} MdKernelMessage;

/* FALSE if the bytes are not a valid message. */
gboolean md_kernel_message_parse(const char *bytes, gsize size, MdKernelMessage *message);

/* The value of the first property with this name, or NULL. */
const char *md_kernel_message_get(const MdKernelMessage *message, const char *name);

/* Whether the message received with this header was sent by the kernel itself to its group, and is
 * not truncated. The socket must have SO_PASSCRED set. */
gboolean md_kernel_message_is_genuine(struct msghdr *header);
