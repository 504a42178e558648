/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Local SCSI devices, and those behind Fibre Channel. */
#include "config.h"

#include "conf/cap-scsi-generic.h"
#include "conf/cap-scsi-host.h"
#include "conf/cap-scsi-target.h"
#include "conf/cap-scsi.h"
#include "samples.h"

#define HOST  "/sys/devices/pci0000:00/0000:00:18.2/host3"
#define RPORT HOST "/rport-3:0-0/target3:0:0"


MdNodeDeviceDef *
md_sample_scsi_host(void)
{
    MdNodeDeviceDef *def =
        md_sample_new("scsi_host0", "/sys/devices/pci0000:00/0000:00:17.0/ata1/host0",
                      "pci_0000_00_17_0", NULL);
    MdCapScsiHost *cap = md_node_device_def_add_cap(def, &md_cap_kind_scsi_host);

    cap->host = 0;
    return def;
}


MdNodeDeviceDef *
md_sample_fc_host(void)
{
    MdNodeDeviceDef *def = md_sample_new("scsi_host3", HOST, "pci_0000_00_18_2", NULL);
    MdCapScsiHost *cap = md_node_device_def_add_cap(def, &md_cap_kind_scsi_host);

    cap->host = 3;
    cap->unique_id = 3;
    cap->is_fc_host = TRUE;
    cap->wwnn = g_strdup("20000000c9831b03");
    cap->wwpn = g_strdup("10000000c9831b03");
    cap->fabric_wwn = g_strdup("2001000dec9877c1");
    cap->has_vport_ops = TRUE;
    cap->max_vports = 255;
    cap->vports = 1;
    return def;
}


/* The way in which a document names the parent is never printed. */
MdNodeDeviceDef *
md_sample_vhba(void)
{
    MdNodeDeviceDef *def =
        md_sample_new("scsi_host7", HOST "/vport-3:0-0/host7", "scsi_host3", NULL);
    MdCapScsiHost *cap = md_node_device_def_add_cap(def, &md_cap_kind_scsi_host);

    def->parent_wwnn = g_strdup("20000000c9831b03");
    def->parent_wwpn = g_strdup("10000000c9831b03");
    def->parent_fabric_wwn = g_strdup("2001000dec9877c1");
    cap->host = 7;
    cap->unique_id = 0;
    cap->is_fc_host = TRUE;
    cap->wwnn = g_strdup("5001a4aaf3000002");
    cap->wwpn = g_strdup("5001a4aaf3000001");
    return def;
}


MdNodeDeviceDef *
md_sample_scsi_target(void)
{
    MdNodeDeviceDef *def =
        md_sample_new("scsi_target0_0_0",
                      "/sys/devices/pci0000:00/0000:00:17.0/ata1/host0/target0:0:0", "scsi_host0",
                      NULL);
    MdCapScsiTarget *cap = md_node_device_def_add_cap(def, &md_cap_kind_scsi_target);

    cap->target = g_strdup("target0:0:0");
    return def;
}


MdNodeDeviceDef *
md_sample_remote_port(void)
{
    MdNodeDeviceDef *def = md_sample_new("scsi_target3_0_0", RPORT, "scsi_host3", NULL);
    MdCapScsiTarget *cap = md_node_device_def_add_cap(def, &md_cap_kind_scsi_target);

    cap->target = g_strdup("target3:0:0");
    cap->rport = g_strdup("rport-3:0-0");
    cap->wwpn = g_strdup("50060160c1e0a3b5");
    return def;
}


MdNodeDeviceDef *
md_sample_scsi_disk(void)
{
    MdNodeDeviceDef *def =
        md_sample_new("scsi_3_0_0_1", RPORT "/3:0:0:1", "scsi_target3_0_0", NULL);
    MdCapScsi *cap = md_node_device_def_add_cap(def, &md_cap_kind_scsi);

    def->driver = g_strdup("sd");
    g_assert_true(md_scsi_address_parse("3:0:0:1", &cap->address));
    cap->type = g_strdup(md_scsi_type_to_string(0));
    return def;
}


/* A type without a name, and the largest numbers. */
MdNodeDeviceDef *
md_sample_scsi_unknown(void)
{
    MdNodeDeviceDef *def =
        md_sample_new("scsi_3_0_0_18446744073709551615", RPORT "/3:0:0:18446744073709551615",
                      "scsi_target3_0_0", NULL);
    MdCapScsi *cap = md_node_device_def_add_cap(def, &md_cap_kind_scsi);

    g_assert_true(md_scsi_address_parse("3:0:0:18446744073709551615", &cap->address));
    return def;
}


MdNodeDeviceDef *
md_sample_scsi_generic(void)
{
    MdNodeDeviceDef *def =
        md_sample_new("scsi_generic_sg1", RPORT "/3:0:0:1/scsi_generic/sg1", "scsi_3_0_0_1", NULL);
    MdCapScsiGeneric *cap = md_node_device_def_add_cap(def, &md_cap_kind_scsi_generic);

    def->devnode = g_strdup("/dev/sg1");
    cap->path = g_strdup("/dev/sg1");
    return def;
}
