/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Procedures of libvirt's other drivers (guests, networks, storage ...). They are not ours to
 * serve, but whoever calls one is told by name what is not supported, as by any of libvirt's
 * daemons.
 */
#pragma once

/* The function of libvirt's API behind a procedure and the error domain it belongs to; NULL if
 * there is none. */
const char *md_unsupported_procedures_find(int procedure, int *domain);
