/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Internals of the settings, shared by settings.c (all settings) and the readers of the two files.
 */
#pragma once

#include "util/settings.h"

/* In the order of precedence. */
typedef enum {
    MD_SOURCE_DEFAULT,
    MD_SOURCE_STOCK, /* virtnodedevd.conf, libvirtd.conf */
    MD_SOURCE_FILE,  /* mediated.conf */
    MD_SOURCE_COMMAND_LINE,
} MdSourceKind;

struct _MdSettingSource {
    MdSourceKind kind;
    char *place; /* path and line; NULL for the default */
};

/* Sets a value; `text` has the syntax of mediated.conf. Errors name the setting, the text and the
 * valid values. */
gboolean md_settings_set(MdSettings *self,
                         const char *group,
                         const char *key,
                         const char *text,
                         MdSourceKind kind,
                         const char *place,
                         GError **error);

/* Sets the default again. */
void md_settings_reset(MdSettings *self, const char *group, const char *key);

const MdSettingSource *
md_settings_get_source(const MdSettings *self, const char *group, const char *key);

/* The range of a number. */
void md_settings_get_range(const char *group, const char *key, guint *min, guint *max);

gboolean md_settings_has_group(const char *group);
gboolean md_settings_has_key(const char *group, const char *key);

/* Reads mediated.conf. */
gboolean
md_settings_read_file(MdSettings *self, const char *path, gboolean required, GError **error);

/* Reads virtnodedevd.conf; mistakes become problems. To be called before md_settings_read_file(),
 * whose values replace those of this file. FALSE: the file does not exist. */
gboolean md_settings_read_stock(MdSettings *self, const char *path);

/* Reads access_drivers, and no other key, from libvirtd.conf. Mistakes become problems. */
void md_settings_read_libvirtd(MdSettings *self, const char *path);

/* To be called after both files have been read: changes settings whose combination would admit more
 * users than virtnodedevd. */
void md_settings_settle(MdSettings *self);
