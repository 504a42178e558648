/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Optional texts of messages. */
#pragma once

#include <glib.h>

#include "protocol/protocol.h"

/* Copies the text; NULL stands for a missing one. The result is freed with the message that
 * contains it. */
md_maybe_text md_maybe_text_new(const char *text);

/* Borrowed; NULL: the text is missing. */
const char *md_maybe_text_get(md_maybe_text text);
