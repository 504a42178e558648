/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mode that reads documents instead of serving them. */
#pragma once

#include "daemon/options.h"

/*
 * Parses and validates each of the files (`-` is standard input) and prints it on standard output
 * as the daemon would; what is wrong with one goes to standard error, after its name. FALSE if
 * anything was wrong. `details`: with the elements that are our own.
 */
gboolean md_check_xml(MdOptions *options, gboolean details);
