/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The group of the sockets. */
#include "config.h"

#include "util/settings-private.h"

#include <errno.h>
#include <grp.h>

#include "util/error.h"


/* Name services report a missing name with various errors. */
static void
set_group_error(GError **error, const char *name, int errnum)
{
    if (errnum == 0 || errnum == ENOENT || errnum == ESRCH)
        md_error_set_from(error, VIR_FROM_CONF, VIR_ERR_OPERATION_FAILED,
                          "[sockets] group: unknown group '%s'", name);
    else
        md_error_set_errno(error, errnum, "[sockets] group: cannot look up the group '%s'", name);
}


static gboolean
find_group(MdSettings *self, GError **error)
{
    const struct group *group = NULL;

    errno = 0;
    group = getgrnam(self->socket_group);
    if (group == NULL) {
        set_group_error(error, self->socket_group, errno);
        return FALSE;
    }
    self->socket_gid = group->gr_gid;
    return TRUE;
}


gboolean
md_settings_find_group(MdSettings *self, GError **error)
{
    g_autoptr(GError) err = NULL;
    const MdSettingSource *source = md_settings_get_source(self, "sockets", "group");

    if (self->socket_group == NULL || find_group(self, &err))
        return TRUE;
    if (source->kind != MD_SOURCE_STOCK) {
        g_propagate_error(error, g_steal_pointer(&err));
        return FALSE;
    }
    g_ptr_array_add(self->problems, g_strdup_printf("%s: %s", source->place, err->message));
    return TRUE;
}
