/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* NVIDIA's host driver on kernels where it does not use mdev: files in the directory `nvidia` of
 * each virtual function. */
#include "config.h"

#include <string.h>

#include "util/error.h"
#include "util/names.h"
#include "vendor/nvidia-config.h"
#include "vendor/nvidia-list.h"
#include "vendor/vendors.h"

#define ATTR_LIST     "nvidia/creatable_vgpu_types"
#define ATTR_ASSIGNED "nvidia/current_vgpu_type"
#define ATTR_PARAMS   "nvidia/vgpu_params"

/* Ids of the card. */
#define ATTR_VENDOR           "vendor"
#define ATTR_DEVICE           "device"
#define ATTR_SUBSYSTEM_VENDOR "subsystem_vendor"
#define ATTR_SUBSYSTEM_DEVICE "subsystem_device"

/* Maximum length of parameters with a newline, in bytes. */
#define PARAMS_MAX 1024

/* This text clears the parameters. */
#define PARAMS_NONE " "

#define EMPTY_HINT                                                                                 \
    "the card is in MIG mode and has no GPU instances, or nvidia-vgpud has not started yet"

/* Of sriov-manage, while any program queries the driver. */
#define ENABLE_TRANSIENT "Cannot obtain unbindLock"

typedef struct {
    char *path;
    char *types_file;
    GPtrArray *supported; /* of MdVgpuType, shared; NULL until needed */
} NvidiaCard;


/* A card may have the directory, too, but only functions take vGPUs. */
static gboolean
nvidia_is_function(MdSysfsDir *function)
{
    return md_sysfs_dir_has(function, ATTR_LIST) && md_sysfs_dir_has(function, MD_ATTR_PHYSFN);
}


static gpointer
nvidia_open(MdSysfsDir *card, const char *types_file, GError **error G_GNUC_UNUSED)
{
    NvidiaCard *self = g_new0(NvidiaCard, 1);

    self->path = g_strdup(md_sysfs_dir_get_path(card));
    self->types_file = g_strdup(types_file);
    return self;
}


static void
nvidia_close(gpointer card)
{
    NvidiaCard *self = card;

    g_free(self->path);
    g_free(self->types_file);
    g_clear_pointer(&self->supported, g_ptr_array_unref);
    g_free(self);
}


/* Empty if there is no table, or if the card has gone. */
static GPtrArray *
read_supported(const NvidiaCard *self)
{
    g_autoptr(MdSysfsDir) card = md_sysfs_dir_open(self->path, NULL);
    g_autoptr(MdNvidiaConfig) config = md_nvidia_config_load(self->types_file);
    MdNvidiaIds ids = { 0 };

    if (card == NULL || config == NULL)
        return md_vgpu_types_new();
    ids.vendor = md_sysfs_dir_read_hex(card, ATTR_VENDOR);
    ids.device = md_sysfs_dir_read_hex(card, ATTR_DEVICE);
    ids.subsystem_vendor = md_sysfs_dir_read_hex(card, ATTR_SUBSYSTEM_VENDOR);
    ids.subsystem_device = md_sysfs_dir_read_hex(card, ATTR_SUBSYSTEM_DEVICE);
    return md_nvidia_config_list(config, &ids);
}


static GPtrArray *
get_supported(NvidiaCard *self)
{
    if (self->supported == NULL)
        self->supported = read_supported(self);
    return self->supported;
}


static GPtrArray *
nvidia_list_supported(gpointer card)
{
    return md_vgpu_types_copy(get_supported(card));
}


/* The list has names only; everything else is in the table. */
static void
complete_types(NvidiaCard *self, GPtrArray *types)
{
    GPtrArray *supported = get_supported(self);

    for (guint i = 0; i < types->len; i++) {
        MdVgpuType *type = g_ptr_array_index(types, i);
        const MdVgpuType *entry = md_vgpu_types_find(supported, type->number);

        if (entry == NULL)
            continue;
        g_ptr_array_unref(type->properties);
        type->properties = g_ptr_array_ref(entry->properties);
        type->framebuffer = entry->framebuffer;
        type->max_instances = entry->max_instances;
        if (type->name == NULL)
            type->name = g_strdup(entry->name);
    }
}


static GPtrArray *
nvidia_list_creatable(gpointer card, MdSysfsDir *function, GError **error)
{
    g_autofree char *text = md_sysfs_dir_read(function, ATTR_LIST, error);
    GPtrArray *types = NULL;

    if (text == NULL)
        return NULL;
    types = md_nvidia_list_parse(text);
    complete_types(card, types);
    return types;
}


static gboolean
nvidia_read_assigned(gpointer card G_GNUC_UNUSED,
                     MdSysfsDir *function,
                     guint32 *number,
                     GError **error)
{
    g_autofree char *text = md_sysfs_dir_read(function, ATTR_ASSIGNED, error);

    if (text == NULL)
        return FALSE;
    if (md_nvidia_assigned_parse(text, number))
        return TRUE;
    md_error_set(error, VIR_ERR_INTERNAL_ERROR, "'%s/%s' contains no number of a type",
                 md_sysfs_dir_get_path(function), ATTR_ASSIGNED);
    return FALSE;
}


static gboolean
nvidia_assign(gpointer card G_GNUC_UNUSED, MdSysfsDir *function, guint32 number, GError **error)
{
    g_autofree char *text = g_strdup_printf("%u", number);

    /* The driver would use the lower bits of any other number. */
    if (number == 0 || number > MD_VGPU_NUMBER_MAX) {
        md_error_set(error, VIR_ERR_INVALID_ARG, "type %u is out of range", number);
        return FALSE;
    }
    return md_sysfs_dir_write(function, ATTR_ASSIGNED, text, error);
}


static gboolean
nvidia_release(gpointer card G_GNUC_UNUSED, MdSysfsDir *function, GError **error)
{
    return md_sysfs_dir_write(function, ATTR_ASSIGNED, "0", error);
}


static gboolean
nvidia_is_parameter(const char *name)
{
    return g_str_equal(name, ATTR_PARAMS);
}


static gboolean
nvidia_set_parameter(gpointer card G_GNUC_UNUSED,
                     MdSysfsDir *function,
                     const char *name,
                     const char *value,
                     GError **error)
{
    g_return_val_if_fail(nvidia_is_parameter(name), FALSE);
    if (strlen(value) >= PARAMS_MAX || strchr(value, '\n') != NULL) {
        md_error_set(error, VIR_ERR_INVALID_ARG,
                     "the value of attribute '%s' must be one line of at most %d bytes", name,
                     PARAMS_MAX - 1);
        return FALSE;
    }
    /* The driver drops the last character, whatever it is, so this must add a newline. */
    return md_sysfs_dir_write_beneath(function, ATTR_PARAMS, *value != '\0' ? value : PARAMS_NONE,
                                      error);
}


const MdVendor md_vendor_nvidia = {
    .name = "nvidia",
    .driver = "nvidia",
    .empty_hint = EMPTY_HINT,
    .enable_option = "-e",
    .enable_transient = ENABLE_TRANSIENT,
    .is_function = nvidia_is_function,
    .open = nvidia_open,
    .close = nvidia_close,
    .list_supported = nvidia_list_supported,
    .list_creatable = nvidia_list_creatable,
    .read_assigned = nvidia_read_assigned,
    .assign = nvidia_assign,
    .release = nvidia_release,
    .is_parameter = nvidia_is_parameter,
    .set_parameter = nvidia_set_parameter,
};
