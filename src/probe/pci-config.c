/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "probe/pci-config.h"

#include <linux/pci_regs.h>

/* Maximum number of capabilities. The space has no room for more, so a longer list is a loop. */
#define MAX_CAPABILITIES 48

/* The result of a two-byte read if the function does not answer. */
#define NO_ANSWER 0xffff


static guint
read_le(const guint8 *config, gsize size, gsize offset, guint n_bytes)
{
    guint value = 0;

    if (offset + n_bytes > size)
        return 0;
    for (guint i = 0; i < n_bytes; i++)
        value |= (guint)config[offset + i] << (8 * i);
    return value;
}


/* The offset of the capability with this id, 0 if the function has none. */
static gsize
find_capability(const guint8 *config, gsize size, guint id)
{
    gsize offset = 0;

    if ((read_le(config, size, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST) == 0)
        return 0;

    offset = read_le(config, size, PCI_CAPABILITY_LIST, 1) & ~3U;
    for (int i = 0; i < MAX_CAPABILITIES && offset >= PCI_STD_HEADER_SIZEOF; i++) {
        if (read_le(config, size, offset + PCI_CAP_LIST_ID, 1) == id)
            return offset;
        offset = read_le(config, size, offset + PCI_CAP_LIST_NEXT, 1) & ~3U;
    }
    return 0;
}


gboolean
md_pci_config_is_answer(const guint8 *config, gsize size)
{
    return size >= PCI_STD_HEADER_SIZEOF &&
           (read_le(config, size, PCI_VENDOR_ID, 2) != NO_ANSWER ||
            read_le(config, size, PCI_HEADER_TYPE, 1) != (NO_ANSWER & 0xff));
}


void
md_pci_config_parse(const guint8 *config, gsize size, gsize whole_size, MdCapPci *cap)
{
    gsize express = find_capability(config, size, PCI_CAP_ID_EXP);
    guint type = 0;
    guint capability = 0;
    guint status = 0;

    cap->header = read_le(config, size, PCI_HEADER_TYPE, 1) & 0x7f;
    cap->is_express = express != 0 || whole_size > MD_PCI_CONFIG_SIZE;
    cap->has_link_capability = FALSE;
    cap->has_link_status = FALSE;
    if (express == 0)
        return;

    /* Devices integrated into the root complex have no link. */
    type = (read_le(config, size, express + PCI_EXP_FLAGS, 2) & PCI_EXP_FLAGS_TYPE) >> 4;
    if (type == PCI_EXP_TYPE_RC_END || type == PCI_EXP_TYPE_RC_EC)
        return;

    capability = read_le(config, size, express + PCI_EXP_LNKCAP, 4);
    status = read_le(config, size, express + PCI_EXP_LNKSTA, 2);
    cap->has_link_capability = TRUE;
    cap->link_capability.port = (int)((capability & PCI_EXP_LNKCAP_PN) >> 24);
    cap->link_capability.speed = capability & PCI_EXP_LNKCAP_SLS;
    cap->link_capability.width = (capability & PCI_EXP_LNKCAP_MLW) >> 4;
    cap->has_link_status = TRUE;
    cap->link_status.port = -1;
    cap->link_status.speed = status & PCI_EXP_LNKSTA_CLS;
    cap->link_status.width = (status & PCI_EXP_LNKSTA_NLW) >> PCI_EXP_LNKSTA_NLW_SHIFT;
}
