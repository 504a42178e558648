/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Enables the virtual functions of cards: if definitions with autostart name functions that are
 * missing, and their card has none at all, runs the vendor's command for this card or, if that is
 * not installed, writes the number of functions to the card's `sriov_numvfs`. The former binds the
 * driver to the card again, so this happens only once, and again after the driver was loaded again.
 * One card at a time. Main loop only.
 */
#pragma once

#include "backend/backend.h"

typedef struct _MdVgpuEnabler MdVgpuEnabler;

/* To be created once all definitions are known. Begins with the existing cards. `context` must
 * outlive the object. */
MdVgpuEnabler *md_vgpu_enabler_new(const MdDriverContext *context);
void md_vgpu_enabler_free(MdVgpuEnabler *self);

/* Whether functions are being enabled. FALSE if `self` is NULL. */
gboolean md_vgpu_enabler_is_busy(MdVgpuEnabler *self);
