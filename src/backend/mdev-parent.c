/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "backend/mdev-parent.h"

#include "conf/cap-mdev.h"
#include "util/error.h"
#include "util/names.h"


/* Finds a device by its name, or by its address, which is the kernel's name. */
static MdNodeDevice *
find_device(const MdDriverContext *context, const char *wanted)
{
    MdNodeDevice *device = md_registry_find(context->registry, wanted);

    return device != NULL ? device : md_registry_find_address(context->registry, wanted);
}


/* The name or address of the parent in the document; NULL with an error if the document has
 * none. */
static const char *
get_parent_name(const MdNodeDeviceDef *def, GError **error)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);
    const char *wanted = def->parent != NULL ? def->parent : cap->parent_addr;

    if (wanted == NULL)
        md_error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "missing parent device");
    return wanted;
}


static void
set_invalid_parent(const char *wanted, GError **error)
{
    md_error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "invalid parent device '%s'", wanted);
}


/* Whether the address alone identifies the parent: if the parent does not exist, the daemon formats
 * documents with the computer in its place. */
static gboolean
has_address_only(const MdCapMdev *cap, const char *wanted)
{
    return cap->parent_addr != NULL && g_str_equal(wanted, MD_NAME_COMPUTER);
}


/* The parent named in the document of a persistent device. */
static MdNodeDevice *
find_persistent_device(const MdDriverContext *context, const char *wanted, const MdCapMdev *cap)
{
    if (has_address_only(cap, wanted))
        return md_registry_find_address(context->registry, cap->parent_addr);
    return find_device(context, wanted);
}


/* The parent's address; `parent` is the existing device that the document names, or NULL. Returns
 * NULL if the address is unknown. */
static char *
make_address(const MdCapMdev *cap, const char *wanted, const MdNodeDevice *parent)
{
    char *address = NULL;

    if (parent != NULL && parent->def->path != NULL)
        return g_path_get_basename(parent->def->path);
    address = parent == NULL ? md_cap_kind_make_address(wanted) : NULL;
    return address != NULL ? address : g_strdup(cap->parent_addr);
}


/* The document of a persistent device names an existing parent, or an address. As in libvirt, the
 * address is ignored if the document also names an existing parent. */
gboolean
md_mdev_parent_find_persistent(const MdDriverContext *context,
                               MdNodeDeviceDef *def,
                               MdNodeDevice **parent,
                               GError **error)
{
    MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);
    const char *wanted = get_parent_name(def, error);
    g_autofree char *address = NULL;

    if (wanted == NULL)
        return FALSE;

    *parent = find_persistent_device(context, wanted, cap);
    if (*parent != NULL && !md_node_device_may_be_parent(*parent)) {
        md_error_set(error, VIR_ERR_PARSE_FAILED, "Unable to find address for parent device '%s'",
                     wanted);
        return FALSE;
    }

    address = make_address(cap, wanted, *parent);
    if (address == NULL) {
        set_invalid_parent(wanted, error);
        return FALSE;
    }
    g_free(cap->parent_addr);
    cap->parent_addr = g_steal_pointer(&address);
    return TRUE;
}


MdNodeDevice *
md_mdev_parent_find_named(const MdDriverContext *context, const MdNodeDeviceDef *def)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);
    const char *wanted = get_parent_name(def, NULL);

    return wanted != NULL ? find_persistent_device(context, wanted, cap) : NULL;
}


static gboolean
check_parent(MdNodeDevice *parent, GError **error)
{
    /* libvirt's error for a device without an address, which cannot be a parent. */
    if (md_node_device_def_get_cap(parent->def, &md_cap_kind_system) != NULL) {
        md_error_set(error, VIR_ERR_PARSE_FAILED, "Unable to find address for parent device '%s'",
                     parent->def->name);
        return FALSE;
    }
    if (parent->def->mdev_types == NULL) {
        md_error_set(
            error, VIR_ERR_INTERNAL_ERROR,
            "Unable to start mediated device: parent '%s' does not support mediated devices",
            parent->def->name);
        return FALSE;
    }
    return TRUE;
}


gboolean
md_mdev_parent_find(const MdDriverContext *context,
                    const MdNodeDeviceDef *def,
                    MdNodeDevice **parent,
                    GError **error)
{
    const char *wanted = get_parent_name(def, error);

    if (wanted == NULL)
        return FALSE;
    *parent = find_device(context, wanted);
    if (*parent == NULL) {
        set_invalid_parent(wanted, error);
        return FALSE;
    }
    return check_parent(*parent, error);
}


void
md_mdev_parent_list(const MdDriverContext *context, const MdNodeDeviceDef *def, GPtrArray *names)
{
    MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);
    const char *wanted = get_parent_name(def, NULL);
    MdNodeDevice *parent = md_mdev_parent_find_named(context, def);

    if (parent != NULL)
        g_ptr_array_add(names, parent->def->name);
    else if (wanted != NULL)
        g_ptr_array_add(names, has_address_only(cap, wanted) ? cap->parent_addr : (char *)wanted);
}


MdNodeDevice *
md_mdev_parent_find_present(const MdDriverContext *context, const MdNodeDeviceDef *def)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);
    const char *wanted = get_parent_name(def, NULL);
    g_autofree char *address = NULL;
    g_autofree char *name = NULL;

    if (cap->uuid == NULL || wanted == NULL)
        return NULL;
    address = make_address(cap, wanted, md_mdev_parent_find_named(context, def));
    if (address == NULL)
        return NULL;
    name = md_cap_mdev_make_name(cap->uuid, address);
    return md_registry_find(context->registry, name);
}
