/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The actions and events of mdevctl's scripts, and the JSON with which daemon and script announce
 * those they support:
 *
 *   { "provides": { "version": 2, "actions": [ "start", ... ], "events": [ "pre", ... ] } }
 *   { "supports": { "version": 1, "actions": [ "start", ... ], "events": [ "pre", ... ] } }
 */
#pragma once

#include <glib.h>

typedef enum {
    MD_CALLOUT_START,
    MD_CALLOUT_STOP,
    MD_CALLOUT_DEFINE,
    MD_CALLOUT_UNDEFINE,
    MD_CALLOUT_MODIFY,
    MD_CALLOUT_ATTRIBUTES,
    MD_CALLOUT_CAPABILITIES,
} MdCalloutAction;

typedef enum {
    MD_CALLOUT_PRE,
    MD_CALLOUT_POST,
    MD_CALLOUT_NOTIFY,
    MD_CALLOUT_GET,
    MD_CALLOUT_LIVE,
} MdCalloutEvent;

/* What a script supports. */
typedef struct {
    guint actions; /* 1 << MdCalloutAction */
    guint events;  /* 1 << MdCalloutEvent */
} MdCalloutVersion;

const char *md_callout_action_to_string(MdCalloutAction action);
const char *md_callout_event_to_string(MdCalloutEvent event);

/* The query to a script. It announces the actions and events that the daemon provides. */
char *md_callout_version_format(void);

/* Parses a script's answer, which may have trailing NULs; unknown words are ignored.
 * VIR_ERR_CONF_SYNTAX describes an invalid answer. */
gboolean
md_callout_version_parse(const char *text, gsize length, MdCalloutVersion *version, GError **error);
