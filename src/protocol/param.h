/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Named values, as libvirt's clients send them. */
#pragma once

#include <glib.h>

#include "protocol/protocol.h"

/*
 * Checks the parameter at index `at`. `type`: the VIR_TYPED_PARAM_* that the field requires, 0 if
 * there is no such field. VIR_ERR_ARGUMENT_UNSUPPORTED for an unknown field, VIR_ERR_INVALID_ARG
 * for a field given before or of another type; both name the field.
 */
gboolean md_param_check(const md_param *params, guint at, int type, GError **error);
