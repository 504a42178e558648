/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Internals of the driver, shared by driver.c (queries) and driver-change.c (changes). */
#pragma once

#include "backend/backend.h"
#include "node_device/autostart.h"
#include "node_device/document.h"
#include "node_device/driver.h"
#include "vgpu/vgpu-enabler.h"

struct _MdDriver {
    GObject parent;

    MdDriverContext context;
    MdEvents *events;
    MdDocuments *documents;
    MdAutostart *autostart; /* NULL: not started */
    MdVgpuEnabler *enabler; /* likewise */
    gboolean starting;
    gboolean loaded;  /* all definitions are known */
    gboolean stopped; /* no further operation begins */
    GTask *stopping;  /* a stop requested before the start has ended */
};
