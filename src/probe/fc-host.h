/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What sysfs says of Fibre Channel and of virtual ports below the directory of a SCSI host (`dir`).
 * Names are as md_wwn_normalize() has them. What asks a driver says so.
 */
#pragma once

#include "kernel/sysfs.h"

gboolean md_fc_host_exists(MdSysfsDir *dir);

/* FALSE if they are not to be had. */
gboolean md_fc_host_read_names(MdSysfsDir *dir, char **wwnn, char **wwpn);

/* Whether its driver has said by now what its names are. */
gboolean md_fc_host_is_named(MdSysfsDir *dir);

/* NULL if there is none. Asks the driver. */
char *md_fc_host_read_fabric(MdSysfsDir *dir);

/* Whether it is connected. Asks the driver. */
gboolean md_fc_host_is_online(MdSysfsDir *dir);

/* How many virtual ports there may be below it and are; FALSE if that is not to be had. `has_ops`,
 * which may be NULL: whether any can be made. */
gboolean md_fc_host_read_vports(MdSysfsDir *dir, gboolean *has_ops, guint *max, guint *in_use);

/* From a path: whether such a host is itself that of a virtual port. */
gboolean md_fc_host_is_virtual(const char *path);

/* The attributes that make and end virtual ports. */
gboolean
md_fc_host_write_create(MdSysfsDir *dir, const char *wwnn, const char *wwpn, GError **error);
gboolean
md_fc_host_write_delete(MdSysfsDir *dir, const char *wwnn, const char *wwpn, GError **error);

/* Paths of the hosts of all its virtual ports. */
GPtrArray *md_fc_host_list_virtual(MdSysfsDir *dir);
