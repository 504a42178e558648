/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The backend of cards without mediated devices, whose drivers assign a type to a virtual function
 * instead. The parent of a vGPU is the function, which takes one. A document may name the card,
 * too: the vGPU is then created on the first function that can take its type.
 */
#pragma once

#include "backend/backend.h"

extern const MdBackend md_backend_vgpu;
