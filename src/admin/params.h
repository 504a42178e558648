/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Named values, as libvirt sends them. */
#pragma once

#include <glib.h>

#include "protocol/protocol.h"

/* Append to an array of md_param. Texts are copied; free the contents with the message. */
void md_params_add_int(GArray *params, const char *field, gint64 value);
void md_params_add_uint(GArray *params, const char *field, guint value);
void md_params_add_boolean(GArray *params, const char *field, gboolean value);
void md_params_add_text(GArray *params, const char *field, const char *text);

/* A field to be read, and the variable for its value. */
typedef struct {
    const char *field;
    guint *value;
} MdParamWanted;

/*
 * Reads unsigned integers; fields that are not given keep their value. VIR_ERR_INVALID_ARG for a
 * field of another type or given twice, VIR_ERR_ARGUMENT_UNSUPPORTED for a field that is not
 * wanted; both name the field.
 */
gboolean md_params_read(
    const md_param *params, guint n, const MdParamWanted *wanted, guint n_wanted, GError **error);
