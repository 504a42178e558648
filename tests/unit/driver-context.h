/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The context of a backend, on a host in a temporary tree (fake-host.h), without definitions. */
#pragma once

#include "backend/backend.h"
#include "fake-host.h"

typedef struct {
    FakeHost *host;
    MdDriverContext context;
    gboolean started;
} DriverContext;

/* Scans the host, and takes ownership of it. */
void driver_context_set_up(DriverContext *self, FakeHost *host);
void driver_context_tear_down(DriverContext *self);

/* A backend's answer, for the functions below. */
typedef struct {
    gboolean done;
    char *name;
    GError *error;
} BackendAnswer;

/* A GAsyncReadyCallback: `data` is a BackendAnswer. */
void backend_answer_receive(GObject *source, GAsyncResult *result, gpointer data);
void backend_answer_wait(BackendAnswer *self);
void backend_answer_clear(BackendAnswer *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BackendAnswer, backend_answer_clear)
