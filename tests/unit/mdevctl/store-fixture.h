/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A store of definitions on a directory of its own, and hands that change the directory as others
 * do. Names of files are relative to that directory. Whoever waits in vain fails.
 */
#pragma once

#include "mdevctl/definitions.h"

#define PARENT  "0000:86:00.0"
#define UUID    "0695d332-7831-493f-9e71-1c85c8911a08"
#define OTHER   "11111111-2222-4333-8444-555555555555"
#define FILE_OF PARENT "/" UUID

#define TEXT(type) "{\"mdev_type\":\"" type "\",\"start\":\"auto\",\"attrs\":[]}"

typedef struct {
    char *root; /* what the test has to itself */
    char *path; /* the directory of the store, in there */
    MdSettings settings;
    MdDefinitions *store; /* once it is started */
    MdOwner *owner;       /* of changes, borrowed: the daemon at first */
    gboolean started;
    gboolean loaded;
    GString *told; /* "<parent>/<uuid>=<type> ", or nothing after the = for one that has gone */
    GPtrArray *logged;
    guint n_answers;
    GError *error; /* of the last answer */
} StoreFixture;

void store_set_up(StoreFixture *fixture, gconstpointer data);
void store_tear_down(StoreFixture *fixture, gconstpointer data);

/* Until it calls back. */
void store_start(StoreFixture *fixture);

/* Until nothing is read any more. */
void store_wait_for_quiet(StoreFixture *fixture);
void store_rescan(StoreFixture *fixture);

#define STORE_TEST(path, data, func)                                                               \
    g_test_add(path, StoreFixture, data, store_set_up, func, store_tear_down)

/* What others do. A file is put in place, as mdevctl does; directories are made as needed. */
char *store_path_of(StoreFixture *fixture, const char *name);
void store_make_directory(StoreFixture *fixture, const char *name);
void store_put(StoreFixture *fixture, const char *name, const char *text);
void store_put_link(StoreFixture *fixture, const char *name, const char *target);
void store_move(StoreFixture *fixture, const char *from, const char *to);
void store_erase(StoreFixture *fixture, const char *name);

/* `expected` NULL: there is no such file. */
void store_assert_content(StoreFixture *fixture, const char *name, const char *expected);

/* All names in the directory, one after the other. */
void store_assert_names(StoreFixture *fixture, const char *expected);

/* Until this is part of what has been told. */
void store_wait_for_told(StoreFixture *fixture, const char *expected);

/* Exactly this has been told since the last time, and nothing is to come any more. */
void store_assert_told(StoreFixture *fixture, const char *expected);

/* The path and the cause, once; no cause: nothing at all. */
void store_assert_logged(StoreFixture *fixture, const char *name, const char *cause);

/* All definitions, as they are told. */
void store_assert_list(StoreFixture *fixture, const char *expected);

/* Writing and removing through the store. store_write() and store_remove() are of PARENT and UUID,
 * and wait for the answer. */
void store_begin_write(StoreFixture *fixture,
                       const char *parent_addr,
                       const char *uuid,
                       const char *type);
void store_begin_remove(StoreFixture *fixture, const char *parent_addr, const char *uuid);
void store_wait_for_answers(StoreFixture *fixture, guint n_answers);
void store_write(StoreFixture *fixture, const char *type);
void store_remove(StoreFixture *fixture);

/* The last answer was an error with this errno, about this path. */
void store_assert_error(StoreFixture *fixture, const char *name, int errnum);
