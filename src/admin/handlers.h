/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The handlers of all procedures; admin/call.c has the types of arguments and results. */
#pragma once

#include "admin/call.h"

/* The connection, the servers, and the daemon as a whole. */
void md_admin_handle_open(MdAdminCall *call, gconstpointer args);
void md_admin_handle_close(MdAdminCall *call, gconstpointer args);
void md_admin_handle_get_lib_version(MdAdminCall *call, gconstpointer args);
void md_admin_handle_list_servers(MdAdminCall *call, gconstpointer args);
void md_admin_handle_look_up_server(MdAdminCall *call, gconstpointer args);
void md_admin_handle_get_threads(MdAdminCall *call, gconstpointer args);
void md_admin_handle_get_limits(MdAdminCall *call, gconstpointer args);
void md_admin_handle_set_limits(MdAdminCall *call, gconstpointer args);
void md_admin_handle_set_timeout(MdAdminCall *call, gconstpointer args);

/* Clients. */
void md_admin_handle_list_clients(MdAdminCall *call, gconstpointer args);
void md_admin_handle_look_up_client(MdAdminCall *call, gconstpointer args);
void md_admin_handle_get_client(MdAdminCall *call, gconstpointer args);
void md_admin_handle_close_client(MdAdminCall *call, gconstpointer args);

/* The log. */
void md_admin_handle_get_log_outputs(MdAdminCall *call, gconstpointer args);
void md_admin_handle_get_log_filters(MdAdminCall *call, gconstpointer args);
void md_admin_handle_set_log_outputs(MdAdminCall *call, gconstpointer args);
void md_admin_handle_set_log_filters(MdAdminCall *call, gconstpointer args);

/* Sets `is_own` to whether `name` is MD_ADMIN_OWN_SERVER instead of MD_ADMIN_MAIN_SERVER. FALSE
 * with an error if it is neither. */
gboolean md_admin_find_server(const char *name, gboolean *is_own, GError **error);
