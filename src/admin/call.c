/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "admin/call.h"

#include <string.h>

#include "admin/handlers.h"
#include "remote/wire-error.h"
#include "util/error.h"

typedef struct {
    int number;
    const char *function; /* of libvirt's API */
    xdrproc_t args;       /* NULL: there are none */
    gsize args_size;
    gsize flags; /* offset in the arguments */
    xdrproc_t ret;
    MdAdminHandler handler; /* NULL: not served */
} Procedure;

struct _MdAdminCall {
    MdAdminEntry *entry;
    const Procedure *procedure;
    md_header header;
    gpointer args;
    gsize cost; /* of the message, from md_client_begin_call() */
};

#define ARGS(type) MD_XDR(type), sizeof(type), offsetof(type, flags)
#define NO_ARGS    NULL, 0, 0

/* clang-format off */
static const Procedure procedures[] = {
    { MD_ADMIN_OPEN, "virAdmConnectOpen",
      ARGS(md_admin_flags_args), NULL, md_admin_handle_open },
    { MD_ADMIN_CLOSE, "virAdmConnectClose",
      NO_ARGS, NULL, md_admin_handle_close },
    { MD_ADMIN_GET_LIB_VERSION, "virAdmConnectGetLibVersion",
      NO_ARGS, MD_XDR(md_number_ret), md_admin_handle_get_lib_version },
    { MD_ADMIN_LIST_SERVERS, "virAdmConnectListServers",
      ARGS(md_list_all_args), MD_XDR(md_list_all_ret), md_admin_handle_list_servers },
    { MD_ADMIN_LOOK_UP_SERVER, "virAdmConnectLookupServer",
      ARGS(md_text_args), MD_XDR(md_text_ret), md_admin_handle_look_up_server },
    { MD_ADMIN_GET_THREADS, "virAdmServerGetThreadPoolParameters",
      ARGS(md_text_args), MD_XDR(md_admin_params_ret), md_admin_handle_get_threads },
    { MD_ADMIN_SET_THREADS, "virAdmServerSetThreadPoolParameters", NO_ARGS, NULL, NULL },
    { MD_ADMIN_LIST_CLIENTS, "virAdmServerListClients",
      ARGS(md_admin_list_clients_args), MD_XDR(md_admin_clients_ret),
      md_admin_handle_list_clients },
    { MD_ADMIN_LOOK_UP_CLIENT, "virAdmServerLookupClient",
      ARGS(md_admin_look_up_client_args), MD_XDR(md_admin_client_ret),
      md_admin_handle_look_up_client },
    { MD_ADMIN_GET_CLIENT, "virAdmClientGetInfo",
      ARGS(md_admin_client_args), MD_XDR(md_admin_params_ret), md_admin_handle_get_client },
    { MD_ADMIN_CLOSE_CLIENT, "virAdmClientClose",
      ARGS(md_admin_client_args), NULL, md_admin_handle_close_client },
    { MD_ADMIN_GET_LIMITS, "virAdmServerGetClientLimits",
      ARGS(md_text_args), MD_XDR(md_admin_params_ret), md_admin_handle_get_limits },
    { MD_ADMIN_SET_LIMITS, "virAdmServerSetClientLimits",
      ARGS(md_admin_params_args), NULL, md_admin_handle_set_limits },
    { MD_ADMIN_GET_LOG_OUTPUTS, "virAdmConnectGetLoggingOutputs",
      ARGS(md_admin_flags_args), MD_XDR(md_admin_outputs_ret), md_admin_handle_get_log_outputs },
    { MD_ADMIN_GET_LOG_FILTERS, "virAdmConnectGetLoggingFilters",
      ARGS(md_admin_flags_args), MD_XDR(md_admin_filters_ret), md_admin_handle_get_log_filters },
    { MD_ADMIN_SET_LOG_OUTPUTS, "virAdmConnectSetLoggingOutputs",
      ARGS(md_admin_rules_args), NULL, md_admin_handle_set_log_outputs },
    { MD_ADMIN_SET_LOG_FILTERS, "virAdmConnectSetLoggingFilters",
      ARGS(md_admin_rules_args), NULL, md_admin_handle_set_log_filters },
    { MD_ADMIN_UPDATE_TLS_FILES, "virAdmServerUpdateTlsFiles", NO_ARGS, NULL, NULL },
    { MD_ADMIN_SET_TIMEOUT, "virAdmConnectSetDaemonTimeout",
      ARGS(md_admin_timeout_args), NULL, md_admin_handle_set_timeout },
    { MD_ADMIN_SHUT_DOWN, "virAdmConnectDaemonShutdown", NO_ARGS, NULL, NULL },
};
/* clang-format on */


MdAdmin *
md_admin_call_get_admin(MdAdminCall *self)
{
    return self->entry->admin;
}


const MdAdminEntry *
md_admin_call_get_entry(MdAdminCall *self)
{
    return self->entry;
}


gconstpointer
md_admin_call_get_args(MdAdminCall *self)
{
    return self->args;
}


static void
call_end(MdAdminCall *self, GBytes *frame)
{
    md_client_send(self->entry->client, frame);
    md_client_end_call(self->entry->client, self->cost);
    if (self->args != NULL)
        md_message_clear(self->procedure->args, self->args);
    g_free(self->args);
    md_admin_entry_unref(self->entry);
    g_free(self);
}


void
md_admin_call_reply(MdAdminCall *self, gconstpointer ret)
{
    g_autoptr(GBytes) frame = NULL;
    GError *error = NULL;
    md_header header = self->header;

    header.type = MD_MESSAGE_REPLY;
    frame = md_message_encode(&header, self->procedure->ret, ret, &error);
    if (frame == NULL)
        md_admin_call_fail(self, error);
    else
        call_end(self, frame);
}


void
md_admin_call_fail(MdAdminCall *self, GError *error)
{
    g_autoptr(GBytes) frame = md_wire_error_encode(&self->header, error);

    g_debug("%s: %s", self->procedure->function, error->message);
    g_error_free(error);
    call_end(self, frame);
}


void
md_admin_call_reply_params(MdAdminCall *self, GArray *params)
{
    const md_admin_params_ret ret = { { params->len, (md_param *)(void *)params->data } };

    md_admin_call_reply(self, &ret);
    for (guint i = 0; i < params->len; i++)
        md_message_clear(MD_XDR(md_param), &g_array_index(params, md_param, i));
    g_array_unref(params);
}


void
md_admin_call_finish(MdAdminCall *self, GError *error)
{
    if (error == NULL)
        md_admin_call_reply(self, NULL);
    else
        md_admin_call_fail(self, error);
}


void
md_admin_call_reply_and_close(MdAdminCall *self)
{
    g_autoptr(MdClient) client = g_object_ref(self->entry->client);

    md_admin_call_reply(self, NULL);
    md_client_close_when_sent(client);
}


static const Procedure *
find_procedure(int number)
{
    for (gsize i = 0; i < G_N_ELEMENTS(procedures); i++) {
        if (procedures[i].number == number)
            return &procedures[i];
    }
    return NULL;
}


/* NULL with an error if the header is invalid, or the procedure unknown or not served. */
static const Procedure *
check_header(const md_header *header, GError **error)
{
    const Procedure *procedure = NULL;

    if (!md_message_check_header(header, MD_PROGRAM_ADMIN, error))
        return NULL;
    procedure = find_procedure(header->proc);
    if (procedure == NULL) {
        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_RPC, "unknown procedure: %d", header->proc);
        return NULL;
    }
    if (procedure->handler == NULL) {
        md_error_set_from(error, VIR_FROM_ADMIN, VIR_ERR_NO_SUPPORT, "%s", procedure->function);
        return NULL;
    }
    return procedure;
}


/* The function that libvirt names when it refuses flags. */
static const char *
get_flags_function(const Procedure *procedure)
{
    g_autofree char *name = g_strconcat("admin", procedure->function + strlen("virAdm"), NULL);

    return g_intern_string(name);
}


static gboolean
check_flags(const Procedure *procedure, gconstpointer args, GError **error)
{
    guint flags = G_STRUCT_MEMBER(guint, args, procedure->flags);

    return md_error_check_flags(flags, 0, VIR_FROM_ADMIN, get_flags_function(procedure), error);
}


/* NULL with an error if the arguments are invalid, NULL without an error if the procedure has no
 * arguments. */
static gpointer
read_args(const Procedure *procedure, const MdMessage *message, GError **error)
{
    gpointer args = NULL;

    if (procedure->args == NULL || !md_message_check_length(message, error))
        return NULL;

    args = md_message_decode_new(message, procedure->args, procedure->args_size, error);
    if (args != NULL && !check_flags(procedure, args, error)) {
        md_message_clear(procedure->args, args);
        g_clear_pointer(&args, g_free);
    }
    return args;
}


/* FALSE with an error, to be sent as the reply, if no call was begun. */
static gboolean
begin_call(MdAdminEntry *entry, const MdMessage *message, GError **error)
{
    const Procedure *procedure = check_header(&message->header, error);
    MdAdminCall *call = NULL;
    gpointer args = NULL;
    GError *err = NULL;

    if (procedure == NULL)
        return FALSE;
    args = read_args(procedure, message, &err);
    if (err != NULL) {
        g_propagate_error(error, err);
        return FALSE;
    }

    call = g_new0(MdAdminCall, 1);
    call->entry = g_rc_box_acquire(entry);
    call->procedure = procedure;
    call->header = message->header;
    call->args = args;
    call->cost = md_client_begin_call(entry->client);
    procedure->handler(call, args);
    return TRUE;
}


void
md_admin_call_begin(MdAdminEntry *entry, const MdMessage *message)
{
    g_autoptr(MdClient) client = g_object_ref(entry->client);
    const md_header *header = &message->header;
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) frame = NULL;

    /* Descriptors would follow this frame; no procedure uses any. */
    if (header->type == MD_MESSAGE_CALL_FDS) {
        md_client_cut_off(client, "it sent file descriptors");
        return;
    }
    if (header->type != MD_MESSAGE_CALL)
        return;

    if (!begin_call(entry, message, &error)) {
        frame = md_wire_error_encode(header, error);
        md_client_send(client, frame);
    }
}
