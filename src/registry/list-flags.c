/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "registry/list-flags.h"

#include "util/error.h"

/* The groups of flags. CAPS contains all capabilities up to ccwgroup_member. The flags are written
 * as bits, because some of their names are new in libvirt 10.1. */
#define CAPS        ((1U << 24) - 1)
#define PERSISTENT  (1U << 28)
#define TRANSIENT   (1U << 29)
#define INACTIVE    (1U << 30)
#define ACTIVE      (1U << 31)
#define PERSISTENCE (PERSISTENT | TRANSIENT)
#define ACTIVITY    (INACTIVE | ACTIVE)


gboolean
md_list_flags_check(guint wanted, GError **error)
{
    return md_error_check_flags(wanted, CAPS | PERSISTENCE | ACTIVITY, VIR_FROM_NODEDEV,
                                "virConnectListAllNodeDevices", error);
}


guint
md_list_flags_get(const MdNodeDevice *device)
{
    return md_node_device_def_get_flags(device->def) | (device->active ? ACTIVE : INACTIVE) |
           (md_node_device_is_persistent(device) ? PERSISTENT : TRANSIENT);
}


static gboolean
group_matches(guint own, guint wanted)
{
    return wanted == 0 || (own & wanted) != 0;
}


gboolean
md_list_flags_match(guint own, guint wanted)
{
    return group_matches(own, wanted & CAPS) && group_matches(own, wanted & PERSISTENCE) &&
           group_matches(own, wanted & ACTIVITY);
}
