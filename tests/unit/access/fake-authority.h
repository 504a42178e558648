/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A private bus with a polkit whose replies and their timing the test chooses. */
#pragma once

#include <gio/gio.h>

typedef struct {
    GTestDBus *bus;
    GDBusConnection *connection; /* NULL: the authority is stopped */
    GDBusNodeInfo *info;
    guint owner;
    gboolean owned;
    GPtrArray *questions; /* of GDBusMethodInvocation, not answered yet */
    GPtrArray *cancelled; /* of char *: ids */
} Authority;

void authority_set_up(Authority *self, gconstpointer data);
void authority_tear_down(Authority *self, gconstpointer data);

/* Starts or stops the authority; the bus continues. */
void authority_come(Authority *self);
void authority_go(Authority *self);

/* Runs the main loop until this number of questions is pending. */
void authority_await(Authority *self, guint n);

/* Answers the first question; `reply` may be of any type. */
void authority_answer(Authority *self, GVariant *reply);
GVariant *authority_make_reply(gboolean authorized, gboolean challenge, gboolean dismissed);
