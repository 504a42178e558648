/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a backend does to a device for one request, from its turn to its answer. The structure of
 * the backend begins with an MdCommand and owns what follows it. One step is under way at a time;
 * when it has ended, `next` is called, with the cause in `error` if it has failed. Main loop only.
 */
#pragma once

#include "backend/backend.h"
#include "util/worker.h"

typedef struct _MdCommand MdCommand;

typedef void (*MdCommandFunc)(MdCommand *self);

struct _MdCommand {
    const MdDriverContext *context;
    MdOwner *owner;
    char *name;    /* what the log of changes and the queue of turns know it by */
    char *made;    /* the name of the device that the answer has; NULL: `name` */
    char *path;    /* of the event that is waited for; NULL: none */
    GError *error; /* what the answer will be; NULL: it works so far */

    /* For command.c alone. */
    GTask *task;
    void (*clear)(MdCommand *self);
    MdCommandFunc next;
    gboolean has_turn;
    MdCallout *callout; /* that is to be told how it ends; NULL: none */
};

/* `size`: of the backend's structure, zeroed but for its head; `clear` frees what else it has. The
 * result is that of md_backend_finish(). */
gpointer md_command_new(gsize size,
                        void (*clear)(MdCommand *self),
                        const MdDriverContext *context,
                        const char *name,
                        MdOwner *owner,
                        GAsyncReadyCallback callback,
                        gpointer user_data);

/* Waits until no other command of that name has its turn, and keeps the turn to the end. */
void md_command_take_turn(MdCommand *self, MdCommandFunc next);

/* From here on it is completed, whoever goes. FALSE if the client has gone already. */
gboolean md_command_commit(MdCommand *self);

/* A job on the object of this inode, see md_worker_run(); `driver_timeout` is its deadline. */
void md_command_run(MdCommand *self,
                    MdWorkerKind kind,
                    guint64 inode,
                    MdWorkerFunc func,
                    gpointer data,
                    GDestroyNotify data_free,
                    MdCommandFunc next);

/* Asks mdevctl's scripts, where there are any, whether it may be. If they agree, they are told how
 * it ends. */
void md_command_ask_scripts(MdCommand *self,
                            MdCalloutAction action,
                            MdDefinition *device,
                            MdCommandFunc next);

/* Before the write: an event at a path is this command's to announce, see md_uevent_wait_begin().
 * FALSE if another command is at work there. */
gboolean md_command_expect(MdCommand *self, const char *path, MdWaitFor event);

/* After a write that worked: waits for the event. After that the registry is to be made to agree
 * with sysfs. */
void md_command_wait(MdCommand *self, MdCommandFunc next);

/* After anything that has failed: nobody waits any more, and the registry sees what is left. */
void md_command_give_up(MdCommand *self);

/* The last step: tells the scripts that have agreed, then answers, with `error` if there is one. */
void md_command_end(MdCommand *self);
