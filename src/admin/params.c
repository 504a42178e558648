/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "admin/params.h"

#include <libvirt/libvirt.h>

#include "protocol/param.h"


static md_param *
add_param(GArray *params, const char *field, int type)
{
    guint at = params->len;
    md_param *param = NULL;

    g_array_set_size(params, at + 1);
    param = &g_array_index(params, md_param, at);
    param->field = g_strdup(field);
    param->value.type = type;
    return param;
}


void
md_params_add_int(GArray *params, const char *field, gint64 value)
{
    add_param(params, field, VIR_TYPED_PARAM_INT)->value.md_value_u.number_i = (int)value;
}


void
md_params_add_uint(GArray *params, const char *field, guint value)
{
    add_param(params, field, VIR_TYPED_PARAM_UINT)->value.md_value_u.number_ui = value;
}


void
md_params_add_boolean(GArray *params, const char *field, gboolean value)
{
    add_param(params, field, VIR_TYPED_PARAM_BOOLEAN)->value.md_value_u.truth = value;
}


void
md_params_add_text(GArray *params, const char *field, const char *text)
{
    add_param(params, field, VIR_TYPED_PARAM_STRING)->value.md_value_u.text = g_strdup(text);
}


static const MdParamWanted *
find_wanted(const MdParamWanted *wanted, guint n_wanted, const char *field)
{
    for (guint i = 0; i < n_wanted; i++) {
        if (g_str_equal(wanted[i].field, field))
            return &wanted[i];
    }
    return NULL;
}


gboolean
md_params_read(
    const md_param *params, guint n, const MdParamWanted *wanted, guint n_wanted, GError **error)
{
    for (guint i = 0; i < n; i++) {
        const MdParamWanted *found = find_wanted(wanted, n_wanted, params[i].field);

        if (!md_param_check(params, i, found != NULL ? VIR_TYPED_PARAM_UINT : 0, error))
            return FALSE;
        *found->value = params[i].value.md_value_u.number_ui;
    }
    return TRUE;
}
