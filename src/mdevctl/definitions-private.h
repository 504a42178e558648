/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Internals of MdDefinitions, shared by definitions.c (reading) and definitions-change.c
 * (writing). */
#pragma once

#include "mdevctl/definition-reader.h"
#include "mdevctl/definitions.h"
#include "util/fair-queue.h"
#include "util/watch.h"

struct _MdDefinitions {
    GObject parent;

    char *path;
    const MdSettings *settings;

    MdWatch *watch;
    int top;              /* watch of the directory; 0: it does not exist */
    int above;            /* watch of the nearest existing directory above; 0: none */
    char *awaited;        /* next component of the path, expected in that directory */
    GHashTable *parents;  /* address -> Parent */
    GHashTable *by_watch; /* id -> Parent, borrowed */
    GHashTable *defects;  /* path -> the logged defect */

    MdDefinitionReader *reader;
    gboolean loaded;        /* everything has been read once */
    GHashTable *new_writes; /* address -> number of new definitions being written */
    GHashTable *writing;    /* "address/UUID" of a file being written -> Writing */
    MdFairQueue *changes;   /* NULL: no change so far */
    MdDefinitionsWhenNotified when_notified;
    gpointer when_notified_data;
};

/* A parent's directory of definitions. */
typedef struct {
    char *addr;
    int watch;               /* 0: it cannot be watched */
    GHashTable *definitions; /* UUID -> MdDefinition */
    gboolean left_out;       /* files beyond the maximum have been skipped */
} Parent;

/* Whether a definition is known, or its parent's limit leaves room for it and for `coming` other
 * new definitions. */
gboolean
md_definitions_has_room(MdDefinitions *self, const char *addr, const char *uuid, guint coming);
void md_definitions_set_no_room_error(GError **error);

/* TRUE if the daemon is writing the file: the reported change is read when the write has ended. */
gboolean md_definitions_defer(MdDefinitions *self, const char *addr, const char *name);

/* Requests a read of a changed file. `is_written`: the writer has closed the file. */
void
md_definitions_want(MdDefinitions *self, const char *addr, const char *name, gboolean is_written);
