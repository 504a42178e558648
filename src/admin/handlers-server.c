/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connection, the servers with their limits, and the daemon as a whole. */
#include "config.h"

#include <libvirt/libvirt-admin.h>

#include "admin/handlers.h"
#include "admin/params.h"
#include "remote/served-version.h"
#include "remote/server-clients.h"
#include "util/error.h"
#include "util/threads.h"
#include "util/worker.h"


void
md_admin_handle_open(MdAdminCall *call, gconstpointer args G_GNUC_UNUSED)
{
    md_admin_call_reply(call, NULL);
}


void
md_admin_handle_close(MdAdminCall *call, gconstpointer args G_GNUC_UNUSED)
{
    md_admin_call_reply_and_close(call);
}


void
md_admin_handle_get_lib_version(MdAdminCall *call, gconstpointer args G_GNUC_UNUSED)
{
    const md_number_ret ret = { MD_SERVED_VERSION };

    md_admin_call_reply(call, &ret);
}


gboolean
md_admin_find_server(const char *name, gboolean *is_own, GError **error)
{
    *is_own = g_str_equal(name, MD_ADMIN_OWN_SERVER);
    if (*is_own || g_str_equal(name, MD_ADMIN_MAIN_SERVER))
        return TRUE;
    md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_NO_SERVER, "No server named '%s'", name);
    return FALSE;
}


void
md_admin_handle_list_servers(MdAdminCall *call, gconstpointer args)
{
    const md_list_all_args *list = args;
    md_text names[] = { (char *)MD_ADMIN_MAIN_SERVER, (char *)MD_ADMIN_OWN_SERVER };
    const md_list_all_ret ret = { { list->need_results != 0 ? G_N_ELEMENTS(names) : 0, names },
                                  G_N_ELEMENTS(names) };

    md_admin_call_reply(call, &ret);
}


void
md_admin_handle_look_up_server(MdAdminCall *call, gconstpointer args)
{
    const md_text_args *wanted = args;
    const md_text_ret ret = { wanted->text };
    GError *error = NULL;
    gboolean is_own = FALSE;

    if (md_admin_find_server(wanted->text, &is_own, &error))
        md_admin_call_reply(call, &ret);
    else
        md_admin_call_fail(call, error);
}


/*
 * Reports the threads of the workers. There is no minimum, and no maximum in total, because threads
 * are limited for each device and disk. Calls for administration need no threads.
 */
void
md_admin_handle_get_threads(MdAdminCall *call, gconstpointer args)
{
    GArray *params = g_array_new(FALSE, TRUE, sizeof(md_param));
    GError *error = NULL;
    gboolean is_own = FALSE;
    guint n = 0;
    guint n_idle = 0;
    guint n_waiting = 0;

    if (!md_admin_find_server(((const md_text_args *)args)->text, &is_own, &error)) {
        g_array_unref(params);
        md_admin_call_fail(call, error);
        return;
    }
    if (!is_own) {
        md_threads_count(&n, &n_idle);
        n_waiting = md_worker_count_waiting();
    }
    md_params_add_uint(params, VIR_THREADPOOL_WORKERS_MIN, 0);
    md_params_add_uint(params, VIR_THREADPOOL_WORKERS_MAX, is_own ? 0 : G_MAXUINT);
    md_params_add_uint(params, VIR_THREADPOOL_WORKERS_CURRENT, n);
    md_params_add_uint(params, VIR_THREADPOOL_WORKERS_FREE, n_idle);
    md_params_add_uint(params, VIR_THREADPOOL_WORKERS_PRIORITY, 0);
    md_params_add_uint(params, VIR_THREADPOOL_JOB_QUEUE_DEPTH, n_waiting);
    md_admin_call_reply_params(call, params);
}


void
md_admin_handle_get_limits(MdAdminCall *call, gconstpointer args)
{
    MdAdmin *admin = md_admin_call_get_admin(call);
    GArray *params = g_array_new(FALSE, TRUE, sizeof(md_param));
    GError *error = NULL;
    gboolean is_own = FALSE;

    if (!md_admin_find_server(((const md_text_args *)args)->text, &is_own, &error)) {
        g_array_unref(params);
        md_admin_call_fail(call, error);
        return;
    }
    md_params_add_uint(params, VIR_SERVER_CLIENTS_MAX,
                       is_own ? admin->limits.max_clients : admin->settings->max_clients);
    md_params_add_uint(params, VIR_SERVER_CLIENTS_CURRENT,
                       is_own ? admin->entries.length : md_server_count_clients(admin->server));
    md_params_add_uint(params, VIR_SERVER_CLIENTS_UNAUTH_MAX,
                       is_own ? 0 : admin->settings->max_anonymous_clients);
    md_params_add_uint(params, VIR_SERVER_CLIENTS_UNAUTH_CURRENT,
                       is_own ? 0 : md_server_count_anonymous(admin->server));
    md_admin_call_reply_params(call, params);
}


static gboolean
set_own_limits(MdAdmin *admin, guint max_clients, guint max_anonymous, GError **error)
{
    if (max_clients == 0 || max_clients > MD_ADMIN_CONNECTIONS_MAX || max_anonymous != 0) {
        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_INVALID_ARG,
                          "server '" MD_ADMIN_OWN_SERVER
                          "' accepts only 1 to %d for " VIR_SERVER_CLIENTS_MAX
                          " and 0 for " VIR_SERVER_CLIENTS_UNAUTH_MAX,
                          MD_ADMIN_CONNECTIONS_MAX);
        return FALSE;
    }
    admin->limits.max_clients = max_clients;
    admin->limits.max_clients_per_user = max_clients;
    return TRUE;
}


static gboolean
set_limits(MdAdmin *admin, const md_admin_params_args *args, GError **error)
{
    gboolean is_own = FALSE;
    guint max_clients = 0;
    guint max_anonymous = 0;
    const MdParamWanted wanted[] = { { VIR_SERVER_CLIENTS_MAX, &max_clients },
                                     { VIR_SERVER_CLIENTS_UNAUTH_MAX, &max_anonymous } };

    if (!md_admin_find_server(args->server, &is_own, error))
        return FALSE;
    max_clients = is_own ? admin->limits.max_clients : admin->settings->max_clients;
    max_anonymous = is_own ? 0 : admin->settings->max_anonymous_clients;
    if (!md_params_read(args->params.params_val, args->params.params_len, wanted,
                        G_N_ELEMENTS(wanted), error))
        return FALSE;
    return is_own ? set_own_limits(admin, max_clients, max_anonymous, error)
                  : admin->funcs->set_limits(max_clients, max_anonymous, admin->data, error);
}


void
md_admin_handle_set_limits(MdAdminCall *call, gconstpointer args)
{
    GError *error = NULL;

    set_limits(md_admin_call_get_admin(call), args, &error);
    md_admin_call_finish(call, error);
}


void
md_admin_handle_set_timeout(MdAdminCall *call, gconstpointer args)
{
    const md_admin_timeout_args *wanted = args;
    MdAdmin *admin = md_admin_call_get_admin(call);
    GError *error = NULL;

    admin->funcs->set_timeout(wanted->seconds, admin->data, &error);
    md_admin_call_finish(call, error);
}
