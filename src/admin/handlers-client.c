/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The clients of both servers. */
#include "config.h"

#include <grp.h>
#include <libvirt/libvirt-admin.h>
#include <pwd.h>

#include "admin/handlers.h"
#include "admin/params.h"
#include "remote/server-clients.h"
#include "util/error.h"
#include "util/worker.h"

/* Bytes of an entry of the user or group database. */
#define ENTRY_MAX (1 << 20)

/* Names looked up on a worker, because a directory service may hang. */
typedef struct {
    gint64 uid; /* -1: not wanted */
    gint64 gid;
    char *user; /* NULL: not known */
    char *group;
} Names;

/* A call for one client's identity, while its names are looked up. */
typedef struct {
    MdAdminCall *call;
    gboolean read_only;
    MdIdentity *identity;
    char *user_name; /* of the identity, or looked up; NULL: not known */
    char *group_name;
} Info;


/* Texts are borrowed. */
static md_admin_client
make_listed(const char *server, guint64 number, gint64 since)
{
    const md_admin_client listed = {
        .server = (char *)server, .id = number, .since = since, .transport = VIR_CLIENT_TRANS_UNIX
    };

    return listed;
}


/* Adds a client to an array of md_admin_client. */
static void
add_client(const MdServerClient *client, gpointer data)
{
    const md_admin_client listed = make_listed(MD_ADMIN_MAIN_SERVER, client->number, client->since);

    g_array_append_val((GArray *)data, listed);
}


static GArray *
list_entries(MdAdmin *admin)
{
    GArray *clients = g_array_new(FALSE, FALSE, sizeof(md_admin_client));

    for (GList *link = admin->entries.head; link != NULL; link = link->next) {
        const MdAdminEntry *entry = link->data;
        const md_admin_client listed =
            make_listed(MD_ADMIN_OWN_SERVER, entry->number, entry->since);

        g_array_append_val(clients, listed);
    }
    return clients;
}


static GArray *
list_clients(MdAdmin *admin, const char *server, GError **error)
{
    gboolean is_own = FALSE;
    g_autoptr(GArray) clients = NULL;

    if (!md_admin_find_server(server, &is_own, error))
        return NULL;
    if (is_own)
        return list_entries(admin);
    clients = g_array_new(FALSE, FALSE, sizeof(md_admin_client));
    md_server_for_each_client(admin->server, add_client, clients);
    if (clients->len <= MD_ADMIN_CLIENTS_MAX)
        return g_steal_pointer(&clients);
    md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_RPC, "Too many clients '%u' for limit '%d'",
                      clients->len, MD_ADMIN_CLIENTS_MAX);
    return NULL;
}


void
md_admin_handle_list_clients(MdAdminCall *call, gconstpointer args)
{
    const md_admin_list_clients_args *wanted = args;
    GError *error = NULL;
    g_autoptr(GArray) clients = list_clients(md_admin_call_get_admin(call), wanted->server, &error);
    md_admin_clients_ret ret = { 0 };

    if (clients == NULL) {
        md_admin_call_fail(call, error);
        return;
    }
    ret.count = clients->len;
    if (wanted->need_results != 0) {
        ret.clients.clients_len = clients->len;
        ret.clients.clients_val = (md_admin_client *)(void *)clients->data;
    }
    md_admin_call_reply(call, &ret);
}


/* NULL: there is none. */
static MdAdminEntry *
find_entry(MdAdmin *admin, guint64 number)
{
    for (GList *link = admin->entries.head; link != NULL; link = link->next) {
        MdAdminEntry *entry = link->data;

        if (entry->number == number)
            return entry;
    }
    return NULL;
}


static MdServerClient
read_entry(const MdAdminEntry *entry)
{
    const MdServerClient client = { .number = entry->number,
                                    .since = entry->since,
                                    .identity = entry->peer };

    return client;
}


/* FALSE with an error if there is no such server or client. */
static gboolean
find_client(
    MdAdmin *admin, const char *server, guint64 number, MdServerClient *client, GError **error)
{
    gboolean is_own = FALSE;
    const MdAdminEntry *entry = NULL;

    if (!md_admin_find_server(server, &is_own, error))
        return FALSE;
    if (is_own) {
        entry = find_entry(admin, number);
        if (entry != NULL) {
            *client = read_entry(entry);
            return TRUE;
        }
    } else if (md_server_find_client(admin->server, number, client)) {
        return TRUE;
    }
    md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_NO_CLIENT,
                      "No client with matching ID '%" G_GUINT64_FORMAT "'", number);
    return FALSE;
}


void
md_admin_handle_look_up_client(MdAdminCall *call, gconstpointer args)
{
    const md_admin_look_up_client_args *wanted = args;
    MdServerClient client = { 0 };
    md_admin_client_ret ret = { 0 };
    GError *error = NULL;

    if (!find_client(md_admin_call_get_admin(call), wanted->server, wanted->id, &client, &error)) {
        md_admin_call_fail(call, error);
        return;
    }
    ret.client = make_listed(wanted->server, client.number, client.since);
    md_admin_call_reply(call, &ret);
}


static void
names_free(gpointer data)
{
    Names *names = data;

    g_free(names->user);
    g_free(names->group);
    g_free(names);
}


/* Runs on a worker. */
static gboolean
names_look_up(gpointer data, GError **error G_GNUC_UNUSED)
{
    Names *names = data;
    g_autofree char *buffer = g_malloc(ENTRY_MAX);
    struct passwd user;
    struct passwd *found_user = NULL;
    struct group group;
    struct group *found_group = NULL;

    if (names->uid >= 0 &&
        getpwuid_r((uid_t)names->uid, &user, buffer, ENTRY_MAX, &found_user) == 0 &&
        found_user != NULL)
        names->user = g_strdup(found_user->pw_name);
    if (names->gid >= 0 &&
        getgrgid_r((gid_t)names->gid, &group, buffer, ENTRY_MAX, &found_group) == 0 &&
        found_group != NULL)
        names->group = g_strdup(found_group->gr_name);
    return TRUE;
}


static void
add_text_if_known(GArray *params, const char *field, const char *text)
{
    if (text != NULL)
        md_params_add_text(params, field, text);
}


static void
add_number_if_known(GArray *params, const char *field, gint64 number, gint64 unknown)
{
    if (number != unknown)
        md_params_add_int(params, field, number);
}


static GArray *
make_params(const Info *info)
{
    const MdIdentity *identity = info->identity;
    GArray *params = g_array_new(FALSE, TRUE, sizeof(md_param));

    md_params_add_boolean(params, VIR_CLIENT_INFO_READONLY, info->read_only);
    add_text_if_known(params, VIR_CLIENT_INFO_SASL_USER_NAME, identity->sasl_user_name);
    add_number_if_known(params, VIR_CLIENT_INFO_UNIX_USER_ID, identity->uid, -1);
    add_text_if_known(params, VIR_CLIENT_INFO_UNIX_USER_NAME, info->user_name);
    add_number_if_known(params, VIR_CLIENT_INFO_UNIX_GROUP_ID, identity->gid, -1);
    add_text_if_known(params, VIR_CLIENT_INFO_UNIX_GROUP_NAME, info->group_name);
    add_number_if_known(params, VIR_CLIENT_INFO_UNIX_PROCESS_ID, identity->pid, 0);
    add_text_if_known(params, VIR_CLIENT_INFO_SELINUX_CONTEXT, identity->selinux_context);
    return params;
}


/* Replies with the information, and frees it. */
static void
info_reply(Info *info)
{
    GArray *params = make_params(info);

    md_admin_call_reply_params(info->call, params);
    md_identity_unref(info->identity);
    g_free(info->user_name);
    g_free(info->group_name);
    g_free(info);
}


/* Omits names that could not be looked up. */
static void
on_names(gpointer data, GError *error, gpointer user_data)
{
    g_autoptr(GError) reason = error;
    Names *names = data;
    Info *info = user_data;

    if (names == NULL) {
        g_info("Unable to look up the names of user %" G_GINT64_FORMAT ": %s", info->identity->uid,
               reason->message);
    } else {
        if (info->user_name == NULL)
            info->user_name = g_steal_pointer(&names->user);
        if (info->group_name == NULL)
            info->group_name = g_steal_pointer(&names->group);
    }
    info_reply(info);
}


void
md_admin_handle_get_client(MdAdminCall *call, gconstpointer args)
{
    const md_admin_client_args *wanted = args;
    MdAdmin *admin = md_admin_call_get_admin(call);
    MdServerClient client = { 0 };
    GError *error = NULL;
    Info *info = NULL;
    Names *names = NULL;

    if (!find_client(admin, wanted->client.server, wanted->client.id, &client, &error)) {
        md_admin_call_fail(call, error);
        return;
    }
    info = g_new0(Info, 1);
    info->call = call;
    info->read_only = client.read_only;
    info->identity = md_identity_ref(client.identity);
    info->user_name = g_strdup(client.identity->user_name);
    info->group_name = g_strdup(client.identity->group_name);

    names = g_new0(Names, 1);
    names->uid = client.identity->uid;
    names->gid = client.identity->gid;
    md_worker_run(names_look_up, names, names_free, MD_WORKER_FILES, MD_WORKER_NAMES,
                  admin->settings->driver_timeout, md_owner_get_daemon(), on_names, info);
}


/* A client that closes its own connection receives the reply first. */
void
md_admin_handle_close_client(MdAdminCall *call, gconstpointer args)
{
    const md_admin_client_args *wanted = args;
    MdAdmin *admin = md_admin_call_get_admin(call);
    const MdAdminEntry *caller = md_admin_call_get_entry(call);
    const char *server = wanted->client.server;
    guint64 number = wanted->client.id;
    MdServerClient client = { 0 };
    GError *error = NULL;

    if (!find_client(admin, server, number, &client, &error)) {
        md_admin_call_fail(call, error);
        return;
    }
    g_message("Disconnecting client %" G_GUINT64_FORMAT " of server '%s' for an administrator",
              number, server);
    if (g_str_equal(server, MD_ADMIN_MAIN_SERVER)) {
        md_server_disconnect_client(admin->server, number);
        md_admin_call_reply(call, NULL);
    } else if (number == caller->number) {
        md_admin_call_reply_and_close(call);
    } else {
        md_client_close(find_entry(admin, number)->client);
        md_admin_call_reply(call, NULL);
    }
}
