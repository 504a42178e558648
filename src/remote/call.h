/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One call of a client, from its arrival to its reply. The handler replies exactly once, which ends
 * the call; the reply is dropped if the client has disconnected.
 */
#pragma once

#include "remote/session.h"
#include "rpc/message.h"
#include "util/fair-queue.h"

typedef struct _MdCall MdCall;

/* `args` remain valid until the call has ended. */
typedef void (*MdCallHandler)(MdCall *call, gconstpointer args);

typedef enum {
    MD_PROCEDURE_UNOPENED = 1 << 0, /* allowed before virConnectOpen */
    MD_PROCEDURE_WRITE = 1 << 1,    /* not for readers */
    MD_PROCEDURE_LOGIN = 1 << 2,    /* allowed before authentication */
    MD_PROCEDURE_ALONE = 1 << 3,    /* the client's later messages wait for the reply */
    MD_PROCEDURE_NEW = 1 << 4,      /* about a device that does not exist yet */
    MD_PROCEDURE_EARLY = 1 << 5,    /* answered before the list of devices is complete */
    MD_PROCEDURE_CHANGE = 1 << 6,   /* changes a device, which is logged */
} MdProcedureFlags;

/* A procedure that the daemon knows. */
typedef struct {
    int number;
    const char *function; /* function of libvirt's API, for messages */
    guint flags;
    guint permissions; /* required MdPermission flags; 0: none */
    xdrproc_t args;    /* NULL: there are none */
    gsize args_size;
    xdrproc_t ret;         /* NULL: the answer is empty */
    MdCallHandler handler; /* NULL: not served */
    /* Permissions that are required in addition, depending on the arguments; NULL: none. */
    guint (*get_more_permissions)(gconstpointer args);
    /* The name of the device given by the arguments, borrowed, or NULL. If the function is NULL,
     * the arguments begin with the name. */
    const char *(*find_device)(MdDriver *driver, gconstpointer args);
} MdProcedure;

typedef void (*MdCallEndedFunc)(MdCall *call, gpointer data);

/* Takes ownership of `args`. Calls that may wait for drivers and scripts queue in `slow`, see
 * md_call_wait_for_turn(). `ended` is called when the call has been answered. */
MdCall *md_call_new(MdSession *session,
                    const MdProcedure *procedure,
                    const md_header *header,
                    gpointer args,
                    MdFairQueue *slow,
                    MdCallEndedFunc ended,
                    gpointer data);

/* Logs one line: the procedure, the client, and the age of the call. */
void md_call_log_state(MdCall *self);

MdSession *md_call_get_session(MdCall *self);
MdDriver *md_call_get_driver(MdCall *self);

/* The identity used for authorization, as of the call's arrival; and the user whose share the call
 * uses. */
MdIdentity *md_call_get_identity(MdCall *self);
MdOwner *md_call_get_owner(MdCall *self);

gconstpointer md_call_get_args(MdCall *self);

/* The MdPermission that the procedure requires with these arguments. */
guint md_call_get_permissions(MdCall *self);

/* Runs the call if the caller is authorized; else it fails. Calls that change a device are
 * serialized. */
void md_call_run(MdCall *self);

/* Calls `begin`, at once or later, when the limits allow the user one more call that waits for
 * drivers or scripts. If too many calls are queued, the call fails instead. */
void md_call_wait_for_turn(MdCall *self, void (*begin)(MdCall *call));

/* Adds the call to `held` until md_call_release(), which runs it. If the client disconnects before,
 * the call fails and is removed. */
void md_call_hold(MdCall *self, GQueue *held);
void md_call_release(MdCall *self);

/* To be called before the driver is asked to change a device: from now on, the call cannot be
 * repeated. FALSE: the next daemon runs the call, which has ended here. `device` and `parent` are
 * for messages; `device` NULL: a new one without a name. */
gboolean md_call_begin_change(MdCall *self, const char *device, const char *parent);

/* Whether the call awaits an authentication, for which a user may have to enter a password. */
gboolean md_call_is_login(MdCall *self);

/* The position of the call in the order of arrival. */
void md_call_set_number(MdCall *self, guint64 number);
guint64 md_call_get_number(MdCall *self);

/*
 * For a restart of the service: leaves a call without a reply to the next daemon. A call that has
 * begun to change a device is answered with an error instead, because its result is unknown. The
 * client must be handed over or disconnected next; the handler's own reply will be dropped.
 */
void md_call_leave(MdCall *self);
gboolean md_call_is_answered(MdCall *self);

/* A device affected by a call, and the MdPermission flags that the call requires on it. */
typedef struct {
    const char *device; /* borrowed */
    guint permissions;
} MdAffected;

/* Adds the devices currently affected to an array of MdAffected. */
typedef void (*MdListAffectedFunc)(gpointer data, GArray *affected);

/*
 * Authorizes a call for the devices affected by its arguments. Calls `list` again after each answer
 * of polkit, because devices may have changed meanwhile, and `allowed` as soon as all listed
 * devices have been authorized. Calls `refused` if one is not; the call has then failed. Both may
 * be called at once.
 */
void md_call_authorize(MdCall *self,
                       MdListAffectedFunc list,
                       void (*allowed)(gpointer data),
                       void (*refused)(gpointer data),
                       gpointer data);

/* Whether no authorization is required. */
gboolean md_call_is_exempt(MdCall *self);

/* Each of these functions ends the call. `ret` has the procedure's result type, unless `type` is
 * given; md_call_fail() takes ownership of `error`. */
void md_call_reply(MdCall *self, gconstpointer ret);
void md_call_reply_as(MdCall *self, xdrproc_t type, gconstpointer ret);
void md_call_fail(MdCall *self, GError *error);
