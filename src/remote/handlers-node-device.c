/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Node devices: each procedure is an operation of the driver. */
#include "config.h"

#include "remote/handlers.h"

#include "conf/capability.h"
#include "protocol/text.h"
#include "registry/list-flags.h"
#include "util/error.h"


static void
reply_int(MdCall *call, int value)
{
    const md_int_ret ret = { value };

    md_call_reply(call, &ret);
}


static void
reply_text(MdCall *call, const char *text)
{
    const md_text_ret ret = { (char *)text };

    md_call_reply(call, &ret);
}


/* The first `maxnames` entries of an array of strings. */
static void
reply_names(MdCall *call, GPtrArray *names, int maxnames)
{
    const md_names_ret ret = { { MIN(names->len, (guint)maxnames), (md_text *)names->pdata } };

    md_call_reply(call, &ret);
}


static gboolean
check_maxnames(int maxnames, GError **error)
{
    if (maxnames < 0) {
        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_RPC, "maxnames must be non-negative");
        return FALSE;
    }
    if (maxnames > MD_NAMES_MAX) {
        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_RPC, "maxnames must not exceed %d",
                          MD_NAMES_MAX);
        return FALSE;
    }
    return TRUE;
}


/* Continues a call; `vpd` has the devices with vital product data, NULL: not needed. */
typedef void (*VpdFunc)(MdCall *call, GHashTable *vpd);

typedef struct {
    MdCall *call;
    VpdFunc func;
} Pending;


static void
on_vpd_found(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autofree Pending *pending = data;
    GError *error = NULL;
    g_autoptr(GHashTable) vpd = md_driver_find_vpd_finish(MD_DRIVER(source), result, &error);

    if (vpd == NULL)
        md_call_fail(pending->call, error);
    else
        pending->func(pending->call, vpd);
}


/* Calls `func` with the devices that have vital product data; at once, with NULL, unless `wanted`.
 * `device` NULL: searches all devices. */
static void
continue_with_vpd(MdCall *call, gboolean wanted, const char *device, VpdFunc func)
{
    Pending *pending = NULL;

    if (!wanted) {
        func(call, NULL);
        return;
    }
    pending = g_new0(Pending, 1);
    pending->call = call;
    pending->func = func;
    md_driver_find_vpd_async(md_call_get_driver(call), device, md_call_get_owner(call),
                             on_vpd_found, pending);
}


/* Replies to a call with names of devices. */
typedef void (*NamesFunc)(MdCall *call, GPtrArray *names);

typedef struct {
    MdCall *call;
    NamesFunc func;
} Listing;


static void
on_filtered(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autofree Listing *listing = data;
    GError *error = NULL;
    g_autoptr(GPtrArray) names = md_access_filter_finish(MD_ACCESS(source), result, &error);

    if (names == NULL)
        md_call_fail(listing->call, error);
    else
        listing->func(listing->call, names);
}


static gboolean
may_see_all(MdCall *call)
{
    MdAccess *access = md_session_get_access(md_call_get_session(call));

    return md_access_is_exempt(access, md_call_get_identity(call));
}


/* Whether the devices can be selected from the encoded list: by valid flags that need no driver,
 * and without asking polkit about each device. */
static gboolean
is_in_list(MdCall *call, guint flags)
{
    return may_see_all(call) && (flags & md_cap_kind_vpd.flag) == 0 &&
           md_list_flags_check(flags, NULL);
}


/* The same for devices with a capability; NULL: all devices. Sets the flags that select them. */
static gboolean
is_cap_in_list(MdCall *call, const char *cap, guint *flags)
{
    const MdCapKind *kind = cap != NULL ? md_cap_kind_find(cap) : NULL;

    *flags = kind != NULL ? kind->flag : 0;
    return (cap == NULL || kind != NULL) && is_in_list(call, *flags);
}


static MdDeviceNames
select_devices(MdCall *call, guint flags, guint max)
{
    return md_device_list_select(md_session_get_devices(md_call_get_session(call)), flags, max);
}


/* Calls `func` with those names that the client may see. Takes ownership of `names`; NULL: of
 * `error`. */
static void
answer_names(MdCall *call, GPtrArray *names, GError *error, NamesFunc func)
{
    g_autoptr(GPtrArray) all = names;
    MdSession *session = md_call_get_session(call);
    MdAccess *access = md_session_get_access(session);
    MdIdentity *who = md_call_get_identity(call);
    Listing *listing = NULL;

    if (all == NULL) {
        md_call_fail(call, error);
    } else if (may_see_all(call)) {
        func(call, all);
    } else {
        listing = g_new0(Listing, 1);
        listing->call = call;
        listing->func = func;
        md_access_filter_async(access, who, all, md_call_get_owner(call), on_filtered, listing);
    }
}


static void
reply_number(MdCall *call, GPtrArray *names)
{
    reply_int(call, (int)names->len);
}


static gboolean
is_vpd(const char *cap)
{
    return g_strcmp0(cap, md_cap_kind_vpd.name) == 0;
}


static void
count_devices(MdCall *call, GHashTable *vpd)
{
    const md_cap_args *wanted = md_call_get_args(call);
    GError *error = NULL;
    GPtrArray *names =
        md_driver_list_by_cap(md_call_get_driver(call), md_maybe_text_get(wanted->cap),
                              wanted->flags, vpd, &error);

    answer_names(call, names, error, reply_number);
}


static void
answer_number(MdCall *call, gconstpointer args)
{
    const md_cap_args *wanted = args;
    const char *cap = md_maybe_text_get(wanted->cap);
    guint flags = 0;

    if (wanted->flags == 0 && is_cap_in_list(call, cap, &flags))
        reply_int(call, (int)select_devices(call, flags, G_MAXUINT).count);
    else
        continue_with_vpd(call, is_vpd(cap), NULL, count_devices);
}


void
md_handle_num_of_devices(MdCall *call, gconstpointer args G_GNUC_UNUSED)
{
    md_handle_after_look(call, NULL, answer_number);
}


static void
reply_list(MdCall *call, GPtrArray *names)
{
    const md_list_args *wanted = md_call_get_args(call);

    reply_names(call, names, wanted->maxnames);
}


static void
list_devices(MdCall *call, GHashTable *vpd)
{
    const md_list_args *wanted = md_call_get_args(call);
    GPtrArray *names = NULL;
    GError *error = NULL;

    if (check_maxnames(wanted->maxnames, &error))
        names = md_driver_list_by_cap(md_call_get_driver(call), md_maybe_text_get(wanted->cap),
                                      wanted->flags, vpd, &error);
    answer_names(call, names, error, reply_list);
}


static void
answer_list(MdCall *call, gconstpointer args)
{
    const md_list_args *wanted = args;
    const char *cap = md_maybe_text_get(wanted->cap);
    MdDeviceNames names = { 0 };
    guint flags = 0;

    if (wanted->flags == 0 && check_maxnames(wanted->maxnames, NULL) &&
        is_cap_in_list(call, cap, &flags)) {
        names = select_devices(call, flags, (guint)wanted->maxnames);
        md_call_reply_as(call, MD_DEVICE_NAMES, &names);
    } else {
        continue_with_vpd(call, is_vpd(cap), NULL, list_devices);
    }
}


void
md_handle_list_devices(MdCall *call, gconstpointer args G_GNUC_UNUSED)
{
    md_handle_after_look(call, NULL, answer_list);
}


/* Whether the names fit in a reply; if not, the call has failed. */
static gboolean
fits_in_reply(MdCall *call, guint count)
{
    GError *error = NULL;

    if (count <= MD_NAMES_MAX)
        return TRUE;

    md_error_set_from(&error, VIR_FROM_RPC, VIR_ERR_RPC,
                      "%u node devices are more than the limit of %d", count, MD_NAMES_MAX);
    md_call_fail(call, error);
    return FALSE;
}


static void
reply_count(MdCall *call, guint count)
{
    const md_list_all_ret ret = { .count = count };

    md_call_reply(call, &ret);
}


static void
reply_all(MdCall *call, GPtrArray *names)
{
    const md_list_all_args *wanted = md_call_get_args(call);
    const md_list_all_ret ret = { { names->len, (md_text *)names->pdata }, names->len };

    if (!wanted->need_results)
        reply_count(call, names->len);
    else if (fits_in_reply(call, names->len))
        md_call_reply(call, &ret);
}


static void
reply_all_from_list(MdCall *call)
{
    const md_list_all_args *wanted = md_call_get_args(call);
    const MdDeviceNames names = select_devices(call, wanted->flags, G_MAXUINT);

    if (!wanted->need_results)
        reply_count(call, names.count);
    else if (fits_in_reply(call, names.count))
        md_call_reply_as(call, MD_DEVICE_NAMES_AND_COUNT, &names);
}


static void
list_all_devices(MdCall *call, GHashTable *vpd)
{
    const md_list_all_args *wanted = md_call_get_args(call);
    GError *error = NULL;
    GPtrArray *names = md_driver_list_all(md_call_get_driver(call), wanted->flags, vpd, &error);

    answer_names(call, names, error, reply_all);
}


static void
answer_all(MdCall *call, gconstpointer args)
{
    const md_list_all_args *wanted = args;

    if (is_in_list(call, wanted->flags))
        reply_all_from_list(call);
    else
        continue_with_vpd(call, (wanted->flags & md_cap_kind_vpd.flag) != 0, NULL,
                          list_all_devices);
}


void
md_handle_list_all_devices(MdCall *call, gconstpointer args G_GNUC_UNUSED)
{
    md_handle_after_look(call, NULL, answer_all);
}


void
md_handle_look_up_by_name(MdCall *call, gconstpointer args)
{
    const md_name_args *device = args;
    GError *error = NULL;

    if (md_driver_look_up(md_call_get_driver(call), device->name, &error) == NULL)
        md_call_fail(call, error);
    else
        reply_text(call, device->name);
}


void
md_handle_look_up_scsi_host(MdCall *call, gconstpointer args)
{
    const md_scsi_host_args *wanted = args;
    GError *error = NULL;
    MdNodeDevice *device = md_driver_look_up_scsi_host(md_call_get_driver(call), wanted->wwnn,
                                                       wanted->wwpn, wanted->flags, &error);

    if (device == NULL)
        md_call_fail(call, error);
    else
        reply_text(call, device->def->name);
}


static void
on_xml(const char *document, GError *error, gpointer data)
{
    if (document == NULL)
        md_call_fail(data, error);
    else
        reply_text(data, document);
}


static void
ask_for_xml(MdCall *call)
{
    const md_text_args *device = md_call_get_args(call);

    md_driver_get_xml(md_call_get_driver(call), device->text, device->flags,
                      md_call_get_owner(call), on_xml, call);
}


static void
answer_xml(MdCall *call, gconstpointer args)
{
    const md_text_args *device = args;
    MdDriver *driver = md_call_get_driver(call);
    g_autoptr(GError) error = NULL;
    g_autofree char *document = md_driver_get_xml_now(driver, device->text, device->flags, &error);

    if (document != NULL)
        reply_text(call, document);
    else if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        md_call_wait_for_turn(call, ask_for_xml);
    else
        md_call_fail(call, g_steal_pointer(&error));
}


void
md_handle_get_xml(MdCall *call, gconstpointer args)
{
    const md_text_args *device = args;

    md_handle_after_look(call, device->text, answer_xml);
}


void
md_handle_get_parent(MdCall *call, gconstpointer args)
{
    const md_name_args *device = args;
    const char *parent = NULL;
    GError *error = NULL;
    md_maybe_text_ret ret = { NULL };

    if (!md_driver_get_parent(md_call_get_driver(call), device->name, &parent, &error)) {
        md_call_fail(call, error);
        return;
    }
    if (parent != NULL)
        ret.text = (md_text *)&parent;
    md_call_reply(call, &ret);
}


static void
count_caps(MdCall *call, GHashTable *vpd)
{
    const md_name_args *device = md_call_get_args(call);
    GError *error = NULL;
    g_autoptr(GPtrArray) caps =
        md_driver_list_caps(md_call_get_driver(call), device->name, vpd, &error);

    if (caps == NULL)
        md_call_fail(call, error);
    else
        reply_int(call, (int)caps->len);
}


void
md_handle_num_of_caps(MdCall *call, gconstpointer args)
{
    const md_name_args *device = args;

    continue_with_vpd(call, md_driver_may_have_vpd(md_call_get_driver(call), device->name),
                      device->name, count_caps);
}


static void
list_caps(MdCall *call, GHashTable *vpd)
{
    const md_caps_args *device = md_call_get_args(call);
    g_autoptr(GPtrArray) caps = NULL;
    GError *error = NULL;

    if (check_maxnames(device->maxnames, &error))
        caps = md_driver_list_caps(md_call_get_driver(call), device->name, vpd, &error);
    if (caps == NULL)
        md_call_fail(call, error);
    else
        reply_names(call, caps, device->maxnames);
}


void
md_handle_list_caps(MdCall *call, gconstpointer args)
{
    const md_caps_args *device = args;

    continue_with_vpd(call, md_driver_may_have_vpd(md_call_get_driver(call), device->name),
                      device->name, list_caps);
}


void
md_handle_changed(GObject *source, GAsyncResult *result, gpointer data)
{
    GError *error = NULL;
    g_autofree char *name = md_driver_change_finish(MD_DRIVER(source), result, &error);

    if (name == NULL)
        md_call_fail(data, error);
    else
        md_call_reply(data, NULL);
}


void
md_handle_create(MdCall *call, gconstpointer args)
{
    const md_text_args *device = args;

    if (md_call_begin_change(call, device->text, NULL))
        md_driver_create_async(md_call_get_driver(call), device->text, device->flags,
                               md_call_get_owner(call), md_handle_changed, call);
}


void
md_handle_destroy(MdCall *call, gconstpointer args)
{
    const md_name_args *device = args;

    if (md_call_begin_change(call, device->name, NULL))
        md_driver_destroy_async(md_call_get_driver(call), device->name, md_call_get_owner(call),
                                md_handle_changed, call);
}


void
md_handle_undefine(MdCall *call, gconstpointer args)
{
    const md_text_args *device = args;

    if (md_call_begin_change(call, device->text, NULL))
        md_driver_undefine_async(md_call_get_driver(call), device->text, device->flags,
                                 md_call_get_owner(call), md_handle_changed, call);
}


void
md_handle_set_autostart(MdCall *call, gconstpointer args)
{
    const md_name_int_args *device = args;

    if (md_call_begin_change(call, device->name, NULL))
        md_driver_set_autostart_async(md_call_get_driver(call), device->name, device->value != 0,
                                      md_call_get_owner(call), md_handle_changed, call);
}


typedef gboolean (*BooleanFunc)(MdDriver *driver,
                                const char *name,
                                gboolean *value,
                                GError **error);


static void
reply_boolean(MdCall *call, gconstpointer args, BooleanFunc get)
{
    const md_name_args *device = args;
    gboolean value = FALSE;
    GError *error = NULL;

    if (get(md_call_get_driver(call), device->name, &value, &error))
        reply_int(call, value ? 1 : 0);
    else
        md_call_fail(call, error);
}


void
md_handle_get_autostart(MdCall *call, gconstpointer args)
{
    reply_boolean(call, args, md_driver_get_autostart);
}


void
md_handle_is_persistent(MdCall *call, gconstpointer args)
{
    reply_boolean(call, args, md_driver_is_persistent);
}


void
md_handle_is_active(MdCall *call, gconstpointer args)
{
    reply_boolean(call, args, md_driver_is_active);
}
