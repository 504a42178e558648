/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "probe/fc-host.h"

#include <string.h>

#include "conf/wwn.h"
#include "util/names.h"

#define CLASS_SCSI_HOST "scsi_host"
#define PREFIX_VPORT    "vport-"
#define PREFIX_HOST     "host"

#define ATTR_NODE_NAME    "node_name"
#define ATTR_PORT_NAME    "port_name"
#define ATTR_FABRIC_NAME  "fabric_name"
#define ATTR_PORT_STATE   "port_state"
#define ATTR_MAX_VPORTS   "max_npiv_vports"
#define ATTR_VPORTS       "npiv_vports_inuse"
#define ATTR_VPORT_CREATE "vport_create"
#define ATTR_VPORT_DELETE "vport_delete"

#define STATE_ONLINE "Online"
/* The kernel prints this value for a name that no driver has set. */
#define WWN_UNSET "ffffffffffffffff"


/* The path of an attribute below `dir`, the directory of hostN: fc_host/hostN/NAME. */
static char *
make_path(MdSysfsDir *dir, const char *class, const char *name)
{
    const char *host = strrchr(md_sysfs_dir_get_path(dir), '/');

    return g_strconcat(class, host, "/", name, NULL);
}


static char *
read_text(MdSysfsDir *dir, const char *name)
{
    g_autofree char *path = make_path(dir, MD_CLASS_FC_HOST, name);

    return md_sysfs_dir_read(dir, path, NULL);
}


static char *
read_wwn(MdSysfsDir *dir, const char *name)
{
    g_autofree char *text = read_text(dir, name);

    return text != NULL ? md_wwn_normalize(text, 1) : NULL;
}


gboolean
md_fc_host_exists(MdSysfsDir *dir)
{
    g_autofree char *path = make_path(dir, MD_CLASS_FC_HOST, ".");

    return md_sysfs_dir_has(dir, path);
}


gboolean
md_fc_host_read_names(MdSysfsDir *dir, char **wwnn, char **wwpn)
{
    g_autofree char *node_name = read_wwn(dir, ATTR_NODE_NAME);
    g_autofree char *port_name = node_name != NULL ? read_wwn(dir, ATTR_PORT_NAME) : NULL;

    if (port_name == NULL)
        return FALSE;
    *wwnn = g_steal_pointer(&node_name);
    *wwpn = g_steal_pointer(&port_name);
    return TRUE;
}


gboolean
md_fc_host_is_named(MdSysfsDir *dir)
{
    g_autofree char *wwnn = NULL;
    g_autofree char *wwpn = NULL;

    return md_fc_host_read_names(dir, &wwnn, &wwpn) && !g_str_equal(wwnn, WWN_UNSET) &&
           !g_str_equal(wwpn, WWN_UNSET);
}


char *
md_fc_host_read_fabric(MdSysfsDir *dir)
{
    return read_wwn(dir, ATTR_FABRIC_NAME);
}


gboolean
md_fc_host_is_online(MdSysfsDir *dir)
{
    g_autofree char *state = read_text(dir, ATTR_PORT_STATE);

    return g_strcmp0(state, STATE_ONLINE) == 0;
}


/* The class that has the attribute: fc_host, or scsi_host with older drivers. NULL: neither. */
static const char *
find_class(MdSysfsDir *dir, const char *name)
{
    static const char *const classes[] = { MD_CLASS_FC_HOST, CLASS_SCSI_HOST };

    for (guint i = 0; i < G_N_ELEMENTS(classes); i++) {
        g_autofree char *path = make_path(dir, classes[i], name);

        if (md_sysfs_dir_has(dir, path))
            return classes[i];
    }
    return NULL;
}


static gboolean
read_number(MdSysfsDir *dir, const char *class, const char *name, guint *number)
{
    g_autofree char *path = make_path(dir, class, name);
    gint64 value = 0;

    if (!md_sysfs_dir_read_int(dir, path, &value) || value < 0 || value > G_MAXINT)
        return FALSE;
    *number = (guint)value;
    return TRUE;
}


gboolean
md_fc_host_read_vports(MdSysfsDir *dir, gboolean *has_ops, guint *max, guint *in_use)
{
    const char *class = find_class(dir, ATTR_VPORT_CREATE);

    if (has_ops != NULL)
        *has_ops = class != NULL;
    return class != NULL && read_number(dir, class, ATTR_MAX_VPORTS, max) &&
           read_number(dir, class, ATTR_VPORTS, in_use);
}


gboolean
md_fc_host_is_virtual(const char *path)
{
    g_autofree char *above = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(above);

    return g_str_has_prefix(name, PREFIX_VPORT);
}


static gboolean
write_port(
    MdSysfsDir *dir, const char *attribute, const char *wwnn, const char *wwpn, GError **error)
{
    const char *class = find_class(dir, attribute);
    g_autofree char *path = make_path(dir, class != NULL ? class : MD_CLASS_FC_HOST, attribute);
    g_autofree char *port = g_strdup_printf("%s:%s", wwpn, wwnn);

    return md_sysfs_dir_write(dir, path, port, error);
}


gboolean
md_fc_host_write_create(MdSysfsDir *dir, const char *wwnn, const char *wwpn, GError **error)
{
    return write_port(dir, ATTR_VPORT_CREATE, wwnn, wwpn, error);
}


gboolean
md_fc_host_write_delete(MdSysfsDir *dir, const char *wwnn, const char *wwpn, GError **error)
{
    return write_port(dir, ATTR_VPORT_DELETE, wwnn, wwpn, error);
}


GPtrArray *
md_fc_host_list_virtual(MdSysfsDir *dir)
{
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) ports = md_sysfs_dir_list(dir, ".");

    for (guint i = 0; i < ports->len; i++) {
        const char *port = g_ptr_array_index(ports, i);
        g_autoptr(GPtrArray) names = NULL;

        if (!g_str_has_prefix(port, PREFIX_VPORT))
            continue;
        names = md_sysfs_dir_list(dir, port);
        for (guint k = 0; k < names->len; k++) {
            const char *name = g_ptr_array_index(names, k);

            if (g_str_has_prefix(name, PREFIX_HOST))
                g_ptr_array_add(paths,
                                g_build_filename(md_sysfs_dir_get_path(dir), port, name, NULL));
        }
    }
    return paths;
}
