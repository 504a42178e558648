/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "registry/node-device.h"


MdNodeDevice *
md_node_device_new(MdNodeDeviceDef *def, guint64 inode)
{
    MdNodeDevice *self = g_rc_box_new0(MdNodeDevice);

    self->def = def;
    self->active = TRUE;
    self->inode = inode;
    return self;
}


MdNodeDevice *
md_node_device_ref(MdNodeDevice *self)
{
    return g_rc_box_acquire(self);
}


static void
node_device_clear(MdNodeDevice *self)
{
    md_node_device_def_unref(self->def);
    md_definition_unref(self->definition);
}


void
md_node_device_unref(MdNodeDevice *self)
{
    if (self != NULL)
        g_rc_box_release_full(self, (GDestroyNotify)node_device_clear);
}


gboolean
md_node_device_is_definable(const MdNodeDevice *self)
{
    return md_node_device_def_get_kind(self->def)->is_definable;
}


static gboolean
is_permanent(const MdNodeDevice *self)
{
    return md_node_device_def_get_kind(self->def)->is_permanent;
}


gboolean
md_node_device_may_be_parent(const MdNodeDevice *self)
{
    return md_cap_kind_may_be_parent(md_node_device_def_get_kind(self->def));
}


gboolean
md_node_device_is_persistent(const MdNodeDevice *self)
{
    return self->definition != NULL || is_permanent(self);
}


gboolean
md_node_device_is_autostart(const MdNodeDevice *self)
{
    return self->definition != NULL ? self->definition->autostart : is_permanent(self);
}
