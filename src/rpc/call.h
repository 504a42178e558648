/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One call of a client, from its arrival to its answer. Whoever has it answers it exactly once,
 * which ends it; an answer to a client that has gone is dropped.
 */
#pragma once

#include "rpc/message.h"
#include "rpc/session.h"

typedef struct _MdCall MdCall;

/* `args` are freed by the one who calls the handler: what is needed later must be copied. */
typedef void (*MdCallHandler)(MdCall *call, gconstpointer args);

typedef enum {
    MD_PROCEDURE_UNOPENED = 1 << 0, /* may be called before the connection is opened */
    MD_PROCEDURE_WRITE = 1 << 1,    /* not for readers */
} MdProcedureFlags;

/* What we serve. */
typedef struct {
    int number;
    const char *function; /* of libvirt's API, as messages name it */
    guint flags;
    xdrproc_t args; /* NULL: there are none */
    gsize args_size;
    xdrproc_t ret;         /* NULL: the answer is empty */
    MdCallHandler handler; /* NULL: not served */
} MdProcedure;

typedef void (*MdCallEndedFunc)(gpointer data);

/* `ended` is called when the call has been answered. */
MdCall *md_call_new(MdSession *session,
                    const MdProcedure *procedure,
                    const md_header *header,
                    MdCallEndedFunc ended,
                    gpointer data);

MdSession *md_call_get_session(MdCall *self);
MdDriver *md_call_get_driver(MdCall *self);

/* Both end the call. `ret` is of the type of the procedure, `error` is taken over. */
void md_call_reply(MdCall *self, gconstpointer ret);
void md_call_fail(MdCall *self, GError *error);
