/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices of real machines, each with the name of its golden document. */
#pragma once

#include "conf/node-device.h"

typedef struct {
    const char *name; /* kind/file, below tests/data */
    MdNodeDeviceDef *(*build)(void);
    gboolean beyond_libvirt; /* libvirt prints this document, but its schema refuses it */
    guint plain_since;       /* libvirt version since which no element is a detail; 0: none */
} MdSample;

/* A device without capabilities; each string may be NULL. */
MdNodeDeviceDef *
md_sample_new(const char *name, const char *path, const char *parent, const char *driver);

/* In samples-s390.c. */
MdNodeDeviceDef *md_sample_ccw_disk(void);
MdNodeDeviceDef *md_sample_ccw_member(void);
MdNodeDeviceDef *md_sample_ccwgroup(void);
MdNodeDeviceDef *md_sample_ap_card(void);
MdNodeDeviceDef *md_sample_ap_queue(void);

/* In samples-scsi.c. */
MdNodeDeviceDef *md_sample_scsi_host(void);
MdNodeDeviceDef *md_sample_fc_host(void);
MdNodeDeviceDef *md_sample_vhba(void);
MdNodeDeviceDef *md_sample_scsi_target(void);
MdNodeDeviceDef *md_sample_remote_port(void);
MdNodeDeviceDef *md_sample_scsi_disk(void);
MdNodeDeviceDef *md_sample_scsi_unknown(void);
MdNodeDeviceDef *md_sample_scsi_generic(void);

extern const MdSample md_samples[];
extern const guint md_n_samples;

/* USB and graphics devices. */
extern const MdSample md_usb_samples[];
extern const guint md_n_usb_samples;
/* Interfaces, disks and drives. */
extern const MdSample md_io_samples[];
extern const guint md_n_io_samples;
