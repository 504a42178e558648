/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A bounded queue that is fair between users. Entries of one user begin in FIFO order; users take
 * turns. A slot goes to the next user who is below the per-user limit, so that hung jobs of one
 * user cannot occupy all slots, and readers together leave some slots to writers.
 *
 * An entry is refused with VIR_ERR_RESOURCE_BUSY if its user has too many waiting entries. If too
 * many entries wait in total, the newest entry of the user with the most is refused, which need not
 * be the new one. Privileged users (util/owner.h) have no limit of their own on waiting entries,
 * and are never refused because of others. An entry whose client disconnects before it begins is
 * refused with VIR_ERR_OPERATION_ABORTED.
 *
 * Main loop only.
 */
#pragma once

#include "util/owner.h"

typedef struct {
    guint running;
    guint running_per_owner; /* less than `running` */
    guint running_readers;   /* all readers together, less than `running` */
    guint running_per_reader;
    guint waiting;
    guint waiting_per_owner;
} MdFairLimits;

typedef struct _MdFairQueue MdFairQueue;

/* For each entry, one of these functions is called at most once, and never after
 * md_fair_entry_leave(). `begin` may be called before md_fair_queue_join() returns, `refuse` only
 * later; `refuse` takes ownership of the error. */
typedef struct {
    void (*begin)(gpointer data);
    void (*refuse)(gpointer data, GError *error);
} MdFairFuncs;

/* Embedded in the queued object; initialize with zeros. The fields are private to the queue. */
typedef struct {
    MdFairQueue *queue; /* NULL: not queued */
    MdOwner *owner;
    struct _MdFairShare *share;
    const MdFairFuncs *funcs;
    gpointer data;
    gboolean writer;
    gboolean running;
    GList link;
    MdOwnerWatch watch;
} MdFairEntry;

/* `what` names the entries in messages, in the plural. `what` and `limits` must outlive the
 * queue. */
MdFairQueue *md_fair_queue_new(const char *what, const MdFairLimits *limits);
/* The queue must be empty. */
void md_fair_queue_free(MdFairQueue *self);

/* Begins the entry at once or later. FALSE: the entry is refused. */
gboolean md_fair_queue_join(MdFairQueue *self,
                            MdFairEntry *entry,
                            MdOwner *owner,
                            const MdFairFuncs *funcs,
                            gpointer data,
                            GError **error);

/* Whether an error is a refusal by a queue. The operation has then not begun. */
gboolean md_fair_queue_is_refusal(const GError *error);

/* Removes a waiting entry, or ends a running one. Does nothing if the entry is in no queue. */
void md_fair_entry_leave(MdFairEntry *entry);
gboolean md_fair_entry_is_running(const MdFairEntry *entry);

guint md_fair_queue_count_running(MdFairQueue *self);
guint md_fair_queue_count_waiting(MdFairQueue *self);

/* Logs one line: running and waiting entries by user, and the number of refusals. Logs nothing if
 * the queue was never used. */
void md_fair_queue_log(MdFairQueue *self);

/* Calls `func` for each share (md_owner_get_share()) with entries in the queue. */
typedef void (*MdFairShareFunc)(guint64 share, guint running, guint waiting, gpointer data);
void md_fair_queue_foreach(MdFairQueue *self, MdFairShareFunc func, gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdFairQueue, md_fair_queue_free)
