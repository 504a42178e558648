/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The vGPUs of cards without mediated devices: keeps the registry consistent with the types that
 * are assigned to functions, whoever has assigned them. Drivers send no event for a change. So
 * mediated looks at the functions of a card when something happens to them, before each list and
 * document that shows them, and every `[vgpu] poll` seconds. Main loop only.
 */
#pragma once

#include "backend/backend.h"

/* `context` must outlive the object. */
MdVgpus *md_vgpus_new(const MdDriverContext *context);
void md_vgpus_free(MdVgpus *self);

/* Whether there are functions at all. */
gboolean md_vgpus_exist(MdVgpus *self);

/* Whether the device is a function or a vGPU, so that a look at it is needed before it is shown. */
gboolean md_vgpus_are_shown_by(MdVgpus *self, const MdNodeDevice *device);

/*
 * Looks at the function of `device`, which may be the function or its vGPU; NULL: at all functions.
 * Calls back when the registry contains the result. A driver that does not answer delays the
 * caller once by at most a second.
 */
void md_vgpus_look_async(MdVgpus *self,
                         const MdNodeDevice *device,
                         MdOwner *owner,
                         GAsyncReadyCallback callback,
                         gpointer user_data);
void md_vgpus_look_finish(GAsyncResult *result);
