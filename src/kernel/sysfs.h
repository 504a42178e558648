/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Directories of sysfs, held open. Whoever opened a directory keeps talking to that very kernel
 * object: when the device goes and another one takes its path, the calls fail instead of reaching
 * the new one.
 *
 * Errors are MD_ERROR with the kernel's errno (md_error_get_errno()). Calls that reach a driver
 * (read and write of an attribute) may block for as long as the driver likes: they belong on a
 * worker, see util/worker.h.
 */
#pragma once

#include <glib.h>

/* The kernel hands out at most one page per attribute; more than that is not an attribute. In
 * bytes. */
#define MD_SYSFS_ATTRIBUTE_MAX 65536

typedef struct _MdSysfsDir MdSysfsDir;

MdSysfsDir *md_sysfs_dir_open(const char *path, GError **error);
MdSysfsDir *md_sysfs_dir_open_child(MdSysfsDir *self, const char *name, GError **error);
void md_sysfs_dir_free(MdSysfsDir *self);

const char *md_sysfs_dir_get_path(MdSysfsDir *self);

/* The inode number tells a device from another one that later takes the same path. */
guint64 md_sysfs_dir_get_inode(MdSysfsDir *self);

/* FALSE once the kernel has begun to remove the device: its uevent attribute goes before the remove
 * event is sent. */
gboolean md_sysfs_dir_is_alive(MdSysfsDir *self);

/* Whether it is alive, and its path leads to it still, if it has been asked before whether it is
 * alive. */
gboolean md_sysfs_dir_is_in_place(MdSysfsDir *self);

/* The inode number of what is below the directory, behind a link too; 0 if there is nothing. */
guint64 md_sysfs_dir_find_inode(MdSysfsDir *self, const char *name);

/* The same of a directory, and how many it holds in turn: the kernel counts the links of their
 * `..`.
 */
guint64 md_sysfs_dir_find_directory(MdSysfsDir *self, const char *name, guint *n_directories);

/* The inode number of what is at a path now; 0 if there is nothing. */
guint64 md_sysfs_find_inode(const char *path);

gboolean md_sysfs_dir_has(MdSysfsDir *self, const char *name);

/* The text of an attribute without its trailing newline; `name` may be a path, links are followed.
 */
char *md_sysfs_dir_read(MdSysfsDir *self, const char *name, GError **error);

/*
 * A text that a device or a firmware tells of itself, as libvirt shows it: blanks are kept, a line
 * end is not. NULL if the attribute is missing, or nothing in it could be printed.
 */
char *md_sysfs_dir_read_text(MdSysfsDir *self, const char *name);

/* An attribute as raw bytes, at most `max` of them (PCI config space, VPD). */
GBytes *md_sysfs_dir_read_bytes(MdSysfsDir *self, const char *name, gsize max, GError **error);

/* What the kernel says of a file's size, 0 if it is not there: true of binary attributes only. */
gsize md_sysfs_dir_get_size(MdSysfsDir *self, const char *name);

/* A number in decimal or, after 0x, in hexadecimal. FALSE if the attribute is missing or no number.
 */
gboolean md_sysfs_dir_read_int(MdSysfsDir *self, const char *name, gint64 *value);

/* A number in hexadecimal, with or without 0x; 0 if the attribute is missing or no number. */
guint md_sysfs_dir_read_hex(MdSysfsDir *self, const char *name);

/* The last component of what a link points at, NULL if there is no such link. */
char *md_sysfs_dir_read_link(MdSysfsDir *self, const char *name);

/* Where a link leads to, as an absolute path without links; NULL if there is no such link. */
char *md_sysfs_dir_resolve_link(MdSysfsDir *self, const char *name);

/* What a directory holds. The inode number is that of a directory, attribute or link itself. */
typedef struct {
    char *name;
    guint64 inode;
} MdSysfsEntry;

/* Of MdSysfsEntry, sorted by name; an empty array if there is no such subdirectory. */
GPtrArray *md_sysfs_dir_list_entries(MdSysfsDir *self, const char *name);

/* The names in a subdirectory, sorted; an empty array if it is not there. */
GPtrArray *md_sysfs_dir_list(MdSysfsDir *self, const char *name);

/* Writes to an attribute of ours to name (`create`, `remove`). */
/* FALSE if this process could not open the attribute to write it; errno says why. */
gboolean md_sysfs_dir_may_write(MdSysfsDir *self, const char *name);
gboolean md_sysfs_dir_write(MdSysfsDir *self, const char *name, const char *text, GError **error);

/*
 * Writes to an attribute that a client named: a relative path strictly below the directory, never
 * through `..`, a link or the directory of another device (VIR_ERR_INVALID_ARG otherwise). A
 * newline is appended, as some drivers drop the last character.
 */
gboolean
md_sysfs_dir_write_beneath(MdSysfsDir *self, const char *name, const char *text, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdSysfsDir, md_sysfs_dir_free)
