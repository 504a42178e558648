/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads the attributes of a SCSI host (`dir`) for Fibre Channel and virtual ports. Names are
 * normalized by md_wwn_normalize(). No function queries the driver unless its comment says so. */
#pragma once

#include "kernel/sysfs.h"

gboolean md_fc_host_exists(MdSysfsDir *dir);

/* FALSE if the names are unavailable. */
gboolean md_fc_host_read_names(MdSysfsDir *dir, char **wwnn, char **wwpn);

/* Whether the driver has set the host's names. */
gboolean md_fc_host_is_named(MdSysfsDir *dir);

/* NULL if there is none. Queries the driver. */
char *md_fc_host_read_fabric(MdSysfsDir *dir);

/* Queries the driver. */
gboolean md_fc_host_is_online(MdSysfsDir *dir);

/* The limit and the number of virtual ports; FALSE if unavailable. `has_ops`, which may be NULL,
 * tells whether ports can be created. */
gboolean md_fc_host_read_vports(MdSysfsDir *dir, gboolean *has_ops, guint *max, guint *in_use);

/* Whether the host with this path belongs to a virtual port. */
gboolean md_fc_host_is_virtual(const char *path);

/* Create or delete the virtual port with these names by a write to an attribute of the host. Both
 * functions block until the driver has returned. */
gboolean
md_fc_host_write_create(MdSysfsDir *dir, const char *wwnn, const char *wwpn, GError **error);
gboolean
md_fc_host_write_delete(MdSysfsDir *dir, const char *wwnn, const char *wwpn, GError **error);

/* Paths of the hosts of all virtual ports of this host. */
GPtrArray *md_fc_host_list_virtual(MdSysfsDir *dir);
