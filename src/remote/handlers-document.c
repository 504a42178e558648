/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Procedures with a document: it is parsed, then the call is authorized for each device that the
 * document names or describes, then the driver acts.
 */
#include "config.h"

#include "remote/handlers.h"

typedef struct Change {
    MdCall *call;
    const char *device; /* already authorized, as named by the call; or NULL */
    MdDraft *draft;     /* NULL: not read yet */

    /* Permissions required on the existing device of the document. */
    guint (*get_permissions)(struct Change *change, const MdNodeDevice *device);
    void (*act)(struct Change *change);
} Change;


static void
change_free(gpointer data)
{
    Change *change = data;

    md_draft_free(change->draft);
    g_free(change);
}


static Change *
change_new(MdCall *call,
           guint (*get_permissions)(Change *change, const MdNodeDevice *device),
           void (*act)(Change *change))
{
    Change *change = g_new0(Change, 1);

    change->call = call;
    change->get_permissions = get_permissions;
    change->act = act;
    return change;
}


/* For a parent, the permission to see it suffices, because the parent is only looked up; libvirt
 * does not check this permission. */
static void
change_list_affected(gpointer data, GArray *affected)
{
    Change *change = data;
    MdDriver *driver = md_call_get_driver(change->call);
    g_autoptr(GPtrArray) parents = md_driver_list_parents(driver, change->draft);
    const MdNodeDevice *device = md_driver_find_drafted(driver, change->draft);
    MdAffected entry = { 0 };

    for (guint i = 0; i < parents->len; i++) {
        entry.device = parents->pdata[i];
        entry.permissions = MD_MAY_GETATTR;
        g_array_append_val(affected, entry);
    }
    if (device != NULL && g_strcmp0(device->def->name, change->device) != 0) {
        entry.device = device->def->name;
        entry.permissions = change->get_permissions(change, device);
        g_array_append_val(affected, entry);
    }
}


static void
change_act(gpointer data)
{
    Change *change = data;
    MdDriver *driver = md_call_get_driver(change->call);
    const MdNodeDevice *device = md_driver_find_drafted(driver, change->draft);
    g_autoptr(GPtrArray) parents = md_driver_list_parents(driver, change->draft);

    if (md_call_begin_change(change->call, device != NULL ? device->def->name : NULL,
                             parents->len > 0 ? parents->pdata[0] : ""))
        change->act(change);
    change_free(change);
}


static void
on_read(MdDraft *draft, GError *error, gpointer data)
{
    Change *change = data;

    change->draft = draft;
    if (draft != NULL) {
        md_call_authorize(change->call, change_list_affected, change_act, change_free, change);
        return;
    }
    md_call_fail(change->call, error);
    change_free(change);
}


static void
change_begin(Change *change, MdDraftUse use, const char *document, guint flags)
{
    md_driver_read_document(md_call_get_driver(change->call), use, change->device, document, flags,
                            md_call_get_owner(change->call), on_read, change);
}


/* Replies with the name of the device. */
static void
on_named(GObject *source, GAsyncResult *result, gpointer data)
{
    GError *error = NULL;
    g_autofree char *name = md_driver_change_finish(MD_DRIVER(source), result, &error);
    const md_text_ret ret = { name };

    if (name == NULL)
        md_call_fail(data, error);
    else
        md_call_reply(data, &ret);
}


static guint
get_create_permissions(Change *change G_GNUC_UNUSED, const MdNodeDevice *device G_GNUC_UNUSED)
{
    return MD_MAY_WRITE | MD_MAY_START;
}


static void
act_create(Change *change)
{
    md_driver_create_xml_async(md_call_get_driver(change->call), change->draft,
                               md_call_get_owner(change->call), on_named, change->call);
}


void
md_handle_create_xml(MdCall *call, gconstpointer args)
{
    const md_text_args *document = args;

    change_begin(change_new(call, get_create_permissions, act_create), MD_DRAFT_CREATE,
                 document->text, document->flags);
}


/* Replacing a definition requires the same permission as undefining it. */
static guint
get_define_permissions(Change *change G_GNUC_UNUSED, const MdNodeDevice *device)
{
    return MD_MAY_WRITE | (device->definition != NULL ? MD_MAY_DELETE : 0);
}


static void
act_define(Change *change)
{
    md_driver_define_xml_async(md_call_get_driver(change->call), change->draft,
                               !md_call_is_exempt(change->call), md_call_get_owner(change->call),
                               on_named, change->call);
}


void
md_handle_define_xml(MdCall *call, gconstpointer args)
{
    const md_text_args *document = args;

    change_begin(change_new(call, get_define_permissions, act_define), MD_DRAFT_DEFINE,
                 document->text, document->flags);
}


/* The same permissions as for the device named by the call. */
static guint
get_update_permissions(Change *change, const MdNodeDevice *device G_GNUC_UNUSED)
{
    return md_call_get_permissions(change->call);
}


static void
act_update(Change *change)
{
    const md_update_args *update = md_call_get_args(change->call);

    md_driver_update_async(md_call_get_driver(change->call), update->name, change->draft,
                           update->flags, md_call_get_owner(change->call), md_handle_changed,
                           change->call);
}


void
md_handle_update(MdCall *call, gconstpointer args)
{
    const md_update_args *update = args;
    Change *change = change_new(call, get_update_permissions, act_update);

    change->device = update->name;
    change_begin(change, MD_DRAFT_UPDATE, update->document, update->flags);
}
