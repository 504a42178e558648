/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finds the process that has a VFIO node open. A daemon with CAP_SYS_PTRACE searches all processes
 * itself. The service lacks this capability, and queries mediated-vfio-users, a program that
 * systemd starts for each request.
 *
 * A request is one line with the decimal numbers of the node: "MAJOR:MINOR". The answer is one
 * line: "held PID NAME" (NAME may be empty), "free", or "unknown".
 */
#pragma once

#include "vfio/vfio-holder.h"

/* Maximum length of a request or answer in bytes, including the newline. */
#define MD_VFIO_LINE_MAX 128

/* Timeout of a request in milliseconds. It includes the start of the program by systemd. */
#define MD_VFIO_ANSWER_TIME 10000

/* For a worker. If the answer is MD_VFIO_UNKNOWN, sets `hint` to the reason. */
MdVfioHolding
md_vfio_users_find(const MdRoots *roots, dev_t node, MdVfioHolder *holder, char **hint);

/* Queries the service that listens on the socket at `path`, whatever the capabilities of this
 * process. */
MdVfioHolding md_vfio_users_ask(const char *path, dev_t node, MdVfioHolder *holder, char **hint);

/* The reason why a search has ended with MD_VFIO_UNKNOWN. */
char *md_vfio_users_explain(const MdVfioHolder *holder);

/* Convert requests and answers to lines and back, for both sides. FALSE or MD_VFIO_UNKNOWN: the
 * line is invalid. */
gboolean md_vfio_users_parse_question(const char *line, dev_t *node);
char *md_vfio_users_format_answer(MdVfioHolding holding, const MdVfioHolder *holder);
MdVfioHolding md_vfio_users_parse_answer(const char *line, MdVfioHolder *holder);

/* Reads one line and strips its newline. NULL with errno on failure: if no complete line arrives
 * within `time` milliseconds, or the line exceeds MD_VFIO_LINE_MAX bytes. */
char *md_vfio_users_read_line(int fd, guint time);
