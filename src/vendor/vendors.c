/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "vendor/vendors.h"


const MdVendor *const *
md_vendors_list(void)
{
    static const MdVendor *const vendors[] = { &md_vendor_nvidia, NULL };

    return vendors;
}
