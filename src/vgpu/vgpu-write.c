/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "vgpu/vgpu-write.h"

#include <errno.h>
#include <string.h>

#include "backend/vfio-use.h"
#include "conf/cap-mdev.h"
#include "probe/vgpu-types.h"
#include "util/error.h"
#include "vendor/known-types.h"
#include "vgpu/vgpu-refusal.h"

struct _MdVgpuWrite {
    GPtrArray *targets; /* of MdVgpuTarget: candidates, in order */
    char *name;         /* of the vGPU; NULL: it is to be created */
    char *state_dir;
    MdRoots *roots;

    char *wanted_id;   /* of the type, as in the document; or NULL */
    char *wanted_name; /* likewise */
    char *uuid;
    GPtrArray *attrs; /* of MdMdevAttr, to be set; NULL: none */

    /* The result. */
    const MdVgpuTarget *target; /* the chosen function, in `targets` */
    char *type_id;
    guint32 number;
    int iommu_group;
    gboolean taken; /* another program has assigned a type to the chosen function */
    gboolean busy;  /* a process of the driver still holds the vGPU */
    gboolean gone;
    guint n_tried; /* number of `targets` tried so far */
};


static MdVgpuWrite *
write_new(const MdSettings *settings, const MdNodeDeviceDef *def)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);
    MdVgpuWrite *self = g_atomic_rc_box_new0(MdVgpuWrite);

    self->targets = g_ptr_array_new_with_free_func((GDestroyNotify)md_vgpu_target_free);
    self->state_dir = g_strdup(settings->state_dir);
    self->roots = md_roots_ref(settings->roots);
    self->uuid = cap->uuid != NULL ? g_strdup(cap->uuid) : g_uuid_string_random();
    self->iommu_group = -1;
    return self;
}


MdVgpuWrite *
md_vgpu_write_new_create(const MdSettings *settings,
                         GPtrArray *functions,
                         const MdNodeDeviceDef *def)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);
    MdVgpuWrite *self = write_new(settings, def);

    for (guint i = 0; i < functions->len; i++)
        g_ptr_array_add(self->targets, md_vgpu_target_new(g_ptr_array_index(functions, i)));
    self->wanted_id = g_strdup(cap->type_id);
    self->wanted_name = g_strdup(cap->type_name);
    self->attrs = md_mdev_attrs_copy(cap->attrs);
    return self;
}


MdVgpuWrite *
md_vgpu_write_new_remove(const MdSettings *settings,
                         const MdNodeDevice *function,
                         const MdNodeDeviceDef *def)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);
    MdVgpuWrite *self = write_new(settings, def);

    g_ptr_array_add(self->targets, md_vgpu_target_new(function));
    self->target = g_ptr_array_index(self->targets, 0);
    self->name = g_strdup(def->name);
    self->type_id = g_strdup(cap->type_id);
    md_vendor_parse_id(cap->type_id, &self->number);
    return self;
}


MdVgpuWrite *
md_vgpu_write_ref(MdVgpuWrite *self)
{
    return g_atomic_rc_box_acquire(self);
}


static void
write_clear(MdVgpuWrite *self)
{
    g_ptr_array_unref(self->targets);
    g_free(self->state_dir);
    md_roots_unref(self->roots);
    g_free(self->name);
    g_free(self->wanted_id);
    g_free(self->wanted_name);
    g_free(self->uuid);
    g_clear_pointer(&self->attrs, g_ptr_array_unref);
    g_free(self->type_id);
}


void
md_vgpu_write_unref(MdVgpuWrite *self)
{
    if (self != NULL)
        g_atomic_rc_box_release_full(self, (GDestroyNotify)write_clear);
}


const MdVgpuTarget *
md_vgpu_write_get_target(MdVgpuWrite *self)
{
    return self->target;
}


const char *
md_vgpu_write_get_type(MdVgpuWrite *self)
{
    return self->type_id;
}


int
md_vgpu_write_get_group(MdVgpuWrite *self)
{
    return self->iommu_group;
}


const char *
md_vgpu_write_get_uuid(MdVgpuWrite *self)
{
    return self->uuid;
}


gboolean
md_vgpu_write_is_busy(MdVgpuWrite *self)
{
    return self->busy;
}


gboolean
md_vgpu_write_is_gone(MdVgpuWrite *self)
{
    return self->gone;
}


/* Replaces the requested id or name of the type with the full id, which is the same for all
 * functions of a card. The types have been listed before. */
static gboolean
resolve_type(MdVgpuWrite *self, const MdVgpuTarget *target, MdVgpuAccess *access, GError **error)
{
    if (self->type_id != NULL)
        return TRUE;

    self->type_id = md_vgpu_types_choose(access->dir, self->wanted_id, self->wanted_name, error);
    if (self->type_id == NULL || md_vendor_parse_id(self->type_id, &self->number) == NULL) {
        g_prefix_error(error, "parent '%s': ", target->name);
        return FALSE;
    }
    return TRUE;
}


/* Whether the driver would take the type on this function now; `creatable` has the types that it
 * lists. */
static gboolean
check_creatable(MdVgpuWrite *self,
                const MdVgpuTarget *target,
                MdVgpuAccess *access,
                GPtrArray *creatable,
                GError **error)
{
    guint32 present = 0;

    if (!access->vendor->read_assigned(access->card, access->dir, &present, error))
        return FALSE;
    if (present != 0)
        md_error_set(error, VIR_ERR_OPERATION_INVALID,
                     "parent '%s' already has a vGPU of type '%s-%u'", target->name,
                     access->vendor->name, present);
    else if (md_vgpu_types_find(creatable, self->number) == NULL)
        md_vgpu_refusal_explain(access, target->name, self->number, creatable->len == 0, error);
    else
        return TRUE;
    return FALSE;
}


/* Keeps the error of a free function rather than that of one with a vGPU. Takes ownership of
 * `error`. */
static void
keep_cause(GError **cause, GError *error)
{
    if (*cause != NULL && !g_error_matches(*cause, MD_ERROR, VIR_ERR_OPERATION_INVALID)) {
        g_error_free(error);
        return;
    }
    g_clear_error(cause);
    *cause = error;
}


/* Opens a function if it can take the type. */
static MdVgpuAccess *
open_target(MdVgpuWrite *self, const MdVgpuTarget *target, GError **error)
{
    g_autoptr(MdVgpuAccess) access = md_vgpu_access_open(target, NULL, error);
    g_autoptr(GPtrArray) creatable = NULL;

    if (access != NULL)
        creatable = md_known_types_list_creatable(access->vendor, access->card, access->dir, error);
    if (creatable == NULL || !resolve_type(self, target, access, error) ||
        !check_creatable(self, target, access, creatable, error))
        return NULL;
    return g_steal_pointer(&access);
}


/* Opens the first of the functions not tried yet that can take the type; NULL if there is none. */
static MdVgpuAccess *
choose_target(MdVgpuWrite *self, GError **error)
{
    g_autoptr(GError) cause = NULL;

    while (self->n_tried < self->targets->len) {
        const MdVgpuTarget *target = g_ptr_array_index(self->targets, self->n_tried++);
        GError *err = NULL;
        MdVgpuAccess *access = open_target(self, target, &err);

        if (access != NULL) {
            self->target = target;
            return access;
        }
        keep_cause(&cause, err);
    }
    if (cause == NULL)
        md_error_set(&cause, VIR_ERR_INTERNAL_ERROR, "no function of the card offers vGPUs");
    g_propagate_error(error, g_steal_pointer(&cause));
    return NULL;
}


gboolean
md_vgpu_write_prepare_create(gpointer write, GError **error)
{
    MdVgpuWrite *self = write;
    g_autoptr(MdVgpuAccess) access = choose_target(self, error);

    self->n_tried = 0;
    return access != NULL;
}


/* The assigned type after a write; the driver's answer decides, not the errno of the write. FALSE:
 * it cannot be read. */
static gboolean
read_back(MdVgpuAccess *access, guint32 *number)
{
    g_autoptr(GError) error = NULL;

    if (access->vendor->read_assigned(access->card, access->dir, number, &error))
        return TRUE;
    g_debug("Failed to read a type back: %s", error->message);
    return FALSE;
}


/* `errnum` is that of the write, 0 if it succeeded. */
static gboolean
check_assigned(MdVgpuWrite *self, MdVgpuAccess *access, guint32 present, int errnum, GError **error)
{
    /* With these errors, the driver reports that the function had a type before the write, so
     * another program has set it since the check. */
    gboolean was_taken = errnum == EPERM || errnum == EBUSY || errnum == EEXIST;

    if (present == self->number && !was_taken)
        return TRUE;
    self->taken = present != 0;
    if (self->taken)
        md_error_set(error, VIR_ERR_INTERNAL_ERROR,
                     "another program has assigned type '%s-%u' to parent '%s' in the meantime",
                     access->vendor->name, present, self->target->name);
    else if (errnum != 0)
        md_vgpu_refusal_explain_write(access, self->target->name, self->number, errnum, error);
    else
        md_error_set(error, VIR_ERR_INTERNAL_ERROR,
                     "parent '%s' accepted type '%s', but has no type afterwards",
                     self->target->name, self->type_id);
    return FALSE;
}


static gboolean
assign_type(MdVgpuWrite *self, MdVgpuAccess *access, GError **error)
{
    g_autoptr(GError) err = NULL;
    guint32 present = 0;
    int errnum = 0;

    if (!access->vendor->assign(access->card, access->dir, self->number, &err))
        errnum = md_error_get_errno(err);
    if (!read_back(access, &present)) {
        md_error_set(error, VIR_ERR_INTERNAL_ERROR,
                     "the type of parent '%s' cannot be read after the assignment of '%s'",
                     self->target->name, self->type_id);
        return FALSE;
    }
    return check_assigned(self, access, present, errnum, error);
}


static void
write_record(MdVgpuWrite *self, MdVgpuState state)
{
    const MdVgpuRecord record = { self->target->inode, self->number, self->uuid, state };

    md_vgpu_record_write(self->state_dir, self->target->address, &record);
}


/* Takes the type away, and keeps the record in step with what the driver shows afterwards. TRUE if
 * the vGPU has gone; otherwise `error` is that of the driver, if it reported one. `is_shown`: the
 * type could be read after the attempt. */
static gboolean
release_type(MdVgpuWrite *self, MdVgpuAccess *access, gboolean *is_shown, GError **error)
{
    guint32 present = 0;
    int errnum = 0;

    if (!access->vendor->release(access->card, access->dir, error))
        errnum = md_error_get_errno(*error);
    *is_shown = read_back(access, &present);
    if (*is_shown && present != self->number) {
        md_vgpu_record_remove(self->state_dir, self->target->address);
        return TRUE;
    }
    if (errnum == EIO)
        write_record(self, MD_VGPU_STUCK);
    return FALSE;
}


/* Takes the type back after a parameter could not be set. */
static void
withdraw(MdVgpuWrite *self, MdVgpuAccess *access, GError **error)
{
    g_autoptr(GError) err = NULL;
    gboolean is_shown = FALSE;

    if (!release_type(self, access, &is_shown, &err))
        g_prefix_error(error, "%s; ", err != NULL ? err->message : "the type is still assigned");
}


/* Assigns the type to the first function that can take it. If another program is faster, continues
 * with the next function. */
static MdVgpuAccess *
assign_to_any(MdVgpuWrite *self, GError **error)
{
    do {
        g_autoptr(MdVgpuAccess) access = NULL;

        g_clear_error(error);
        self->taken = FALSE;
        access = choose_target(self, error);
        if (access == NULL)
            return NULL;
        write_record(self, self->attrs->len > 0 ? MD_VGPU_CREATING : MD_VGPU_COMPLETE);
        if (assign_type(self, access, error))
            return g_steal_pointer(&access);
        md_vgpu_record_remove(self->state_dir, self->target->address);
    } while (self->taken && self->n_tried < self->targets->len);
    return NULL;
}


gboolean
md_vgpu_write_create(gpointer write, GError **error)
{
    MdVgpuWrite *self = write;
    g_autoptr(MdVgpuAccess) access = assign_to_any(self, error);
    guint n_set = 0;

    if (access == NULL)
        return FALSE;
    if (!md_vgpu_access_set_parameters(access, self->attrs, &n_set, error)) {
        withdraw(self, access, error);
        return FALSE;
    }
    md_vgpu_record_complete(self->state_dir, self->target->address);
    self->iommu_group = md_sysfs_dir_read_iommu_group(access->dir);
    return TRUE;
}


/* Whether the function still has the vGPU that is to be removed. Otherwise sets `gone`. */
static gboolean
check_present(MdVgpuWrite *self, MdVgpuAccess *access, GError **error)
{
    guint32 present = 0;

    if (!access->vendor->read_assigned(access->card, access->dir, &present, error))
        return FALSE;
    self->gone = present != self->number;
    if (self->gone)
        md_error_set(error, VIR_ERR_NO_NODE_DEVICE,
                     "no node device with matching name '%s': another program has removed it",
                     self->name);
    return !self->gone;
}


/* An earlier attempt may have failed after the driver had freed the vGPU. */
static gboolean
check_not_stuck(MdVgpuWrite *self, GError **error)
{
    g_autoptr(MdVgpuRecord) record = md_vgpu_record_read(self->state_dir, self->target->address,
                                                         self->target->inode, self->number);

    if (record == NULL || record->state != MD_VGPU_STUCK)
        return TRUE;
    md_error_set(error, VIR_ERR_OPERATION_INVALID,
                 "the driver failed to remove the vGPU of '%s' before, and another attempt could "
                 "crash it; disable the virtual functions of the card, or reload its driver",
                 self->target->name);
    return FALSE;
}


/* Opens the function if its vGPU can be removed. */
static MdVgpuAccess *
open_removable(MdVgpuWrite *self, GError **error)
{
    g_autoptr(MdVgpuAccess) access = md_vgpu_access_open(self->target, NULL, error);

    if (access == NULL || !check_present(self, access, error) || !check_not_stuck(self, error) ||
        !md_vfio_use_check_free(self->roots, access->dir, error))
        return NULL;
    return g_steal_pointer(&access);
}


gboolean
md_vgpu_write_prepare_remove(gpointer write, GError **error)
{
    g_autoptr(MdVgpuAccess) access = open_removable(write, error);

    return access != NULL;
}


/* The function still has its type after the attempt, which failed with `err`, or did nothing. */
static void
explain_remaining(MdVgpuWrite *self, MdVgpuAccess *access, const GError *err, GError **error)
{
    int errnum = err != NULL ? md_error_get_errno(err) : 0;

    if (errnum == EBUSY || errnum == EPERM) {
        if (md_vfio_use_check_free(self->roots, access->dir, error))
            md_error_set(error, VIR_ERR_INTERNAL_ERROR,
                         "a process of the driver still uses the function: %s", g_strerror(errnum));
        return;
    }
    md_error_set(error, VIR_ERR_INTERNAL_ERROR, "the driver refused: %s",
                 err != NULL ? g_strerror(errnum) : "the type is still assigned");
}


gboolean
md_vgpu_write_remove(gpointer write, GError **error)
{
    MdVgpuWrite *self = write;
    g_autoptr(MdVgpuAccess) access = open_removable(self, error);
    g_autoptr(GError) err = NULL;
    gboolean is_shown = FALSE;

    if (access == NULL)
        return FALSE;
    self->gone = release_type(self, access, &is_shown, &err);
    self->busy = err != NULL && md_error_get_errno(err) == EBUSY;
    if (!self->gone && !is_shown)
        md_error_set(error, VIR_ERR_INTERNAL_ERROR, "the type cannot be read after the removal");
    else if (!self->gone)
        explain_remaining(self, access, err, error);
    return self->gone;
}
