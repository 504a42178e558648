/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Authorizes a call for the devices that its document affects. */
#include "config.h"

#include "remote/call.h"

/* The authorization of a call for the devices that its arguments affect. */
typedef struct {
    MdCall *call;
    MdListAffectedFunc list;
    void (*allowed)(gpointer data);
    void (*refused)(gpointer data);
    gpointer data;
    GHashTable *authorized; /* devices and permissions already granted, see make_key() */
} Authorization;

static void authorization_advance(Authorization *authorization);


static void
authorization_free(Authorization *authorization)
{
    g_hash_table_unref(authorization->authorized);
    g_free(authorization);
}


static char *
make_key(const MdAffected *affected)
{
    return g_strdup_printf("%u %s", affected->permissions, affected->device);
}


static void
on_affected_authorized(GObject *source, GAsyncResult *result, gpointer data)
{
    Authorization *authorization = data;
    GError *error = NULL;

    if (md_access_check_finish(MD_ACCESS(source), result, &error)) {
        authorization_advance(authorization);
        return;
    }
    md_call_fail(authorization->call, error);
    authorization->refused(authorization->data);
    authorization_free(authorization);
}


/* FALSE: polkit need not be asked, because these permissions have already been granted. */
static gboolean
authorization_ask(Authorization *authorization, const MdAffected *affected)
{
    MdCall *call = authorization->call;
    g_autofree char *key = make_key(affected);

    if (!g_hash_table_add(authorization->authorized, g_steal_pointer(&key)))
        return FALSE;
    md_access_check_async(md_session_get_access(md_call_get_session(call)),
                          md_call_get_identity(call), affected->permissions, affected->device,
                          md_call_get_owner(call), on_affected_authorized, authorization);
    return TRUE;
}


/* Devices may change while polkit is asked, so all are looked up again after each answer. */
static void
authorization_advance(Authorization *authorization)
{
    g_autoptr(GArray) affected = g_array_new(FALSE, FALSE, sizeof(MdAffected));

    authorization->list(authorization->data, affected);
    for (guint i = 0; i < affected->len; i++) {
        if (authorization_ask(authorization, &g_array_index(affected, MdAffected, i)))
            return;
    }
    authorization->allowed(authorization->data);
    authorization_free(authorization);
}


void
md_call_authorize(MdCall *self,
                  MdListAffectedFunc list,
                  void (*allowed)(gpointer data),
                  void (*refused)(gpointer data),
                  gpointer data)
{
    Authorization *authorization = NULL;

    if (md_call_is_exempt(self)) {
        allowed(data);
        return;
    }

    authorization = g_new0(Authorization, 1);
    authorization->call = self;
    authorization->list = list;
    authorization->allowed = allowed;
    authorization->refused = refused;
    authorization->data = data;
    authorization->authorized = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    authorization_advance(authorization);
}
