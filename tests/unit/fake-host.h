/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A host in a temporary tree. The test plays the kernel: it makes and removes directories of sysfs,
 * and tells events of them. What is behind kernel/udev.h is replaced when a test is linked with it;
 * all above is real. Devices of no subsystem, nodes and links of nodes it has none.
 */
#pragma once

#include "kernel/udev.h"
#include "util/settings.h"

typedef struct {
    char *root;
    MdSettings *settings;
    GHashTable *seen; /* path -> MdUdevDevice, of all that has been added */
} FakeHost;

/* Waits for events are ended by events alone. */
FakeHost *fake_host_new(void);
void fake_host_free(FakeHost *self);

/* An absolute path from one below /sys/devices. Free it. */
char *fake_host_path(FakeHost *self, const char *device);

/* A device is there from now on; `properties` are lines of its uevent, or NULL. */
void
fake_host_add(FakeHost *self, const char *device, const char *subsystem, const char *properties);
/* A text is in an attribute, whose directories are made. */
void fake_host_set(FakeHost *self, const char *device, const char *attribute, const char *text);
/* What has been written there, free it; NULL: there is no such attribute. */
char *fake_host_get(FakeHost *self, const char *device, const char *attribute);
/* It has gone, with all that is below. */
void fake_host_remove(FakeHost *self, const char *device);

/* A parent of mediated devices on no bus that is known, of one type with room for one device. */
#define FAKE_PARENT      "virtual/toy/toy0"
#define FAKE_PARENT_NAME "toy_toy0"
#define FAKE_PARENT_ADDR "toy0"
#define FAKE_TYPE        "toy-1"
#define FAKE_CREATE      "mdev_supported_types/" FAKE_TYPE "/create"
void fake_host_add_parent(FakeHost *self);

/* The device that a UUID stands for below it, as the kernel makes it. */
#define FAKE_UUID      "6a7b8c9d-0000-4000-8000-000000000001"
#define FAKE_MDEV      FAKE_PARENT "/" FAKE_UUID
#define FAKE_MDEV_NAME "mdev_6a7b8c9d_0000_4000_8000_000000000001_toy0"
void fake_host_add_mdev(FakeHost *self);

/* An event of a device that has been added, be it gone. */
void fake_host_tell(FakeHost *self, const char *action, const char *device);
/* The same in two steps: the kernel numbers it, and udev delivers it, once. */
MdUdevDevice *fake_host_queue_event(FakeHost *self, const char *action, const char *device);
void fake_host_deliver(MdUdevDevice *event);
/* Events have been lost. */
void fake_host_tell_lost(void);

/* Runs the main loop until it is so, and fails if that is not to be. */
typedef gboolean (*FakeHostTest)(gpointer data);
void fake_host_wait(FakeHostTest test, gpointer data);
/* Until something has been written. */
void fake_host_wait_written(FakeHost *self, const char *device, const char *attribute);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FakeHost, fake_host_free)
