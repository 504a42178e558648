/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A vendor whose card holds types and assignments in memory, as a driver with a device node of its
 * own does: its functions have no files. Replaces the table of vendors.
 */
#pragma once

#include "../scratch.h"
#include "registry/node-device.h"
#include "util/settings.h"

#define FAKE_VENDOR    "toy"
#define FAKE_FUNCTIONS 3

/* All types exist once per function; the second has another frame buffer size. */
#define FAKE_TYPE_LARGE 7
#define FAKE_TYPE_SMALL 8

#define FAKE_PARAMETER "knob"

typedef struct {
    char *root;
    MdSettings *settings;
    MdNodeDevice *functions[FAKE_FUNCTIONS];

    /* The state of the card. */
    guint32 assigned[FAKE_FUNCTIONS];
    char *parameters[FAKE_FUNCTIONS];
    guint n_assigns;
    guint n_releases;

    /* How it behaves; errnos. */
    gboolean is_empty; /* lists no types */
    int assign_error;  /* of the next calls */
    guint32
        assign_result; /* the type after an assignment that failed, or that succeeded if not 0 */
    int release_error;
    gboolean clears; /* the type is gone after a release that failed */
    guint n_busy;    /* number of releases that fail with EBUSY */
    int parameter_error;
    int taken; /* function that another program takes before the next assignment; -1 */
} FakeVendor;

FakeVendor *fake_vendor_new(void);
void fake_vendor_free(FakeVendor *self);

/* The document of a vGPU of a type by id, with an attribute or NULL. */
MdNodeDeviceDef *fake_vendor_make_def(const char *type_id, const char *parameter);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FakeVendor, fake_vendor_free)
