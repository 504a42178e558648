/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the functions of a card have and could take, for the document of the card. */
#pragma once

#include "conf/cap-pci-vgpus.h"
#include "kernel/sysfs.h"

/* For a worker: asks the driver about each function of the card. NULL if no function takes
 * vGPUs. */
MdPciVgpus *md_vgpu_summary_read(MdSysfsDir *card);
