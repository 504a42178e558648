/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A bounded queue that is fair between users. What belongs to one user begins in the order of
 * asking; users take turns. A slot goes to the next user in turn who is below his own limit, so
 * that nobody's jobs, should they hang, hold all of them, and readers together leave some to
 * writers.
 *
 * An entry is refused with VIR_ERR_RESOURCE_BUSY if its user has too many waiting already. If too
 * many wait in all, the newest one of the user with the most is refused instead, which may be
 * another than the one that has just come. Privileged users (util/owner.h) may have as many waiting
 * as there is room for, and are never refused because of others. An entry whose client goes before
 * it has begun is refused with VIR_ERR_OPERATION_ABORTED.
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

/* Each is called at most once, and no more after md_fair_entry_leave(). `begin` may be called
 * while the entry joins; `refuse` never is, and takes the error over. */
typedef struct {
    void (*begin)(gpointer data);
    void (*refuse)(gpointer data, GError *error);
} MdFairFuncs;

/* A place in a queue, part of what waits for it: zero it first. Its fields are the queue's. */
typedef struct {
    MdFairQueue *queue; /* NULL: in none */
    MdOwner *owner;
    struct _MdFairShare *share;
    const MdFairFuncs *funcs;
    gpointer data;
    gboolean writer;
    gboolean running;
    GList link;
    MdOwnerWatch watch;
} MdFairEntry;

/* `what` waits here, in the plural, for messages; a static string, as `limits` is. */
MdFairQueue *md_fair_queue_new(const char *what, const MdFairLimits *limits);
/* Nothing may be in it. */
void md_fair_queue_free(MdFairQueue *self);

/* Begins the entry at once, or when its turn has come. FALSE: it is refused. */
gboolean md_fair_queue_join(MdFairQueue *self,
                            MdFairEntry *entry,
                            MdOwner *owner,
                            const MdFairFuncs *funcs,
                            gpointer data,
                            GError **error);

/* Whether an error is such a refusal, which says nothing of what would have been done. */
gboolean md_fair_queue_is_refusal(const GError *error);

/* Takes an entry back, or ends it if it has begun; nothing if it is in no queue. */
void md_fair_entry_leave(MdFairEntry *entry);
gboolean md_fair_entry_is_running(const MdFairEntry *entry);

guint md_fair_queue_count_running(MdFairQueue *self);
guint md_fair_queue_count_waiting(MdFairQueue *self);

/* One line in the log: what runs and waits, for whom, and how many have been refused. Nothing if
 * the queue has always been empty. */
void md_fair_queue_log(MdFairQueue *self);

/* Calls `func` for each share (md_owner_get_share()) that has something in the queue. */
typedef void (*MdFairShareFunc)(guint64 share, guint running, guint waiting, gpointer data);
void md_fair_queue_foreach(MdFairQueue *self, MdFairShareFunc func, gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdFairQueue, md_fair_queue_free)
