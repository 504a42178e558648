/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The interface to vendors' drivers that assign vGPU types to the functions of a card. A card is a
 * physical function, a function is one of its virtual functions, and takes at most one vGPU. The
 * number of a type has a meaning for its vendor only; clients know the type as <vendor>-<number>.
 *
 * Only this room knows how a driver is queried. Whether a call below queries a driver is stated
 * there; a call that does may block indefinitely, and belongs on a worker.
 */
#pragma once

#include "kernel/sysfs.h"
#include "vendor/vgpu-type.h"

typedef struct {
    const char *name;       /* nvidia: the prefix of the ids of types */
    const char *driver;     /* of the functions */
    const char *empty_hint; /* for messages: why the functions of an unused card may take no type */

    /* `[vgpu] enable_command` enables all functions of a card, with this option and the kernel's
     * name of the card as arguments; NULL: there is no command. If it fails with this text in its
     * output, another attempt may succeed. */
    const char *enable_option;
    const char *enable_transient;

    /* Whether the driver offers types for this device, which is then a function, never a card. Does
     * not query the driver. */
    gboolean (*is_function)(MdSysfsDir *function);

    /*
     * The other calls are for workers, as they query the driver or read a disk. Errors are MD_ERROR
     * with the driver's errno.
     */

    /* Returns a handle for the calls on the card's functions, for one thread. `types_file` is the
     * vendor's table of types; problems with it are logged, and are no errors. */
    gpointer (*open)(MdSysfsDir *card, const char *types_file, GError **error);
    void (*close)(gpointer card);

    /* The types that the card supports in any of its modes, as MdVgpuType; an empty array if they
     * are unknown. */
    GPtrArray *(*list_supported)(gpointer card);
    /* The types, as MdVgpuType, that the function can take now. */
    GPtrArray *(*list_creatable)(gpointer card, MdSysfsDir *function, GError **error);
    /* The number of the function's type; 0: none. */
    gboolean (*read_assigned)(gpointer card, MdSysfsDir *function, guint32 *number, GError **error);

    /* Success and failure are those of the driver's call; only read_assigned() tells the result. */
    gboolean (*assign)(gpointer card, MdSysfsDir *function, guint32 number, GError **error);
    gboolean (*release)(gpointer card, MdSysfsDir *function, GError **error);

    /* Whether a document may have an attribute of this name: a parameter of vGPUs. Does not query
     * the driver. */
    gboolean (*is_parameter)(const char *name);
    /* Sets a parameter of the function's vGPU. VIR_ERR_INVALID_ARG if the value is no valid one. */
    gboolean (*set_parameter)(
        gpointer card, MdSysfsDir *function, const char *name, const char *value, GError **error);
} MdVendor;

/* To be called at the start, and after a reload of the settings: whether vendors' functions are
 * served, the table of types, and the directory of state files. If they are not served, the calls
 * below find no vendor. */
void md_vendor_set_up(gboolean enabled, const char *types_file, const char *state_dir);

/* The vendor of a function; NULL if the device is not a vendor's function at the moment. Does not
 * query the driver. */
const MdVendor *md_vendor_find(MdSysfsDir *function);

/* The vendor by the name of the driver bound to a function, or NULL. */
const MdVendor *md_vendor_find_driver(const char *driver);

/* The vendor and the number of a type's id, such as nvidia-1155; NULL for any other text. */
const MdVendor *md_vendor_parse_id(const char *id, guint32 *number);
char *md_vendor_make_id(const MdVendor *vendor, guint32 number);

/* The path of a function's card; NULL if the device is not a virtual function, or its card has
 * gone. Does not query the driver. */
char *md_vendor_get_card(MdSysfsDir *function);

/* Calls `func` for each function of a card, whether or not it is a vendor's; `function` is valid
 * during the call only. */
typedef void (*MdVendorFunctionFunc)(MdSysfsDir *function, gpointer data);
void md_vendor_foreach_function(MdSysfsDir *card, MdVendorFunctionFunc func, gpointer data);

/* Sets the card and its inode as known-types.h uses them: the path of the card, and the inode of
 * its link to the driver. FALSE if the card has gone, or has no driver. Does not query the
 * driver. */
gboolean md_vendor_find_card(MdSysfsDir *function, char **card, guint64 *inode);

/* For a worker: a handle of the function's card, with the table of types from the settings, to be
 * closed by the vendor's close(). */
gpointer md_vendor_open_card(const MdVendor *vendor, MdSysfsDir *function, GError **error);
