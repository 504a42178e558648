/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The only place where an error becomes what a client of libvirt is told. */
#pragma once

#include <glib.h>

#include "protocol/protocol.h"

/* The error reply to a call, ready to be sent. */
GBytes *md_wire_error_encode(const md_header *call, const GError *error);
