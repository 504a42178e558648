/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The client of libvirtd on whose behalf the current thread runs, as the parameters of
 * virConnectSetIdentity(). Immutable.
 */
#pragma once

#include "libvirtd/symbols.h"

typedef struct {
    char *key; /* equal for equal parameters; empty for libvirtd itself */
    virTypedParameterPtr params;
    gsize n_params;           /* 0 for libvirtd itself */
    MdLibvirtParamList *list; /* owns the parameters; NULL for libvirtd itself */
    const MdSymbols *symbols;
} MdCaller;

/* NULL: an error, which is the thread's last error. */
MdCaller *md_caller_new_current(const MdSymbols *symbols);
void md_caller_free(MdCaller *self);

/* Describes the parameters in one line of text, which differs if any name, type or value differs.
 */
char *md_caller_make_key(const virTypedParameter *params, gsize n);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdCaller, md_caller_free)
