/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One operation of a backend on a device: the operation waits for its turn, asks scripts, writes,
 * waits for the event, and completes. The backend embeds an MdCommand as the first member of its
 * own structure. Steps run one at a time. At its end, a step calls `next`; `error` is set if the
 * step has failed. Main loop only.
 */
#pragma once

#include "backend/backend.h"
#include "util/worker.h"

typedef struct _MdCommand MdCommand;

typedef void (*MdCommandFunc)(MdCommand *self);

struct _MdCommand {
    const MdDriverContext *context;
    MdOwner *owner;
    char *name;    /* of the device; key in the change log and in the key queue */
    char *made;    /* result: the name of the device; NULL: `name` */
    char *path;    /* of the expected event; NULL: none */
    GError *error; /* becomes the result; NULL: no failure so far */

    /* For command.c only. */
    GTask *task;
    void (*clear)(MdCommand *self);
    MdCommandFunc next;
    char *key; /* of the turn; NULL: the command does not wait for one */
    gboolean has_turn;
    MdCallout *callout; /* to be notified of the result; NULL: none */
};

/* `size` is that of the backend's structure, whose own members are zeroed; `clear` frees their
 * contents. `callback` obtains the result with md_backend_finish(). */
gpointer md_command_new(gsize size,
                        void (*clear)(MdCommand *self),
                        const MdDriverContext *context,
                        const char *name,
                        MdOwner *owner,
                        GAsyncReadyCallback callback,
                        gpointer user_data);

/* Waits until no other command with the same name has the turn. The command then has the turn until
 * it ends. */
void md_command_wait_for_turn(MdCommand *self, MdCommandFunc next);

/* The same for commands with the same `key`, such as the path of a card. */
void md_command_wait_for_turn_of(MdCommand *self, const char *key, MdCommandFunc next);

/* From here on the command completes even if its client disconnects. FALSE if the client has
 * already disconnected. */
gboolean md_command_commit(MdCommand *self);

/* Runs a job on the object with this inode, see md_worker_run(), with the deadline
 * `driver_timeout`. */
void md_command_run(MdCommand *self,
                    MdWorkerKind kind,
                    guint64 inode,
                    MdWorkerFunc func,
                    gpointer data,
                    GDestroyNotify data_free,
                    MdCommandFunc next);

/* Asks mdevctl's scripts, if any, for permission. Scripts that agree are notified of the result. */
void md_command_ask_scripts(MdCommand *self,
                            MdCalloutAction action,
                            MdDefinition *device,
                            MdCommandFunc next);

/* The same for the mediated device that the command creates or removes. From here on, the command
 * completes even if its client disconnects, because the scripts must be notified of the result. */
void md_command_ask_scripts_about(MdCommand *self,
                                  MdCalloutAction action,
                                  const char *parent_addr,
                                  const char *uuid,
                                  const char *type_id,
                                  GPtrArray *attrs,
                                  MdCommandFunc next);

/* To be called before the write: from now on the command, not the inventory, handles this event of
 * the path, see md_uevent_wait_begin(). FALSE if another command is running on this path. */
gboolean md_command_expect(MdCommand *self, const char *path, MdWaitFor event);

/* To be called after a successful write: waits for the event. `next` must reconcile the registry
 * with sysfs. */
void md_command_wait(MdCommand *self, MdCommandFunc next);

/* To be called after a failure: ends the wait, and reconciles the path with sysfs. */
void md_command_give_up(MdCommand *self);

/* The last step: notifies the scripts that agreed, then completes, with `error` if it is set. */
void md_command_end(MdCommand *self);
