/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "vendor/nvidia-list.h"

#include <string.h>

#include "conf/mdev-type.h"
#include "vendor/vgpu-type.h"


/* Modifies the line. */
static void
parse_line(char *line, GPtrArray *types, GHashTable *seen)
{
    char *colon = strchr(line, ':');
    guint32 number = 0;

    if (colon == NULL)
        return;
    *colon = '\0';
    if (md_vgpu_number_parse(g_strstrip(line), &number) &&
        g_hash_table_add(seen, GUINT_TO_POINTER(number)))
        g_ptr_array_add(types, md_vgpu_type_new(number, colon + 1));
}


GPtrArray *
md_nvidia_list_parse(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    GPtrArray *types = md_vgpu_types_new();

    for (guint i = 0; lines[i] != NULL && types->len < MD_MDEV_TYPES_MAX; i++)
        parse_line(lines[i], types, seen);
    return types;
}


gboolean
md_nvidia_assigned_parse(const char *text, guint32 *number)
{
    *number = 0;
    return g_str_equal(text, "0") || md_vgpu_number_parse(text, number);
}
