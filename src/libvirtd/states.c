/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <libvirt/libvirt.h>

#include "libvirtd/states.h"

static const struct {
    guint flag;
    gboolean is_set;
} changes[] = {
    [VIR_NODE_DEVICE_EVENT_CREATED] = { MD_STATE_ACTIVE, TRUE },
    [VIR_NODE_DEVICE_EVENT_DELETED] = { MD_STATE_ACTIVE, FALSE },
    [VIR_NODE_DEVICE_EVENT_DEFINED] = { MD_STATE_PERSISTENT, TRUE },
    [VIR_NODE_DEVICE_EVENT_UNDEFINED] = { MD_STATE_PERSISTENT, FALSE },
};


MdStates *
md_states_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, (GDestroyNotify)g_ref_string_release,
                                 NULL);
}


static guint
states_get(MdStates *self, const char *name)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(self, name));
}


gboolean
md_states_apply(MdStates *self, const char *name, int event)
{
    guint before = states_get(self, name);
    guint after = before;

    if (event < 0 || event >= (int)G_N_ELEMENTS(changes))
        return TRUE;
    if (changes[event].is_set)
        after |= changes[event].flag;
    else
        after &= ~changes[event].flag;

    if (after == 0)
        g_hash_table_remove(self, name);
    else if (after != before)
        g_hash_table_replace(self, g_ref_string_new_intern(name), GUINT_TO_POINTER(after));
    return after != before;
}


/* Calls func for the events of one kind that lead from `before` to `after`. */
static void
states_report(MdStates *before, MdStates *after, int event, MdStatesFunc func, gpointer data)
{
    MdStates *source = changes[event].is_set ? after : before;
    MdStates *other = changes[event].is_set ? before : after;
    GHashTableIter iter;
    gpointer name = NULL;
    gpointer flags = NULL;

    g_hash_table_iter_init(&iter, source);
    while (g_hash_table_iter_next(&iter, &name, &flags)) {
        if ((GPOINTER_TO_UINT(flags) & ~states_get(other, name) & changes[event].flag) != 0)
            func(name, event, data);
    }
}


void
md_states_compare(MdStates *before, MdStates *after, MdStatesFunc func, gpointer data)
{
    states_report(before, after, VIR_NODE_DEVICE_EVENT_DELETED, func, data);
    states_report(before, after, VIR_NODE_DEVICE_EVENT_UNDEFINED, func, data);
    states_report(before, after, VIR_NODE_DEVICE_EVENT_DEFINED, func, data);
    states_report(before, after, VIR_NODE_DEVICE_EVENT_CREATED, func, data);
}


void
md_states_for_each_in_both(MdStates *one,
                           MdStates *other,
                           void (*func)(const char *name, gpointer data),
                           gpointer data)
{
    GHashTableIter iter;
    gpointer name = NULL;

    g_hash_table_iter_init(&iter, one);
    while (g_hash_table_iter_next(&iter, &name, NULL)) {
        if (g_hash_table_contains(other, name))
            func(name, data);
    }
}
