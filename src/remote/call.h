/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One call of a client, from its arrival to its answer. Whoever has it answers it exactly once,
 * which ends it; an answer to a client that has gone is dropped.
 */
#pragma once

#include "remote/session.h"
#include "rpc/message.h"
#include "util/fair-queue.h"

typedef struct _MdCall MdCall;

/* `args` are there until the call has ended. */
typedef void (*MdCallHandler)(MdCall *call, gconstpointer args);

typedef enum {
    MD_PROCEDURE_UNOPENED = 1 << 0, /* may be called before the connection is opened */
    MD_PROCEDURE_WRITE = 1 << 1,    /* not for readers */
    MD_PROCEDURE_LOGIN = 1 << 2,    /* for those who must authenticate still */
    MD_PROCEDURE_ALONE = 1 << 3,    /* what the client sends next waits until it is answered */
    MD_PROCEDURE_NEW = 1 << 4,      /* about a device that is not there yet */
    MD_PROCEDURE_EARLY = 1 << 5,    /* answered before the list of devices is whole */
    MD_PROCEDURE_CHANGE = 1 << 6,   /* changes a device, which is logged */
} MdProcedureFlags;

/* What we serve. */
typedef struct {
    int number;
    const char *function; /* of libvirt's API, as messages name it */
    guint flags;
    guint permissions; /* MdPermission that are needed; 0: none is */
    xdrproc_t args;    /* NULL: there are none */
    gsize args_size;
    xdrproc_t ret;         /* NULL: the answer is empty */
    MdCallHandler handler; /* NULL: not served */
    /* Permissions that are needed depending on the arguments; NULL: none is. */
    guint (*get_more_permissions)(gconstpointer args);
    /* The name of the device that the arguments mean, borrowed, NULL if there is none. NULL: they
     * begin with it. */
    const char *(*find_device)(MdDriver *driver, gconstpointer args);
} MdProcedure;

typedef void (*MdCallEndedFunc)(MdCall *call, gpointer data);

/* `args` are taken over. `slow` is where calls that may wait for drivers and scripts take turns,
 * see md_call_take_turn(). `ended` is called when the call has been answered. */
MdCall *md_call_new(MdSession *session,
                    const MdProcedure *procedure,
                    const md_header *header,
                    gpointer args,
                    MdFairQueue *slow,
                    MdCallEndedFunc ended,
                    gpointer data);

/* One line in the log: which procedure, for which client, and how old the call is. */
void md_call_log_state(MdCall *self);

MdSession *md_call_get_session(MdCall *self);
MdDriver *md_call_get_driver(MdCall *self);

/* Who is judged: whom the client acted for when the call came; and whose share it uses. */
MdIdentity *md_call_get_identity(MdCall *self);
MdOwner *md_call_get_owner(MdCall *self);

gconstpointer md_call_get_args(MdCall *self);

/* The MdPermission that the procedure needs with these arguments. */
guint md_call_get_permissions(MdCall *self);

/* Does what is to be done, if whoever calls is allowed to; else it fails. One that changes a device
 * takes its turn first. */
void md_call_run(MdCall *self);

/* Goes on when the user of the call may have one more that waits for drivers or scripts, at once or
 * later; else it fails. */
void md_call_take_turn(MdCall *self, void (*go_on)(MdCall *call));

/* Keeps the call in `held` until md_call_release(), which runs it. If its client goes before, it
 * fails and is taken out. */
void md_call_hold(MdCall *self, GQueue *held);
void md_call_release(MdCall *self);

/* A device that a call turns out to be about, and the MdPermission that are needed on it. */
typedef struct {
    const char *device; /* borrowed */
    guint permissions;
} MdMeant;

/* Adds what is meant at this moment to an array of MdMeant. */
typedef void (*MdListMeantFunc)(gpointer data, GArray *meant);

/*
 * Judges a call for what its arguments mean, when that is known. `allowed` is called once nothing
 * is meant that has not been judged, and before anything else can happen; `refused` instead if the
 * call has failed. Either may be called at once.
 */
void md_call_authorize(MdCall *self,
                       MdListMeantFunc list,
                       void (*allowed)(gpointer data),
                       void (*refused)(gpointer data),
                       gpointer data);

/* Whether nobody is judged. */
gboolean md_call_is_exempt(MdCall *self);

/* Both end the call. `ret` is of the type of the procedure, `error` is taken over. */
void md_call_reply(MdCall *self, gconstpointer ret);
void md_call_fail(MdCall *self, GError *error);
