/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Procedures of libvirt's other drivers (guests, networks, storage ...). Calls of them fail with an
 * error that names the function, as with libvirt's own daemons.
 */
#pragma once

/* The libvirt API function of a procedure and its error domain; NULL if unknown. */
const char *md_unsupported_procedures_find(int procedure, int *domain);
