/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The settings without a configuration file. */
#pragma once

#include "util/settings.h"


static inline MdSettings *
default_settings_load(void)
{
    g_autoptr(MdRoots) roots = md_roots_new();

    return md_settings_load(roots, &(MdSettingsOrigin){ .config = NULL }, NULL);
}
