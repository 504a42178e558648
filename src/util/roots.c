/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "util/roots.h"

#include <string.h>
#include <unistd.h>

#include "util/names.h"


MdRoots *
md_roots_new(void)
{
    return md_roots_new_below("/", geteuid() != 0);
}


MdRoots *
md_roots_new_below(const char *directory, gboolean is_session)
{
    MdRoots *self = g_atomic_rc_box_new0(MdRoots);

    self->sys = g_build_filename(directory, "sys", NULL);
    self->dev = g_build_filename(directory, "dev", NULL);
    self->proc = g_build_filename(directory, "proc", NULL);
    self->run = g_build_filename(directory, "run", NULL);
    self->etc = g_build_filename(directory, "etc", NULL);
    self->is_session = is_session;
    return self;
}


MdRoots *
md_roots_ref(MdRoots *self)
{
    return g_atomic_rc_box_acquire(self);
}


static void
roots_clear(MdRoots *self)
{
    g_free(self->sys);
    g_free(self->dev);
    g_free(self->proc);
    g_free(self->run);
    g_free(self->etc);
}


void
md_roots_unref(MdRoots *self)
{
    if (self != NULL)
        g_atomic_rc_box_release_full(self, (GDestroyNotify)roots_clear);
}


gboolean
md_roots_has_device_path(const MdRoots *self, const char *path)
{
    return g_str_has_prefix(path, self->sys) &&
           g_str_has_prefix(path + strlen(self->sys), "/" MD_SYS_DEVICES "/");
}
