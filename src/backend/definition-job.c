/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "backend/definition-job.h"

#include "conf/cap-mdev.h"
#include "probe/probe.h"

struct _MdDefinitionJob {
    const MdDefinitionOps *ops;

    MdNodeDeviceDef *def; /* of the parent, or of the active device */
    guint64 inode;

    char *type_id;
    char *type_name;
    GPtrArray *attrs; /* of MdMdevAttr; NULL: resolves a type */
    guint n_written;
};


static MdDefinitionJob *
job_new(const MdDefinitionOps *ops, MdNodeDevice *device)
{
    MdDefinitionJob *self = g_atomic_rc_box_new0(MdDefinitionJob);

    self->ops = ops;
    self->def = md_node_device_def_ref(device->def);
    self->inode = device->inode;
    return self;
}


MdDefinitionJob *
md_definition_job_new_resolve(const MdDefinitionOps *ops,
                              MdNodeDevice *parent,
                              const char *type_id,
                              const char *type_name)
{
    MdDefinitionJob *self = job_new(ops, parent);

    self->type_id = g_strdup(type_id);
    self->type_name = g_strdup(type_name);
    return self;
}


MdDefinitionJob *
md_definition_job_new_write(const MdDefinitionOps *ops, MdNodeDevice *device, GPtrArray *attrs)
{
    MdDefinitionJob *self = job_new(ops, device);

    self->attrs = md_mdev_attrs_copy(attrs);
    return self;
}


MdDefinitionJob *
md_definition_job_ref(MdDefinitionJob *self)
{
    return g_atomic_rc_box_acquire(self);
}


static void
job_clear(MdDefinitionJob *self)
{
    md_node_device_def_unref(self->def);
    g_free(self->type_id);
    g_free(self->type_name);
    g_clear_pointer(&self->attrs, g_ptr_array_unref);
}


void
md_definition_job_unref(MdDefinitionJob *self)
{
    g_atomic_rc_box_release_full(self, (GDestroyNotify)job_clear);
}


const char *
md_definition_job_get_type(MdDefinitionJob *self)
{
    return self->type_id;
}


guint
md_definition_job_count_written(MdDefinitionJob *self)
{
    return self->n_written;
}


static MdSysfsDir *
job_open(const MdDefinitionJob *self, GError **error)
{
    return md_probe_open(self->def->name, self->def->path, self->inode, error);
}


gboolean
md_definition_job_resolve(gpointer job, GError **error)
{
    MdDefinitionJob *self = job;
    g_autoptr(MdSysfsDir) parent = job_open(self, error);
    char *id = NULL;

    if (parent == NULL)
        return FALSE;
    id = self->ops->resolve_type(parent, self->type_id, self->type_name, error);
    if (id == NULL) {
        g_prefix_error(error, "parent '%s': ", self->def->name);
        return FALSE;
    }
    g_free(self->type_id);
    self->type_id = id;
    return TRUE;
}


gboolean
md_definition_job_write(gpointer job, GError **error)
{
    MdDefinitionJob *self = job;
    g_autoptr(MdSysfsDir) dir = job_open(self, error);

    return dir != NULL &&
           self->ops->write_attrs(dir, self->def, self->attrs, &self->n_written, error);
}
