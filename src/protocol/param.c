/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "protocol/param.h"

#include "util/error.h"

/* By VIR_TYPED_PARAM_*. */
static const char *const type_names[] = { "unknown", "int",    "uint",    "llong",
                                          "ullong",  "double", "boolean", "string" };


static gboolean
is_repeated(const md_param *params, guint at)
{
    for (guint i = 0; i < at; i++) {
        if (g_str_equal(params[i].field, params[at].field))
            return TRUE;
    }
    return FALSE;
}


gboolean
md_param_check(const md_param *params, guint at, int type, GError **error)
{
    const md_param *param = &params[at];

    if (type == 0)
        md_error_set_from(error, VIR_FROM_NONE, VIR_ERR_ARGUMENT_UNSUPPORTED,
                          "parameter '%s' not supported", param->field);
    else if (is_repeated(params, at))
        md_error_set_from(error, VIR_FROM_NONE, VIR_ERR_INVALID_ARG,
                          "parameter '%s' occurs multiple times", param->field);
    else if (param->value.type != type)
        md_error_set_from(error, VIR_FROM_NONE, VIR_ERR_INVALID_ARG,
                          "invalid type '%s' for parameter '%s', expected '%s'",
                          type_names[param->value.type], param->field, type_names[type]);
    else
        return TRUE;
    return FALSE;
}
