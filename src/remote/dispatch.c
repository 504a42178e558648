/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "remote/dispatch.h"

#include "remote/call.h"
#include "remote/handlers.h"
#include "remote/unsupported-procedures.h"
#include "remote/wire-error.h"
#include "util/error.h"

/* Calls that may wait for drivers and scripts: each holds memory, and possibly a thread. */
static const MdFairLimits slow_limits = {
    .running = 1024,
    .running_per_owner = 768,
    .running_readers = 768,
    .running_per_reader = 256,
    .waiting = 32768,
    .waiting_per_owner = 8192,
};

struct _MdDispatch {
    GHashTable *calls; /* set of MdCall, running */
    guint64 n_ever;    /* calls so far */
    guint n_logins;    /* those of `calls` that await an authentication */
    MdFairQueue *slow; /* queue of `calls` that may wait for drivers and scripts */
    gboolean holding;
    GQueue held; /* of MdCall */
    void (*idle)(gpointer data);
    gpointer data;
};

#define ARGS(type) MD_XDR(type), sizeof(type)
#define NO_ARGS    NULL, 0
#define UNOPENED   MD_PROCEDURE_UNOPENED
#define WRITE      MD_PROCEDURE_WRITE
#define LOGIN      (MD_PROCEDURE_UNOPENED | MD_PROCEDURE_LOGIN | EARLY)
#define ALONE      MD_PROCEDURE_ALONE
#define NEW        MD_PROCEDURE_NEW
#define CHANGE     (MD_PROCEDURE_WRITE | MD_PROCEDURE_CHANGE)
#define EARLY      MD_PROCEDURE_EARLY


/* Changes of the definition on disk also require the permission to save. */
static guint
get_more_for_update(gconstpointer args)
{
    const md_update_args *update = args;

    return update->flags == MD_UPDATE_LIVE ? 0 : MD_MAY_SAVE;
}


static const char *
find_scsi_host(MdDriver *driver, gconstpointer args)
{
    const md_scsi_host_args *wanted = args;
    MdNodeDevice *device =
        md_driver_look_up_scsi_host(driver, wanted->wwnn, wanted->wwpn, wanted->flags, NULL);

    return device != NULL ? device->def->name : NULL;
}


/* clang-format off */
static const MdProcedure procedures[] = {
    { MD_PROC_AUTH_LIST, "virConnectOpenAuth", LOGIN, 0,
      NO_ARGS, MD_XDR(md_auth_ret), md_handle_auth_list },
    { MD_PROC_AUTH_SASL_INIT, "virConnectOpenAuth", LOGIN, 0,
      NO_ARGS, NULL, md_handle_auth_sasl },
    { MD_PROC_AUTH_SASL_START, "virConnectOpenAuth", LOGIN, 0,
      ARGS(md_sasl_start_args), NULL, md_handle_auth_sasl },
    { MD_PROC_AUTH_SASL_STEP, "virConnectOpenAuth", LOGIN, 0,
      ARGS(md_sasl_step_args), NULL, md_handle_auth_sasl },
    { MD_PROC_AUTH_POLKIT, "virConnectOpenAuth", LOGIN | ALONE, 0,
      NO_ARGS, MD_XDR(md_int_ret), md_handle_auth_polkit },
    { MD_PROC_OPEN, "virConnectOpen", UNOPENED | ALONE | EARLY, MD_MAY_CONNECT_GETATTR,
      ARGS(md_open_args), NULL, md_handle_open },
    { MD_PROC_CLOSE, "virConnectClose", UNOPENED | EARLY, 0,
      NO_ARGS, NULL, md_handle_close },
    { MD_PROC_SUPPORTS_FEATURE, "virConnectSupportsFeature", UNOPENED | EARLY, 0,
      ARGS(md_int_args), MD_XDR(md_int_ret), md_handle_supports_feature },
    { MD_PROC_GET_TYPE, "virConnectGetType", EARLY, MD_MAY_CONNECT_GETATTR,
      NO_ARGS, MD_XDR(md_text_ret), md_handle_get_type },
    { MD_PROC_GET_LIB_VERSION, "virConnectGetLibVersion", EARLY, MD_MAY_CONNECT_GETATTR,
      NO_ARGS, MD_XDR(md_number_ret), md_handle_get_lib_version },
    { MD_PROC_GET_URI, "virConnectGetURI", EARLY, MD_MAY_CONNECT_GETATTR,
      NO_ARGS, MD_XDR(md_text_ret), md_handle_get_uri },
    { MD_PROC_IS_SECURE, "virConnectIsSecure", EARLY, 0,
      NO_ARGS, MD_XDR(md_int_ret), md_handle_is_secure },
    { MD_PROC_REGISTER_CLOSE_CALLBACK, "virConnectRegisterCloseCallback",
      EARLY, MD_MAY_CONNECT_GETATTR,
      NO_ARGS, NULL, md_handle_register_close_callback },
    { MD_PROC_UNREGISTER_CLOSE_CALLBACK, "virConnectUnregisterCloseCallback",
      EARLY, MD_MAY_CONNECT_GETATTR,
      NO_ARGS, NULL, md_handle_unregister_close_callback },
    { MD_PROC_SET_IDENTITY, "virConnectSetIdentity", ALONE | EARLY, MD_MAY_CONNECT_WRITE,
      ARGS(md_identity_args), NULL, md_handle_set_identity },

    { MD_PROC_NUM_OF_DEVICES, "virNodeNumOfDevices", 0, MD_MAY_SEARCH,
      ARGS(md_cap_args), MD_XDR(md_int_ret), md_handle_num_of_devices },
    { MD_PROC_LIST_DEVICES, "virNodeListDevices", 0, MD_MAY_SEARCH,
      ARGS(md_list_args), MD_XDR(md_names_ret), md_handle_list_devices },
    { MD_PROC_LIST_ALL_DEVICES, "virConnectListAllNodeDevices", 0, MD_MAY_SEARCH,
      ARGS(md_list_all_args), MD_XDR(md_list_all_ret), md_handle_list_all_devices },
    { MD_PROC_LOOK_UP_BY_NAME, "virNodeDeviceLookupByName", 0, MD_MAY_GETATTR,
      ARGS(md_name_args), MD_XDR(md_text_ret), md_handle_look_up_by_name },
    { MD_PROC_LOOK_UP_SCSI_HOST, "virNodeDeviceLookupSCSIHostByWWN", 0, MD_MAY_GETATTR,
      ARGS(md_scsi_host_args), MD_XDR(md_text_ret), md_handle_look_up_scsi_host,
      .find_device = find_scsi_host },
    { MD_PROC_GET_XML, "virNodeDeviceGetXMLDesc", 0, MD_MAY_READ,
      ARGS(md_text_args), MD_XDR(md_text_ret), md_handle_get_xml },
    { MD_PROC_GET_PARENT, "virNodeDeviceGetParent", 0, MD_MAY_READ,
      ARGS(md_name_args), MD_XDR(md_maybe_text_ret), md_handle_get_parent },
    { MD_PROC_NUM_OF_CAPS, "virNodeDeviceNumOfCaps", 0, MD_MAY_READ,
      ARGS(md_name_args), MD_XDR(md_int_ret), md_handle_num_of_caps },
    { MD_PROC_LIST_CAPS, "virNodeDeviceListCaps", 0, MD_MAY_READ,
      ARGS(md_caps_args), MD_XDR(md_names_ret), md_handle_list_caps },
    { MD_PROC_CREATE_XML, "virNodeDeviceCreateXML", CHANGE | NEW, MD_MAY_WRITE | MD_MAY_START,
      ARGS(md_text_args), MD_XDR(md_text_ret), md_handle_create_xml },
    { MD_PROC_DESTROY, "virNodeDeviceDestroy", CHANGE, MD_MAY_STOP,
      ARGS(md_name_args), NULL, md_handle_destroy },
    { MD_PROC_GET_AUTOSTART, "virNodeDeviceGetAutostart", WRITE, MD_MAY_READ,
      ARGS(md_name_args), MD_XDR(md_int_ret), md_handle_get_autostart },
    { MD_PROC_IS_PERSISTENT, "virNodeDeviceIsPersistent", 0, MD_MAY_READ,
      ARGS(md_name_args), MD_XDR(md_int_ret), md_handle_is_persistent },
    { MD_PROC_IS_ACTIVE, "virNodeDeviceIsActive", 0, MD_MAY_READ,
      ARGS(md_name_args), MD_XDR(md_int_ret), md_handle_is_active },
    { MD_PROC_DEFINE_XML, "virNodeDeviceDefineXML", CHANGE | NEW, MD_MAY_WRITE,
      ARGS(md_text_args), MD_XDR(md_text_ret), md_handle_define_xml },
    { MD_PROC_UNDEFINE, "virNodeDeviceUndefine", CHANGE, MD_MAY_DELETE,
      ARGS(md_text_args), NULL, md_handle_undefine },
    { MD_PROC_CREATE, "virNodeDeviceCreate", CHANGE, MD_MAY_START,
      ARGS(md_text_args), NULL, md_handle_create },
    { MD_PROC_SET_AUTOSTART, "virNodeDeviceSetAutostart", CHANGE, MD_MAY_WRITE,
      ARGS(md_name_int_args), NULL, md_handle_set_autostart },
    { MD_PROC_UPDATE, "virNodeDeviceUpdate", CHANGE, MD_MAY_WRITE,
      ARGS(md_update_args), NULL, md_handle_update, get_more_for_update },
    { MD_PROC_DETTACH, "virNodeDeviceDettach", WRITE, 0, NO_ARGS, NULL, NULL },
    { MD_PROC_DETACH_FLAGS, "virNodeDeviceDetachFlags", WRITE, 0, NO_ARGS, NULL, NULL },
    { MD_PROC_REATTACH, "virNodeDeviceReAttach", WRITE, 0, NO_ARGS, NULL, NULL },
    { MD_PROC_RESET, "virNodeDeviceReset", WRITE, 0, NO_ARGS, NULL, NULL },

    { MD_PROC_REGISTER_EVENT, "virConnectNodeDeviceEventRegisterAny", 0, MD_MAY_SEARCH,
      ARGS(md_register_args), MD_XDR(md_int_ret), md_handle_register_event },
    { MD_PROC_DEREGISTER_EVENT, "virConnectNodeDeviceEventDeregisterAny", 0, MD_MAY_CONNECT_READ,
      ARGS(md_int_args), NULL, md_handle_deregister_event },
};
/* clang-format on */


MdDispatch *
md_dispatch_new(void)
{
    MdDispatch *self = g_rc_box_new0(MdDispatch);

    self->calls = g_hash_table_new(NULL, NULL);
    self->slow = md_fair_queue_new("calls", &slow_limits);
    return self;
}


MdDispatch *
md_dispatch_ref(MdDispatch *self)
{
    return g_rc_box_acquire(self);
}


static void
dispatch_clear(MdDispatch *self)
{
    g_hash_table_unref(self->calls);
    md_fair_queue_free(self->slow);
}


void
md_dispatch_unref(MdDispatch *self)
{
    if (self != NULL)
        g_rc_box_release_full(self, (GDestroyNotify)dispatch_clear);
}


static const MdProcedure *
find_procedure(int number)
{
    for (gsize i = 0; i < G_N_ELEMENTS(procedures); i++) {
        if (procedures[i].number == number)
            return &procedures[i];
    }
    return NULL;
}


/* Sets libvirt's error for a procedure missing in the table. */
static void
set_unsupported(int number, GError **error)
{
    int domain = VIR_FROM_NONE;
    const char *function = md_unsupported_procedures_find(number, &domain);

    if (function != NULL)
        md_error_set_from(error, domain, VIR_ERR_NO_SUPPORT, "%s", function);
    else
        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_RPC, "unknown procedure: %d", number);
}


/* The procedure called; NULL with an error if the header is invalid, the procedure unknown, or the
 * client must authenticate first. */
static const MdProcedure *
check_header(MdSession *session, const md_header *header, GError **error)
{
    const MdProcedure *procedure = NULL;

    if (!md_message_check_header(header, MD_PROGRAM_REMOTE, error))
        return NULL;
    procedure = find_procedure(header->proc);
    if (!md_session_is_authenticated(session) &&
        (procedure == NULL || (procedure->flags & MD_PROCEDURE_LOGIN) == 0)) {
        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_RPC, "authentication required");
        return NULL;
    }
    if (procedure == NULL)
        set_unsupported(header->proc, error);
    return procedure;
}


/* Whether the client may call the procedure now. */
static gboolean
check_session(MdSession *session, const MdProcedure *procedure, GError **error)
{
    if ((procedure->flags & MD_PROCEDURE_UNOPENED) == 0 && !md_session_is_open(session)) {
        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_INTERNAL_ERROR, "connection not open");
        return FALSE;
    }
    if ((procedure->flags & MD_PROCEDURE_WRITE) != 0 && md_session_is_read_only(session)) {
        md_error_set(error, VIR_ERR_OPERATION_DENIED, "read only access prevents %s",
                     procedure->function);
        return FALSE;
    }
    if (procedure->handler == NULL) {
        md_error_set(error, VIR_ERR_NO_SUPPORT, "%s", procedure->function);
        return FALSE;
    }
    return TRUE;
}


static void
on_call_ended(MdCall *call, gpointer data)
{
    MdDispatch *self = data;

    g_hash_table_remove(self->calls, call);
    if (md_call_is_login(call))
        self->n_logins--;
    if (g_hash_table_size(self->calls) == self->n_logins && self->idle != NULL)
        self->idle(self->data);
    md_dispatch_unref(self);
}


/* Takes ownership of the arguments. */
static void
run_procedure(MdDispatch *self,
              MdSession *session,
              const MdProcedure *procedure,
              const md_header *header,
              gpointer args)
{
    MdCall *call = md_call_new(session, procedure, header, args, self->slow, on_call_ended,
                               md_dispatch_ref(self));

    g_hash_table_add(self->calls, call);
    md_call_set_number(call, ++self->n_ever);
    if (md_call_is_login(call))
        self->n_logins++;
    if (self->holding && (procedure->flags & MD_PROCEDURE_EARLY) == 0)
        md_call_hold(call, &self->held);
    else
        md_call_run(call);
}


/* FALSE with an error, to be sent as the reply, if no call was begun. */
static gboolean
dispatch_call(MdDispatch *self, MdSession *session, const MdMessage *message, GError **error)
{
    const MdProcedure *procedure = check_header(session, &message->header, error);
    gpointer args = NULL;
    GError *err = NULL;

    if (procedure == NULL || !check_session(session, procedure, error) ||
        !md_message_check_length(message, error))
        return FALSE;

    /* Older clients send a payload with virConnectOpenAuth, which has no arguments. */
    args = md_message_decode_new(message, procedure->args, procedure->args_size, &err);
    if (err != NULL) {
        g_propagate_error(error, err);
        return FALSE;
    }
    run_procedure(self, session, procedure, &message->header, args);
    return TRUE;
}


void
md_dispatch_message(MdDispatch *self, MdSession *session, const MdMessage *message)
{
    MdClient *client = md_session_get_client(session);
    const md_header *header = &message->header;
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) frame = NULL;

    /* Descriptors would follow this frame; no procedure of ours uses any. */
    if (header->type == MD_MESSAGE_CALL_FDS) {
        g_info("Disconnecting client: it sent file descriptors");
        md_client_close(client);
        return;
    }
    if (header->type != MD_MESSAGE_CALL) {
        g_debug("Ignoring message of type %d, procedure %d", header->type, header->proc);
        return;
    }

    if (!dispatch_call(self, session, message, &error)) {
        frame = md_wire_error_encode(header, error);
        md_client_send(client, frame);
    }
}


void
md_dispatch_hold(MdDispatch *self)
{
    self->holding = TRUE;
}


void
md_dispatch_release(MdDispatch *self)
{
    MdCall *call = NULL;

    self->holding = FALSE;
    while ((call = g_queue_peek_head(&self->held)) != NULL)
        md_call_release(call);
}


gboolean
md_dispatch_is_holding(MdDispatch *self)
{
    return self->holding;
}


guint
md_dispatch_count_calls(MdDispatch *self)
{
    return g_hash_table_size(self->calls);
}


guint
md_dispatch_count_logins(MdDispatch *self)
{
    return self->n_logins;
}


static int
compare_calls(gconstpointer one, gconstpointer other)
{
    guint64 a = md_call_get_number(*(MdCall *const *)one);
    guint64 b = md_call_get_number(*(MdCall *const *)other);

    return a < b ? 1 : -1;
}


/* The latest call is put back first, so that the next daemon begins with the earliest one. Only
 * answered calls may end meanwhile: with the connections of clients that do not read. */
void
md_dispatch_leave_calls(MdDispatch *self)
{
    g_autoptr(GPtrArray) calls = g_ptr_array_new();
    GHashTableIter iter;
    gpointer call = NULL;

    g_hash_table_iter_init(&iter, self->calls);
    while (g_hash_table_iter_next(&iter, &call, NULL)) {
        if (!md_call_is_answered(call))
            g_ptr_array_add(calls, call);
    }
    g_ptr_array_sort(calls, compare_calls);
    for (guint i = 0; i < calls->len; i++)
        md_call_leave(calls->pdata[i]);
}


void
md_dispatch_log_state(MdDispatch *self)
{
    GHashTableIter iter;
    gpointer call = NULL;

    g_message("%u calls running, %" G_GUINT64_FORMAT " since start", md_dispatch_count_calls(self),
              self->n_ever);
    md_fair_queue_log(self->slow);
    g_hash_table_iter_init(&iter, self->calls);
    for (guint i = 0; i < MD_DISPATCH_LOGGED_MAX && g_hash_table_iter_next(&iter, &call, NULL); i++)
        md_call_log_state(call);
}


void
md_dispatch_set_idle_func(MdDispatch *self, void (*func)(gpointer data), gpointer data)
{
    self->idle = func;
    self->data = data;
}
