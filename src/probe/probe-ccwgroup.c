/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Groups of channel-attached s390 devices. Groups that are not qeth cards (lcs, ctcm) are listed
 * because the documents of their members name them. */
#include "config.h"

#include "conf/cap-ccwgroup.h"
#include "probe/probe-ccw.h"
#include "probe/probe.h"
#include "util/names.h"

#define PREFIX_MEMBER  "cdev"
#define ATTR_CARD_TYPE "card_type"
#define ATTR_CHPID     "chpid"


static void
read_members(MdCapCcwGroup *cap, MdSysfsDir *dir)
{
    g_autoptr(GPtrArray) names = md_sysfs_dir_list(dir, ".");

    g_ptr_array_set_size(cap->members, 0);
    for (guint i = 0; i < names->len && cap->members->len < MD_CCWGROUP_MEMBERS_MAX; i++) {
        const char *ref = g_ptr_array_index(names, i);
        g_autofree char *target =
            g_str_has_prefix(ref, PREFIX_MEMBER) ? md_sysfs_dir_read_link(dir, ref) : NULL;
        g_autofree char *member = NULL;

        if (target == NULL)
            continue;
        member = md_node_device_make_name(md_cap_kind_ccw.name, target, NULL);
        md_ccwgroup_members_add(cap->members, ref, member);
    }
}


static gboolean
probe(MdUdevDevice *device, MdSysfsDir *dir, MdNodeDeviceDef *def)
{
    const char *name = md_udev_device_get_name(device);
    MdCapCcwGroup *cap = NULL;
    MdCcwAddress address;

    if (!md_ccw_address_parse(name, &address))
        return FALSE;

    cap = md_node_device_def_add_cap(def, &md_cap_kind_ccwgroup);
    cap->address = address;
    cap->type = md_ccwgroup_type_find(md_udev_device_get_devtype(device));
    cap->state = md_ccw_state_read(dir);
    read_members(cap, dir);
    if (cap->type == MD_CCWGROUP_OTHER && cap->members->len == 0)
        return FALSE;
    def->name = md_node_device_make_name("ccwgroup", name, NULL);
    return TRUE;
}


/* The kernel sends an event for the group, but not for the devices that become its members. */
static void
list_affected(const MdNodeDeviceDef *def, GPtrArray *names)
{
    const MdCapCcwGroup *cap = md_node_device_def_get_cap(def, &md_cap_kind_ccwgroup);

    for (guint i = 0; i < cap->members->len; i++) {
        const MdCcwGroupMember *member = g_ptr_array_index(cap->members, i);

        g_ptr_array_add(names, g_strdup(member->device));
    }
}


static gboolean
refresh(MdNodeDeviceDef *def, MdSysfsDir *dir)
{
    MdCapCcwGroup *cap = md_node_device_def_get_cap(def, &md_cap_kind_ccwgroup);

    cap->state = md_ccw_state_read(dir);
    read_members(cap, dir);
    return TRUE;
}


/* The driver provides the attributes of the card. */
static gboolean
query_driver(MdNodeDeviceDef *def, MdSysfsDir *dir, GError **error G_GNUC_UNUSED)
{
    MdCapCcwGroup *cap = md_node_device_def_get_cap(def, &md_cap_kind_ccwgroup);

    g_free(cap->card_type);
    cap->card_type = md_sysfs_dir_read(dir, ATTR_CARD_TYPE, NULL);
    g_free(cap->chpid);
    cap->chpid = md_sysfs_dir_read(dir, ATTR_CHPID, NULL);
    return TRUE;
}


const MdProbe md_probe_ccwgroup = {
    .kind = &md_cap_kind_ccwgroup,
    .subsystem = MD_SUBSYSTEM_CCWGROUP,
    .probe = probe,
    .list_affected = list_affected,
    .refresh = refresh,
    .query_driver = query_driver,
    .asks_driver = md_probe_always_asks,
};
