/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Authentication, and acting for another user. */
#include "config.h"

#include "remote/handlers.h"

#include "util/error.h"

/* Authentication types of the protocol. */
enum {
    METHOD_NONE = 0,
    METHOD_POLKIT = 2,
};


void
md_handle_auth_list(MdCall *call, gconstpointer args G_GNUC_UNUSED)
{
    int types[] = { METHOD_NONE };
    const md_auth_ret ret = { { G_N_ELEMENTS(types), types } };

    if (!md_session_is_authenticated(md_call_get_session(call)))
        types[0] = METHOD_POLKIT;
    md_call_reply(call, &ret);
}


/* Procedures of authentication types not offered. */
static void
refuse_sasl(MdCall *call)
{
    GError *error = NULL;

    md_error_set_from(&error, VIR_FROM_RPC, VIR_ERR_AUTH_FAILED, "authentication failed");
    md_call_fail(call, error);
}


void
md_handle_auth_sasl(MdCall *call, gconstpointer args G_GNUC_UNUSED)
{
    refuse_sasl(call);
}


static void
on_authenticated(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    const md_int_ret ret = { 1 };
    GError *error = NULL;

    if (md_session_authenticate_finish(md_call_get_session(data), result, &error))
        md_call_reply(data, &ret);
    else
        md_call_fail(data, error);
}


void
md_handle_auth_polkit(MdCall *call, gconstpointer args G_GNUC_UNUSED)
{
    MdSession *session = md_call_get_session(call);

    if (md_session_is_authenticated(session))
        refuse_sasl(call);
    else
        md_session_authenticate_async(session, on_authenticated, call);
}


/* Fails unless the client is root, which may act for another user once. Root cannot become itself
 * again, because the other user's calls may be using this connection. */
static gboolean
check_proxy(MdSession *session, GError **error)
{
    const MdIdentity *peer = md_session_get_peer(session);
    const MdIdentity *identity = md_session_get_identity(session);

    if (!md_identity_is_privileged(peer)) {
        md_error_set_from(error, VIR_FROM_NONE, VIR_ERR_OPERATION_DENIED,
                          "only root may act for another user, not user %" G_GINT64_FORMAT,
                          peer->uid);
        return FALSE;
    }
    if (!md_identity_is_privileged(identity)) {
        md_error_set_from(error, VIR_FROM_NONE, VIR_ERR_OPERATION_DENIED,
                          "this connection already acts for another user");
        return FALSE;
    }
    return TRUE;
}


static MdIdentity *
read_identity(MdSession *session, const md_identity_args *wanted, GError **error)
{
    if (!check_proxy(session, error))
        return NULL;
    if (!md_error_check_flags(wanted->flags, 0, VIR_FROM_NONE, "virConnectSetIdentity", error))
        return NULL;
    return md_identity_new_from_params(wanted->params.params_val, wanted->params.params_len, error);
}


void
md_handle_set_identity(MdCall *call, gconstpointer args)
{
    MdSession *session = md_call_get_session(call);
    GError *error = NULL;
    g_autoptr(MdIdentity) identity = read_identity(session, args, &error);
    g_autofree char *who = NULL;

    if (identity == NULL || !md_session_set_identity(session, identity, &error)) {
        md_call_fail(call, error);
        return;
    }
    who = md_identity_describe(identity);
    g_debug("Client acts for %s", who);
    md_call_reply(call, NULL);
}
