/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mode --check-xml, which checks documents. */
#pragma once

#include "daemon/options.h"

/*
 * Parses and validates the files (`-` is standard input) and prints each on standard output as the
 * daemon would. Errors go to standard error, prefixed with the file name. FALSE if there was an
 * error. `details`: print mediated's additional elements.
 */
gboolean md_check_xml(MdOptions *options, gboolean details);
