/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The last error of a thread, through which a driver reports errors to libvirt. */
#pragma once

#include "libvirtd/symbols.h"

/* `code` is one of virErrorNumber; the domain is that of node devices. */
void md_last_error_raise(const MdSymbols *symbols, int code, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* Sets an error that virSaveLastError() has returned, and frees it. NULL does nothing. */
void md_last_error_restore(const MdSymbols *symbols, virErrorPtr error);
