/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One read of the directory of definitions, or of parts of it, as a worker job, so that a hung disk
 * blocks only this job. The parts to read are added before the job runs. The result is a list of
 * MdDefinitionFact, to be applied in order. Directories are watched before they are read, so that
 * events report later changes.
 */
#pragma once

#include "conf/definition.h"
#include "util/watch.h"

typedef struct _MdDefinitionRead MdDefinitionRead;

/* What has been read about a file, or about a directory. Errors contain no paths. */
typedef struct {
    char *addr;
    char *name; /* NULL: the fact is about the parent's directory */

    /* About a directory: whether it exists. */
    gboolean there;
    int watch; /* id of the directory in MdWatch; 0: it cannot be watched */

    /* About a file: its definition; NULL: the file does not exist, or `error` describes its defect.
     * If both are set, `error` is a warning. */
    MdDefinition *definition;

    GError *error;
} MdDefinitionFact;

/* What has been read about the top directory. */
typedef struct {
    int watch;     /* 0: the directory does not exist, or cannot be watched */
    int above;     /* watch of the nearest existing directory above; 0: none */
    char *awaited; /* next component of the path, expected in that directory */
    GError *error; /* why the directory cannot be watched, or has too many entries */
} MdDefinitionTop;

/* `watch` must have been started. */
MdDefinitionRead *md_definition_read_new(const char *directory, MdWatch *watch);
void md_definition_read_free(MdDefinitionRead *self);

/* Creates the directory before reading if it is missing, and removes files left by crashes. */
void md_definition_read_prepare(MdDefinitionRead *self);

/* Requests a read of everything, of a parent (`name` NULL), or of one file. `is_written`: the
 * writer has closed the file; otherwise an empty file is ignored, because its writer may have just
 * begun. */
void md_definition_read_add_all(MdDefinitionRead *self);
void md_definition_read_add(MdDefinitionRead *self,
                            const char *addr,
                            const char *name,
                            gboolean is_written);

/* Adds a known definition, which is read even if the directory does not list it. `name` NULL: adds
 * only the parent. */
void md_definition_read_add_known(MdDefinitionRead *self, const char *addr, const char *name);

/* MdWorkerFunc. */
gboolean md_definition_read_run(gpointer read, GError **error);

/* To be called after the run. NULL unless everything was requested. */
const MdDefinitionTop *md_definition_read_get_top(MdDefinitionRead *self);

/* Of MdDefinitionFact, borrowed. */
GPtrArray *md_definition_read_get_facts(MdDefinitionRead *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdDefinitionRead, md_definition_read_free)
