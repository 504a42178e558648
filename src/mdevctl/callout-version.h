/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The words that mdevctl's scripts are called with, and the JSON in which daemon and script tell
 * each other which of them they know:
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

/* What a script supports, a bit for each. */
typedef struct {
    guint actions; /* 1 << MdCalloutAction */
    guint events;  /* 1 << MdCalloutEvent */
} MdCalloutVersion;

const char *md_callout_action_to_string(MdCalloutAction action);
const char *md_callout_event_to_string(MdCalloutEvent event);

/* What a script is told that we know. */
char *md_callout_version_format(void);

/* What a script has answered, NULs at its end allowed; what we do not know in it is passed over.
 * VIR_ERR_CONF_SYNTAX says why it is no such answer. */
gboolean
md_callout_version_parse(const char *text, gsize length, MdCalloutVersion *version, GError **error);
