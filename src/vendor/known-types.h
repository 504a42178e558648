/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The types known of each card: those that any of its functions has listed since the card's driver
 * was bound, and those that the vendor's table names for the card. A function lists only what it
 * can take at the moment, but clients expect the other types of the card with no instances left.
 *
 * Each card has a file in the directory of state files, by which the types survive a restart of the
 * daemon, but not a reboot. Any thread.
 *
 * `card` and `inode` are those of md_vendor_find_card(): types that were listed before the card's
 * driver was bound again are not found.
 */
#pragma once

#include "vendor/vendor.h"

/* Maximum number of cards. Beyond it, the types of all cards are dropped. */
#define MD_KNOWN_TYPES_CARDS_MAX 1024

/* For md_vendor_set_up(): reads the files, the first time only. */
void md_known_types_set_up(const char *state_dir);

/* For a worker, as it may write the card's file: adds types that a function has listed, as
 * MdVgpuType. A type that is known keeps its name if the new one has none. Types beyond
 * MD_MDEV_TYPES_MAX are ignored. */
void md_known_types_learn(const char *card, guint64 inode, GPtrArray *types);

/* For a worker, likewise: adds the type of a function by its number alone, unless it is known. */
void md_known_types_learn_number(const char *card, guint64 inode, guint32 number);

/* Whether any type of the card is known. */
gboolean md_known_types_exist(const char *card, guint64 inode);

/* The types of the card as MdVgpuType, sorted by number; an empty array if none are known. */
GPtrArray *md_known_types_copy(const char *card, guint64 inode);

/* For a worker: adds the types of the vendor's table to those of the function's card. A type that
 * is known keeps its name. */
void md_known_types_learn_supported(const MdVendor *vendor, gpointer card, MdSysfsDir *function);

/* For a worker: the types that the function can take now, see MdVendor. Adds them and the table's
 * to the known types. */
GPtrArray *md_known_types_list_creatable(const MdVendor *vendor,
                                         gpointer card,
                                         MdSysfsDir *function,
                                         GError **error);
