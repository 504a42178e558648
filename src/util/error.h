/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one error domain of the daemon. An error carries what a libvirt client can switch on:
 * libvirt's error number as GError code, and beside it libvirt's domain (who speaks) and, where the
 * kernel refused, its errno. Numbers and domains are those of <libvirt/virterror.h>.
 */
#pragma once

#include <glib.h>
#include <libvirt/virterror.h>

#define MD_ERROR (md_error_quark())

GQuark md_error_quark(void);

/* Sets an error of the node-device domain; `code` is a virErrorNumber, the message names object and
 * cause. Whatever is formatted, the message is UTF-8. */
void md_error_set(GError **error, int code, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* The same for another libvirt domain (VIR_FROM_XML, VIR_FROM_RPC, ...). */
void
md_error_set_from(GError **error, int from, int code, const char *format, ...) G_GNUC_PRINTF(4, 5);

/* VIR_ERR_SYSTEM_ERROR that remembers `errnum` and ends in ": <strerror>". */
void md_error_set_errno(GError **error, int errnum, const char *format, ...) G_GNUC_PRINTF(3, 4);

/*
 * Whether `flags` holds only `known` ones; else VIR_ERR_INVALID_ARG, which clients are told in a
 * way of its own. `function` is of libvirt's API and a static string.
 */
gboolean
md_error_check_flags(guint flags, guint known, int from, const char *function, GError **error);

/* The function whose flags were refused, NULL for any other error. */
const char *md_error_get_flags_function(const GError *error);

/* libvirt's domain of an error: VIR_FROM_NODEDEV for errors that are not ours (GLib's own). */
int md_error_get_from(const GError *error);

/* libvirt's number of an error: VIR_ERR_INTERNAL_ERROR for errors that are not ours. */
int md_error_get_code(const GError *error);

/* The errno behind an error, 0 if there is none. */
int md_error_get_errno(const GError *error);

/* What was asked for is not there: no such device, or its sysfs directory has gone. */
gboolean md_error_is_gone(const GError *error);
