/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Open directories of sysfs. An open directory stays bound to its kernel object: if the device is
 * removed and another one takes its path, calls fail instead of reaching the new device.
 *
 * Errors are MD_ERROR with the kernel's errno (md_error_get_errno()). Reading or writing an
 * attribute may reach a driver, which may block indefinitely. Such calls belong on a worker, see
 * util/worker.h.
 */
#pragma once

#include <glib.h>

/* Maximum size of an attribute in bytes; the kernel returns at most one page. */
#define MD_SYSFS_ATTRIBUTE_MAX 65536

typedef struct _MdSysfsDir MdSysfsDir;

MdSysfsDir *md_sysfs_dir_open(const char *path, GError **error);
MdSysfsDir *md_sysfs_dir_open_child(MdSysfsDir *self, const char *name, GError **error);
void md_sysfs_dir_free(MdSysfsDir *self);

const char *md_sysfs_dir_get_path(MdSysfsDir *self);

/* The inode number, which distinguishes a device from a later one with the same path. */
guint64 md_sysfs_dir_get_inode(MdSysfsDir *self);

/* FALSE once the kernel has begun to remove the device: the kernel removes the attribute `uevent`
 * before it sends the remove event. */
gboolean md_sysfs_dir_is_alive(MdSysfsDir *self);

/* To be called after md_sysfs_dir_is_alive(). Whether the device was alive at that call, and its
 * path still leads to this directory. */
gboolean md_sysfs_dir_is_in_place(MdSysfsDir *self);

/* The inode number of an entry below the directory; links are followed. 0 if the entry does not
 * exist. */
guint64 md_sysfs_dir_find_inode(MdSysfsDir *self, const char *name);

/* The same, but if the entry is a link, the inode number of the link itself: the kernel makes a new
 * link to the driver at each bind. */
guint64 md_sysfs_dir_find_link(MdSysfsDir *self, const char *name);

/* The inode number of a directory below this one; 0 if it does not exist. Sets `n_directories` to
 * the number of its subdirectories, from the kernel's link count. */
guint64 md_sysfs_dir_find_directory(MdSysfsDir *self, const char *name, guint *n_directories);

/* The inode number of a path; 0 if it does not exist. */
guint64 md_sysfs_find_inode(const char *path);

gboolean md_sysfs_dir_has(MdSysfsDir *self, const char *name);

/* The text of an attribute without trailing white space. `name` may be a path; links are
 * followed. */
char *md_sysfs_dir_read(MdSysfsDir *self, const char *name, GError **error);

/* A string of a device or of firmware, as libvirt shows it: without the trailing newline, but with
 * blanks. NULL if the attribute is missing or has no printable character. */
char *md_sysfs_dir_read_text(MdSysfsDir *self, const char *name);

/* The raw bytes of an attribute, at most `max` (PCI configuration space, VPD). */
GBytes *md_sysfs_dir_read_bytes(MdSysfsDir *self, const char *name, gsize max, GError **error);

/* The size of a file, 0 if it does not exist. Meaningful for binary attributes only. */
gsize md_sysfs_dir_get_size(MdSysfsDir *self, const char *name);

/* Reads a decimal number, or a hexadecimal one with the prefix 0x. FALSE if the attribute is
 * missing or not a number. */
gboolean md_sysfs_dir_read_int(MdSysfsDir *self, const char *name, gint64 *value);

/* Reads a hexadecimal number, with or without the prefix 0x. 0 if the attribute is missing or not a
 * number. */
guint md_sysfs_dir_read_hex(MdSysfsDir *self, const char *name);

/* The last component of the target of a link; NULL if there is no such link. */
char *md_sysfs_dir_read_link(MdSysfsDir *self, const char *name);

/* The number of a device's IOMMU group; -1 if it has none. */
int md_sysfs_dir_read_iommu_group(MdSysfsDir *self);

/* The target of a link as an absolute path without links; NULL if there is no such link. */
char *md_sysfs_dir_resolve_link(MdSysfsDir *self, const char *name);

/* A directory entry. The inode number is that of the entry itself, even if the entry is a link. */
typedef struct {
    char *name;
    guint64 inode;
} MdSysfsEntry;

/* The entries of a subdirectory as MdSysfsEntry, sorted by name; an empty array if it does not
 * exist. */
GPtrArray *md_sysfs_dir_list_entries(MdSysfsDir *self, const char *name);

/* The names in a subdirectory, sorted; an empty array if it does not exist. */
GPtrArray *md_sysfs_dir_list(MdSysfsDir *self, const char *name);

/* FALSE if this process may not open the attribute for writing; errno contains the cause. */
gboolean md_sysfs_dir_may_write(MdSysfsDir *self, const char *name);

/* Writes to an attribute named by the daemon, such as `create` or `remove`. */
gboolean md_sysfs_dir_write(MdSysfsDir *self, const char *name, const char *text, GError **error);

/* Writes to an attribute named by a client, whose name must be a relative path strictly below the
 * directory, without `..`, links, or directories of other devices (otherwise VIR_ERR_INVALID_ARG).
 * Appends a newline, because some drivers drop the last character. */
gboolean
md_sysfs_dir_write_beneath(MdSysfsDir *self, const char *name, const char *text, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdSysfsDir, md_sysfs_dir_free)
