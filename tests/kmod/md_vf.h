/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * md_vf: cards whose SR-IOV virtual functions carry vGPUs without mdev, for
 * tests: each function has a type, set by writing a file.
 *
 * The name of the PCI driver is "nvidia". It binds to QEMU's NVMe controllers
 * with virtual functions, which thereby become cards; any other function is
 * bound by driver_override or new_id. Functions are passed on by vfio-pci-core,
 * and cannot be opened without a type. md_vf and md_vgpu cannot be loaded at
 * the same time.
 *
 * The types are those of an L40S with 48 GiB. Each function has the files of
 * the vendor's driver in the directory "nvidia":
 *
 * creatable_vgpu_types	types that the function can take now
 * current_vgpu_type	number of the type; 0: none. Writable
 * gpu_instance_id	number of the GPU instance; ENXIO without a vGPU
 * placement_id		place on the card; ENXIO without a vGPU
 * vgpu_params		text for a vGPU that is not in use. Writable
 *
 * Knobs are parameters of the module, for all functions, and take effect at
 * once. Errors are errno numbers.
 *
 * header		0: the list has a header; 1: only while the card has no
 *			vGPU; 2: never
 * list			0: types; 1: only the header; 2: zero bytes; 3: EINVAL
 * mixed		1: vGPUs of a card may have different sizes
 * instances		-1: MIG is off; otherwise, number of GPU instances, each
 *			for one vGPU of at most 12 GiB
 * distinct		1: errors tell causes apart; 0: EIO for all of them
 * steal		1: after the next read of a list, another function of the
 *			card gets the largest type of this list
 * fail_assign		writes of a type fail
 * resets		1: a write that fails by fail_assign leaves no type
 * reads_back		a write of a type sets this one instead; 0: off
 * block_assign		1: writes of a type block until 0, or the writer is killed
 * fail_release		writes of 0 fail
 * busy			number of writes of 0 that fail with EBUSY
 * block_release	1: writes of 0 block until 0, or the writer is killed
 * traps		counts writes of 0 after one that failed with EIO
 * files_ms		delay of the files after `bind`; -1: the files come before
 *			`bind`
 * hang_ms		duration of reads of a function's files; the first read
 *			of each function only if negative
 * optional		(at `bind`) 0: only the first two files
 * numvfs		0: a write of sriov_numvfs fails with ENOENT
 */

#ifndef MD_VF_H
#define MD_VF_H

#include <linux/mutex.h>
#include <linux/vfio_pci_core.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#define PARAMS_SIZE	1024
#define CARD_MIB	49152
#define INSTANCE_MIB	12288

/* Knob, default, description. */
#define VF_KNOBS(X)							\
	X(header, 0, "when the list has a header")			\
	X(list, 0, "what the list contains")				\
	X(mixed, 0, "vGPUs of different sizes")				\
	X(instances, -1, "number of GPU instances; -1: MIG is off")	\
	X(distinct, 0, "errors tell causes apart")			\
	X(steal, 0, "room is taken after the next list")		\
	X(fail_assign, 0, "errno of writes of a type")			\
	X(resets, 0, "a failed write leaves no type")			\
	X(reads_back, 0, "the type that is set instead")		\
	X(block_assign, 0, "writes of a type wait until 0")		\
	X(fail_release, 0, "errno of writes of 0")			\
	X(busy, 0, "number of writes of 0 that fail with EBUSY")	\
	X(block_release, 0, "writes of 0 wait until 0")			\
	X(traps, 0, "writes of 0 after one that failed with EIO")	\
	X(files_ms, -1, "delay of the files")				\
	X(hang_ms, 0, "duration of reads")				\
	X(optional, 1, "files beyond the first two")			\
	X(numvfs, 1, "sriov_numvfs can be written")

#define VF_KNOB_ID(_name, _value, _text) VF_KNOB_##_name,
enum vf_knob {
	VF_KNOBS(VF_KNOB_ID)
	NR_VF_KNOBS
};

struct vf_type {
	unsigned int number;
	const char *name;
	unsigned int mib;
};

/* The driver data of a physical function. */
struct vf_card {
	struct mutex lock;		/* for the fields below, and its functions */
	struct list_head functions;
};

/* The driver data of a virtual function, which VFIO expects to begin so. */
struct vf_function {
	struct vfio_pci_core_device core;
	struct vf_card *card;
	struct list_head link;		/* in card->functions */
	struct delayed_work files;	/* adds the files */
	bool has_files;
	bool registered;		/* the VFIO device is there */
	bool was_read;
	bool broken;			/* a release has failed with EIO */
	unsigned int users;		/* of the VFIO device */
	const struct vf_type *type;	/* NULL: none */
	unsigned int place;		/* GPU instance, or GiB on the card */
	char params[PARAMS_SIZE];
};

/* vf-main.c */
extern int vf_knobs[NR_VF_KNOBS];
extern wait_queue_head_t vf_wait;	/* for vf_knobs */

static inline int vf_knob(enum vf_knob id)
{
	return READ_ONCE(vf_knobs[id]);
}

/* vf-files.c */
int vf_files_add(struct vf_function *function);
void vf_files_remove(struct vf_function *function);
void vf_function_forget(struct vf_function *function);

#endif
