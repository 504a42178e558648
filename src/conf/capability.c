/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of kinds, and the functions common to all of them. */
#include "config.h"

#include "conf/capability.h"

#include <string.h>

static const MdCapKind *const kinds[] = {
    &md_cap_kind_system,      &md_cap_kind_pci,        &md_cap_kind_css,
    &md_cap_kind_ap_matrix,   &md_cap_kind_mdev_types, &md_cap_kind_mdev,
    &md_cap_kind_scsi_host,   &md_cap_kind_fc_host,    &md_cap_kind_vports,
    &md_cap_kind_scsi_target, &md_cap_kind_scsi,       &md_cap_kind_scsi_generic,
    &md_cap_kind_ccw,         &md_cap_kind_ccwgroup,   &md_cap_kind_ccwgroup_member,
    &md_cap_kind_ap_card,     &md_cap_kind_ap_queue,   &md_cap_kind_vpd,
    &md_cap_kind_usb_device,  &md_cap_kind_usb,        &md_cap_kind_drm,
    &md_cap_kind_net,         &md_cap_kind_storage,    &md_cap_kind_vdpa,
};


const MdCapKind *
md_cap_kind_find(const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (g_str_equal(kinds[i]->name, name))
            return kinds[i];
    }
    return NULL;
}


gboolean
md_cap_kind_may_be_parent(const MdCapKind *kind)
{
    return kind->make_address != NULL;
}


char *
md_cap_kind_make_address(const char *device)
{
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        char *address = md_cap_kind_may_be_parent(kinds[i]) ? kinds[i]->make_address(device) : NULL;

        if (address != NULL)
            return address;
    }
    return NULL;
}


MdCap *
md_cap_new(const MdCapKind *kind)
{
    MdCap *cap = g_malloc0(kind->size);

    cap->kind = kind;
    if (kind->init != NULL)
        kind->init(cap);
    return cap;
}


MdCap *
md_cap_copy(const MdCap *cap)
{
    const MdCapKind *kind = cap->kind;
    MdCap *copy = NULL;

    if (kind->copy == NULL)
        return g_memdup2(cap, kind->size);

    copy = g_malloc0(kind->size);
    copy->kind = kind;
    kind->copy(copy, cap);
    return copy;
}


void
md_cap_free(MdCap *cap)
{
    if (cap == NULL)
        return;

    if (cap->kind->clear != NULL)
        cap->kind->clear(cap);
    g_free(cap);
}
