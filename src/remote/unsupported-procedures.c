/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "remote/unsupported-procedures.h"

#include <glib.h>
#include <libvirt/virterror.h>

typedef struct {
    int procedure;
    int domain;
    const char *function;
} Function;

/* By procedure. */
static const Function functions[] = {
#include "remote/unsupported-procedures.inc"
};


const char *
md_unsupported_procedures_find(int procedure, int *domain)
{
    for (gsize i = 0; i < G_N_ELEMENTS(functions); i++) {
        if (functions[i].procedure == procedure) {
            *domain = functions[i].domain;
            return functions[i].function;
        }
    }
    return NULL;
}
