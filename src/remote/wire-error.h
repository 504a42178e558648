/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The only place that converts a GError into libvirt's error on the wire. */
#pragma once

#include <glib.h>

#include "protocol/protocol.h"

/* Encodes the error reply to a call. */
GBytes *md_wire_error_encode(const md_header *call, const GError *error);
