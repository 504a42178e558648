/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Replaces src/node_device when a test is linked. It has the devices "computer" and
 * "pci_0000_06_00_0"; calls that may take time wait until the test ends them.
 */
#pragma once

#include "node_device/driver.h"

/* Names of the PCI device as a host adapter. */
#define FAKE_DRIVER_WWNN "20000000c9831b00"
#define FAKE_DRIVER_WWPN "10000000c9831b00"

/* The number of running calls that the test has not ended. */
guint fake_driver_count_waiting(MdDriver *self);

/* From now on, lists and documents need a look; counts the looks. */
void fake_driver_need_looks(MdDriver *self);
guint fake_driver_count_looks(MdDriver *self);

/* Ends the n-th call with success, or with VIR_ERR_OPERATION_FAILED. */
void fake_driver_end(MdDriver *self, guint n);
void fake_driver_fail(MdDriver *self, guint n);

/* Sets the parent and the device that documents describe, by static names; NULL: none. */
void fake_driver_set_affected(MdDriver *self, const char *parent, const char *device);

/* Emits an event to the subscribers. */
void fake_driver_emit(MdDriver *self, const char *device, int event, int detail);

guint fake_driver_count_subscriptions(MdDriver *self);
