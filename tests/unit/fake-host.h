/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A host in a temporary tree. The test acts as the kernel: it creates and removes sysfs
 * directories, and sends events. Tests linked with it use a replacement of kernel/udev.h; all
 * layers above are real. There are no devices without subsystem, device nodes, or their links.
 */
#pragma once

#include "kernel/udev.h"
#include "util/settings.h"

typedef struct {
    char *root;
    MdSettings *settings;
    GHashTable *seen; /* path -> MdUdevDevice, of all devices ever added */
} FakeHost;

/* The daemon's waits for events have no timeout on this host. */
FakeHost *fake_host_new(void);
void fake_host_free(FakeHost *self);

/* Returns an absolute path for one below /sys/devices. Free it. */
char *fake_host_path(FakeHost *self, const char *device);

/* Adds a device; `properties` are lines of its uevent, or NULL. */
void
fake_host_add(FakeHost *self, const char *device, const char *subsystem, const char *properties);
/* Sets an attribute, and creates its directories. */
void fake_host_set(FakeHost *self, const char *device, const char *attribute, const char *text);
/* Returns the text of an attribute, free it; NULL: there is no such attribute. */
char *fake_host_get(FakeHost *self, const char *device, const char *attribute);
/* Removes a device and everything below. */
void fake_host_remove(FakeHost *self, const char *device);

/* A parent of mediated devices on an unknown bus, with one type and room for one device. */
#define FAKE_PARENT      "virtual/toy/toy0"
#define FAKE_PARENT_NAME "toy_toy0"
#define FAKE_PARENT_ADDR "toy0"
#define FAKE_TYPE        "toy-1"
#define FAKE_CREATE      "mdev_supported_types/" FAKE_TYPE "/create"
void fake_host_add_parent(FakeHost *self);

/* The device with this UUID below the parent, at the kernel's path. */
#define FAKE_UUID      "6a7b8c9d-0000-4000-8000-000000000001"
#define FAKE_MDEV      FAKE_PARENT "/" FAKE_UUID
#define FAKE_MDEV_NAME "mdev_6a7b8c9d_0000_4000_8000_000000000001_toy0"
void fake_host_add_mdev(FakeHost *self);

/* Sends an event of a device that was added, even if it has been removed since. */
void fake_host_emit(FakeHost *self, const char *action, const char *device);
/* The same in two steps: the kernel numbers the event, and udev delivers it, once. */
MdUdevDevice *fake_host_queue_event(FakeHost *self, const char *action, const char *device);
void fake_host_deliver(MdUdevDevice *event);
/* Reports lost events. */
void fake_host_emit_lost(void);

/* Runs the main loop until the condition is true; fails after a timeout. */
typedef gboolean (*FakeHostTest)(gpointer data);
void fake_host_wait(FakeHostTest test, gpointer data);
/* Waits until the attribute was written. */
void fake_host_wait_written(FakeHost *self, const char *device, const char *attribute);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FakeHost, fake_host_free)
