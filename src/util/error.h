/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The only error domain of the daemon. An error has libvirt's error number as GError code,
 * libvirt's error domain, and the errno if the kernel refused an operation. Numbers and domains are
 * those of <libvirt/virterror.h>.
 */
#pragma once

#include <glib.h>
#include <libvirt/virterror.h>

#define MD_ERROR (md_error_quark())

GQuark md_error_quark(void);

/* Sets an error of the node-device domain. `code` is a virErrorNumber; the message names the object
 * and the cause, and is always valid UTF-8. */
void md_error_set(GError **error, int code, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Sets an error of another libvirt domain (VIR_FROM_XML, VIR_FROM_RPC, ...). */
void
md_error_set_from(GError **error, int from, int code, const char *format, ...) G_GNUC_PRINTF(4, 5);

/* Sets VIR_ERR_SYSTEM_ERROR with `errnum`; the message ends in ": <strerror>". */
void md_error_set_errno(GError **error, int errnum, const char *format, ...) G_GNUC_PRINTF(3, 4);

/*
 * Fails with VIR_ERR_INVALID_ARG if `flags` contains unknown flags. Clients receive libvirt's
 * special form of this error. `function` is a static string, a function of libvirt's API.
 */
gboolean
md_error_check_flags(guint flags, guint known, int from, const char *function, GError **error);

/* The function whose flags were refused, or NULL for other errors. */
const char *md_error_get_flags_function(const GError *error);

/* libvirt's domain of an error; VIR_FROM_NODEDEV for errors of other GError domains. */
int md_error_get_from(const GError *error);

/* libvirt's number of an error; VIR_ERR_INTERNAL_ERROR for errors of other GError domains. */
int md_error_get_code(const GError *error);

/* The errno of an error, or 0. */
int md_error_get_errno(const GError *error);

/* Whether the device does not exist, or its sysfs directory has been removed. */
gboolean md_error_is_gone(const GError *error);
