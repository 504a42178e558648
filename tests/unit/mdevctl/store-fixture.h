/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A store of definitions on its own directory, and functions that change the directory as other
 * programs do. File names are relative to that directory. A wait that times out fails the test.
 */
#pragma once

#include "mdevctl/definitions.h"

#define PARENT  "0000:86:00.0"
#define UUID    "0695d332-7831-493f-9e71-1c85c8911a08"
#define OTHER   "11111111-2222-4333-8444-555555555555"
#define FILE_OF PARENT "/" UUID

#define TEXT(type) "{\"mdev_type\":\"" type "\",\"start\":\"auto\",\"attrs\":[]}"

typedef struct {
    char *root; /* temporary directory of the test */
    char *path; /* the store's directory, below `root` */
    MdSettings settings;
    MdDefinitions *store; /* NULL: not started */
    MdOwner *owner;       /* of changes, borrowed: the daemon at first */
    gboolean started;
    gboolean loaded;
    GString *reports; /* "<parent>/<uuid>=<type> ", without a type for a removal */
    GPtrArray *logged;
    guint n_answers;
    GError *error; /* of the last answer */
} StoreFixture;

void store_set_up(StoreFixture *fixture, gconstpointer data);
void store_tear_down(StoreFixture *fixture, gconstpointer data);

/* Waits for the callback. */
void store_start(StoreFixture *fixture);

/* Waits until all reads have ended. */
void store_wait_for_quiet(StoreFixture *fixture);
void store_rescan(StoreFixture *fixture);

#define STORE_TEST(path, data, func)                                                               \
    g_test_add(path, StoreFixture, data, store_set_up, func, store_tear_down)

/* Changes by other programs. Files are renamed into place, as by mdevctl; directories are
 * created as needed. */
char *store_path_of(StoreFixture *fixture, const char *name);
void store_make_directory(StoreFixture *fixture, const char *name);
void store_put(StoreFixture *fixture, const char *name, const char *text);
void store_put_link(StoreFixture *fixture, const char *name, const char *target);
void store_move(StoreFixture *fixture, const char *from, const char *to);
void store_erase(StoreFixture *fixture, const char *name);

/* `expected` NULL: the file does not exist. */
void store_assert_content(StoreFixture *fixture, const char *name, const char *expected);

/* Checks all names in the directory, in one string. */
void store_assert_names(StoreFixture *fixture, const char *expected);

/* Waits until the reports contain this text. */
void store_wait_for_report(StoreFixture *fixture, const char *expected);

/* Checks that exactly this was reported since the last call, and nothing is pending. */
void store_assert_reports(StoreFixture *fixture, const char *expected);

/* Checks for one message with path and cause; `cause` "": for no message. */
void store_assert_logged(StoreFixture *fixture, const char *name, const char *cause);

/* Checks all definitions, in the format of reports. */
void store_assert_list(StoreFixture *fixture, const char *expected);

/* Write and remove through the store. store_write() and store_remove() use PARENT and UUID, and
 * wait for the answer. */
void store_begin_write(StoreFixture *fixture,
                       const char *parent_addr,
                       const char *uuid,
                       const char *type);
void store_begin_remove(StoreFixture *fixture, const char *parent_addr, const char *uuid);
void store_wait_for_answers(StoreFixture *fixture, guint n_answers);
void store_write(StoreFixture *fixture, const char *type);
void store_remove(StoreFixture *fixture);

/* Checks that the last answer was an error with this errno and path. */
void store_assert_error(StoreFixture *fixture, const char *name, int errnum);
