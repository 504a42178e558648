/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of all vendors, in a file of its own so that a test can replace it. */
#pragma once

#include "vendor/vendor.h"

extern const MdVendor md_vendor_nvidia;

/* NULL-terminated. */
const MdVendor *const *md_vendors_list(void);
