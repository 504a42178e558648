/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <stdarg.h>

#include "libvirtd/last-error.h"


void
md_last_error_raise(const MdSymbols *symbols, int code, const char *format, ...)
{
    g_autofree char *text = NULL;
    virError error = { .code = code, .domain = VIR_FROM_NODEDEV, .level = VIR_ERR_ERROR };
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    error.message = text;
    error.str1 = text;
    symbols->set_error(&error);
}


void
md_last_error_restore(const MdSymbols *symbols, virErrorPtr error)
{
    if (error == NULL)
        return;
    symbols->set_error(error);
    virFreeError(error);
}
