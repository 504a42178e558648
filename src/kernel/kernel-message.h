/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A message of the kernel's about one event of a device, in the form that udevd receives. */
#pragma once

#include <glib.h>
#include <sys/socket.h>

/* The multicast group in which the kernel sends these messages. */
#define MD_KERNEL_GROUP 1

/* Longest message that is taken, in bytes; the kernel's own limit is about half. */
#define MD_KERNEL_MESSAGE_MAX 8192

/* All pointers lead into the bytes that were parsed. */
typedef struct {
    const char *action; /* "add", "remove" ... */
    const char *path;   /* of the device, below /sys; begins with a slash */
    guint64 seqnum;     /* grows with each event; not 0 */
    const char *lines;  /* "NAME=value" and NUL, one after the other, up to `end` */
    const char *end;
} MdKernelMessage;

/* FALSE if the bytes are no such message. */
gboolean md_kernel_message_parse(const char *bytes, gsize size, MdKernelMessage *message);

/* Value of a property, the first one of that name; or NULL. */
const char *md_kernel_message_get(const MdKernelMessage *message, const char *name);

/*
 * Whether the kernel itself has sent what was received with this header, in its group, and nothing
 * was cut off. The socket must have SO_PASSCRED set.
 */
gboolean md_kernel_message_is_genuine(struct msghdr *header);
