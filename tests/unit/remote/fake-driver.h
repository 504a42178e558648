/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stands in for src/node_device when a test is linked. It knows the devices "computer" and
 * "pci_0000_06_00_0", and calls that may take time wait until the test lets them end.
 */
#pragma once

#include "node_device/driver.h"

/* What the PCI device is called as a host adapter. */
#define FAKE_DRIVER_WWNN "20000000c9831b00"
#define FAKE_DRIVER_WWPN "10000000c9831b00"

/* Calls under way that the test has not ended. */
guint fake_driver_count_waiting(MdDriver *self);

/* Ends the n-th of them well, or with VIR_ERR_OPERATION_FAILED. */
void fake_driver_end(MdDriver *self, guint n);
void fake_driver_fail(MdDriver *self, guint n);

/* The devices that documents mean from now on, by static names; NULL: none. */
void fake_driver_set_meant(MdDriver *self, const char *parent, const char *device);

/* Tells the subscribers. */
void fake_driver_emit(MdDriver *self, const char *device, int event, int detail);

guint fake_driver_count_subscriptions(MdDriver *self);
