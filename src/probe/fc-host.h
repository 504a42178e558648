/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads Fibre Channel and virtual port attributes below the directory of a SCSI host (`dir`). Names
 * are normalized by md_wwn_normalize(). Functions that query a driver say so.
 */
#pragma once

#include "kernel/sysfs.h"

gboolean md_fc_host_exists(MdSysfsDir *dir);

/* FALSE if the names are unavailable. */
gboolean md_fc_host_read_names(MdSysfsDir *dir, char **wwnn, char **wwpn);

/* Whether the driver has set the host's names. */
gboolean md_fc_host_is_named(MdSysfsDir *dir);

/* NULL if there is none. Queries the driver. */
char *md_fc_host_read_fabric(MdSysfsDir *dir);

/* Whether the host is online. Queries the driver. */
gboolean md_fc_host_is_online(MdSysfsDir *dir);

/* Limit and number of virtual ports; FALSE if unavailable. `has_ops`, which may be NULL: whether
 * ports can be created. */
gboolean md_fc_host_read_vports(MdSysfsDir *dir, gboolean *has_ops, guint *max, guint *in_use);

/* Whether the host with this path belongs to a virtual port. */
gboolean md_fc_host_is_virtual(const char *path);

/* Write the names to the attribute of the host that creates or deletes a virtual port. Both
 * functions block until the driver has returned. */
gboolean
md_fc_host_write_create(MdSysfsDir *dir, const char *wwnn, const char *wwpn, GError **error);
gboolean
md_fc_host_write_delete(MdSysfsDir *dir, const char *wwnn, const char *wwpn, GError **error);

/* Paths of the hosts of all virtual ports of this host. */
GPtrArray *md_fc_host_list_virtual(MdSysfsDir *dir);
