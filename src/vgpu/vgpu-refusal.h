/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Explains why a function cannot take a type: drivers return the same errno for all causes. For a
 * worker. */
#pragma once

#include "vgpu/vgpu-target.h"

/* The driver does not list type `number` for this function; `is_empty`: it lists no type at all. */
void md_vgpu_refusal_explain(const MdVgpuAccess *access,
                             const char *function,
                             guint32 number,
                             gboolean is_empty,
                             GError **error);

/* The driver listed the type, but refused to assign it with this errno. */
void md_vgpu_refusal_explain_write(
    const MdVgpuAccess *access, const char *function, guint32 number, int errnum, GError **error);
