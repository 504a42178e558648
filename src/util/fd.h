/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file descriptor that is closed at the end of its scope: g_auto(MdFd). -1 if unset. */
#pragma once

#include <glib.h>
#include <poll.h>
#include <unistd.h>

typedef int MdFd;

G_DEFINE_AUTO_CLEANUP_FREE_FUNC(MdFd, close, -1)


/* Whether a read would not block. */
static inline gboolean
md_fd_is_readable(int fd)
{
    struct pollfd pfd = { .fd = fd, .events = POLLIN };

    return poll(&pfd, 1, 0) > 0;
}
