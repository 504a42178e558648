/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Nodes of graphics drivers. Other devices of the subsystem, such as connectors, are ignored. */
#include "config.h"

#include "conf/cap-drm.h"
#include "probe/probe.h"

#define DEVTYPE_MINOR  "drm_minor"
#define PROPERTY_MINOR "MINOR"

/* Minor numbers per type, in the order of MdDrmType. Larger numbers may belong to any type. */
#define MINORS_PER_TYPE 64

static const char *const name_prefixes[] = {
    [MD_DRM_PRIMARY] = "card",
    [MD_DRM_CONTROL] = "controlD",
    [MD_DRM_RENDER] = "renderD",
};


/* The minor number determines the type; if it is larger than those of all types, the name does. */
static MdDrmType
find_type(MdUdevDevice *device)
{
    const char *minor = md_udev_device_get_property(device, PROPERTY_MINOR);
    guint64 number = 0;

    if (minor != NULL &&
        g_ascii_string_to_unsigned(minor, 10, 0, MINORS_PER_TYPE * MD_DRM_N_TYPES - 1, &number,
                                   NULL))
        return (MdDrmType)(number / MINORS_PER_TYPE);

    for (guint type = 0; type < MD_DRM_N_TYPES; type++) {
        if (g_str_has_prefix(md_udev_device_get_name(device), name_prefixes[type]))
            return type;
    }
    return MD_DRM_PRIMARY;
}


static gboolean
probe(MdUdevDevice *device, MdSysfsDir *dir G_GNUC_UNUSED, MdNodeDeviceDef *def)
{
    MdCapDrm *cap = md_node_device_def_add_cap(def, &md_cap_kind_drm);

    cap->type = find_type(device);
    def->name = md_node_device_make_name("drm", md_udev_device_get_name(device), NULL);
    return TRUE;
}


const MdProbe md_probe_drm = {
    .kind = &md_cap_kind_drm,
    .subsystem = "drm",
    .devtype = DEVTYPE_MINOR,
    .driverless = TRUE,
    .probe = probe,
};
