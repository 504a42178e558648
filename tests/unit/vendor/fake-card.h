/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A card with functions in a temporary tree, whose files are those of NVIDIA's driver. */
#pragma once

#include "../scratch.h"
#include "kernel/sysfs.h"

#define FAKE_CARD_NAME     "0000:3a:00.0"
#define FAKE_FUNCTION_NAME "0000:3a:00.4"

/* A table with two types of this card. */
#define FAKE_TABLE                                                                                 \
    "<vgpuconfig><vgpuType id='1155' name='table'><numHeads>4</numHeads>"                          \
    "<profileSize>0x600000000</profileSize></vgpuType><vgpuType id='1156' name='other'/>"          \
    "<pgpu><devId vendorId='0x10de' deviceId='0x26B9' subsystemVendorId='0x0' subsystemId='0x0'/>" \
    "<supportedVgpu vgpuId='1155'><maxVgpus>2</maxVgpus></supportedVgpu>"                          \
    "<supportedVgpu vgpuId='1156'/></pgpu></vgpuconfig>"

typedef struct {
    char *root;
    char *card;      /* path */
    char *table;     /* path of the vendor's table, which does not exist at first */
    char *state_dir; /* path */
    MdSysfsDir *function;
} FakeCard;

FakeCard *fake_card_new(void);
/* Keeps the directory until fake_card_remove_all(): sysfs never reuses an inode number, but the
 * file system of the tests does. */
void fake_card_free(FakeCard *self);
void fake_card_remove_all(void);

/* Sets a file of the function, or of the card. */
void fake_card_set(FakeCard *self, const char *attribute, const char *text);
void fake_card_set_own(FakeCard *self, const char *attribute, const char *text);
/* Adds another function, 0000:3a:00.<number>, with a list and the type assigned to it; replaces
 * these files if it exists. */
void fake_card_put_function(FakeCard *self, guint number, const char *types, const char *assigned);
/* Returns a file of the function; free it. */
char *fake_card_get(FakeCard *self, const char *attribute);
void fake_card_remove(FakeCard *self, const char *attribute);

/* Binds the card's driver, again. */
void fake_card_bind(FakeCard *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FakeCard, fake_card_free)
