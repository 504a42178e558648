/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <glib-object.h>
#include <string.h>

#include "libvirtd/caller.h"


/* An identity has texts and integers only. */
static void
key_append_value(GString *key, const virTypedParameter *param)
{
    if (param->type == VIR_TYPED_PARAM_STRING) {
        /* The length keeps a value with separators from looking like two parameters. */
        g_string_append_printf(key, "%zu:%s", strlen(param->value.s), param->value.s);
    } else if (param->type == VIR_TYPED_PARAM_INT || param->type == VIR_TYPED_PARAM_UINT) {
        g_string_append_printf(key, "%u", param->value.ui);
    } else {
        g_string_append_printf(key, "%llu", param->value.ul);
    }
}


char *
md_caller_make_key(const virTypedParameter *params, gsize n)
{
    GString *key = g_string_new(NULL);

    for (gsize i = 0; i < n; i++) {
        g_string_append_printf(key, "%s/%d=", params[i].field, params[i].type);
        key_append_value(key, &params[i]);
        g_string_append_c(key, ';');
    }
    return g_string_free(key, FALSE);
}


/*
 * libvirtd has no identity of a client that has connected over TCP without authentication. The
 * daemon must not mistake such a client for libvirtd itself, so the client acts for a user with an
 * empty name.
 */
static void
caller_set_nobody(MdCaller *self)
{
    static virTypedParameter nobody = { .field = VIR_CONNECT_IDENTITY_USER_NAME,
                                        .type = VIR_TYPED_PARAM_STRING,
                                        .value.s = (char *)"" };

    self->params = &nobody;
    self->n_params = 1;
}


static gboolean
caller_read_identity(MdCaller *self, MdLibvirtIdentity *identity)
{
    const MdSymbols *symbols = self->symbols;

    self->list = symbols->get_identity_params(identity);
    if (self->list == NULL)
        return FALSE;
    if (symbols->fetch_params == NULL) {
        self->params = self->list->params;
        self->n_params = self->list->n_params;
        return TRUE;
    }
    return symbols->fetch_params(self->list, &self->params, &self->n_params) == 0;
}


MdCaller *
md_caller_new_current(const MdSymbols *symbols)
{
    g_autoptr(MdCaller) self = g_new0(MdCaller, 1);
    MdLibvirtIdentity *identity = symbols->get_identity();
    gboolean is_read = FALSE;

    self->symbols = symbols;
    if (identity != NULL) {
        is_read = caller_read_identity(self, identity);
        g_object_unref(identity);
        if (!is_read)
            return NULL;
        if (self->n_params == 0)
            caller_set_nobody(self);
    }
    self->key = md_caller_make_key(self->params, self->n_params);
    return g_steal_pointer(&self);
}


void
md_caller_free(MdCaller *self)
{
    if (self->list != NULL)
        self->symbols->free_params(self->list);
    g_free(self->key);
    g_free(self);
}
