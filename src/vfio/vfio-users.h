/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who has a VFIO node open. A daemon with CAP_SYS_PTRACE looks itself. The service has no such
 * capability and asks mediated-vfio-users, a program that systemd starts for one question.
 *
 * A question is one line, the decimal numbers of the node: "MAJOR:MINOR". So is the answer: "held
 * PID NAME" (the name may be empty), "free", or "unknown".
 */
#pragma once

#include "vfio/vfio-holder.h"

/* Bytes of a question or an answer, newline included. */
#define MD_VFIO_LINE_MAX 128

/* How long the answer may take, in milliseconds: a search, and what systemd needs to start it. */
#define MD_VFIO_ANSWER_TIME 10000

/* For a worker. `hint`: set to what was in the way if the answer is MD_VFIO_UNKNOWN. */
MdVfioHolding
md_vfio_users_find(const MdRoots *roots, dev_t node, MdVfioHolder *holder, char **hint);

/* The same of the service that listens on `path`, whatever we are allowed to. */
MdVfioHolding md_vfio_users_ask(const char *path, dev_t node, MdVfioHolder *holder, char **hint);

/* Why a search has ended with MD_VFIO_UNKNOWN. */
char *md_vfio_users_explain(const MdVfioHolder *holder);

/* Questions and answers as lines, for both ends. FALSE, and UNKNOWN: it is none. */
gboolean md_vfio_users_parse_question(const char *line, dev_t *node);
char *md_vfio_users_format_answer(MdVfioHolding holding, const MdVfioHolder *holder);
MdVfioHolding md_vfio_users_parse_answer(const char *line, MdVfioHolder *holder);

/* Reads up to the first newline or the end, within a time in milliseconds and MD_VFIO_LINE_MAX
 * bytes. NULL, and errno, if that does not come. */
char *md_vfio_users_read_line(int fd, guint time);
