/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The backend of the kernel's mediated devices. */
#pragma once

#include "backend/backend.h"

extern const MdBackend md_backend_mdev;
