/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One look at the directory of definitions, or at parts of it, as a job for a worker: a disk that
 * hangs keeps nothing else waiting. What is to be looked at is said beforehand, what has been found
 * is a list of facts in the order in which they hold. Directories are watched before they are read,
 * so that whatever happens later is told by an event.
 */
#pragma once

#include "conf/definition.h"
#include "util/watch.h"

typedef struct _MdDefinitionRead MdDefinitionRead;

/* About a file, or about a directory. Paths in errors are left to the reader of facts. */
typedef struct {
    char *addr;
    char *name; /* NULL: this is about the directory of the parent */

    /* A directory. */
    gboolean there;
    int watch; /* its id in the watch, 0: it cannot be watched */

    /* A file: what it says; NULL: it is not there, or `error` tells what is wrong with it. With a
     * definition, `error` is only a warning. */
    MdDefinition *definition;

    GError *error;
} MdDefinitionFact;

/* About the directory of all parents. */
typedef struct {
    int watch;     /* 0: not there, or it cannot be watched */
    int above;     /* the watch of the nearest directory above it, 0: none */
    char *awaited; /* the name in that directory that leads to ours */
    GError *error; /* why it cannot be watched */
} MdDefinitionTop;

/* `watch` must have been started. */
MdDefinitionRead *md_definition_read_new(const char *directory, MdWatch *watch);
void md_definition_read_free(MdDefinitionRead *self);

/* Before all else the directory is made if it is missing, and what crashes have left is removed. */
void md_definition_read_prepare(MdDefinitionRead *self);

/* What to look at: all of it, a parent, one file. `is_written`: an empty file is not one whose
 * writer has just begun. */
void md_definition_read_add_all(MdDefinitionRead *self);
void md_definition_read_add(MdDefinitionRead *self,
                            const char *addr,
                            const char *name,
                            gboolean is_written);

/* What is known already, and is looked for even if a directory does not list it. `name` NULL: only
 * the parent. */
void md_definition_read_add_known(MdDefinitionRead *self, const char *addr, const char *name);

/* MdWorkerFunc. */
gboolean md_definition_read_run(gpointer read, GError **error);

/* After it has run. NULL: not all was to be looked at. */
const MdDefinitionTop *md_definition_read_get_top(MdDefinitionRead *self);

/* Of MdDefinitionFact, borrowed. */
GPtrArray *md_definition_read_get_facts(MdDefinitionRead *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdDefinitionRead, md_definition_read_free)
