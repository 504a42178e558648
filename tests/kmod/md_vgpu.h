/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * md_vgpu: parents of mediated devices for tests, which behave normally or, as
 * set by knobs, misbehave.
 *
 * The name of the PCI driver is "nvidia", so that the types are nvidia-11 and
 * so on. The driver binds to QEMU's "-device edu" (1234:11e8), and to any other
 * function by driver_override or new_id. Each bound function becomes an mdev
 * parent with the eight types of a GRID M60. As on Ampere boards, a function
 * with SR-IOV virtual functions does not: it only provides sriov_numvfs, and
 * its virtual functions are the parents. Writing 1 to "registered" makes the
 * physical function a parent, too.
 *
 * The parameter "virtual=mtty,mdpy" adds parents below /sys/devices/virtual,
 * one class and one device per name. "mtty" gets serial port types without a
 * description, any other name display types with a free text as description.
 *
 * Knobs are integers. Each one exists as a module parameter, the initial value
 * for all parents, and as <parent>/hostile/<knob>, which takes effect at once,
 * on that parent only. Knobs marked (R) take effect when the parent is
 * registered the next time.
 *
 * total_mib		framebuffer of the parent, shared by all types (8192)
 * capacity_scale	factor for total_mib and every max_instance (1): 256 gives
 *			room for 4,096 devices of type 11
 * homogeneous		1: all devices of a parent must have the same type
 * vanish		1: the next read of any available_instances returns the
 *			correct number, then no room is left (the knob then
 *			reads 2); 0: the room is back
 * delay_available_ms	duration of each read of available_instances
 * delay_create_ms	duration of each creation (in probe, after the add
 *			uevent)
 * delay_remove_ms	duration of each removal
 * block_create		1: creations block until the knob is 0, or the writer is
 *			killed
 * block_remove		1: removals block until the knob is 0
 * fail_create		errno of each creation, before anything is set up
 * fail_create_late	errno of each creation, after the VFIO device is set up
 * fail_remove		errno of each write to a child's "remove", which does not
 *			remove the child
 * strict_params	1: vgpu_params requires a trailing newline, else EINVAL
 * hide_name		(R) 1: types have no "name"
 * hide_description	(R) 1: types have no "description"
 * intel_text		(R) 1: GVT-g types with descriptions as i915 prints them
 *
 * <parent>/hostile/registered: 0 unregisters the parent, children included, and
 * 1 registers it again; the core sends MDEV_STATE=unregistered and =registered.
 *
 * Since Linux 6.1, a driver can neither fail a creation before the add uevent
 * (the core adds the device, probes it, and removes it again), nor fail a
 * removal (only up to 5.x did the callback have a result). The former is
 * not simulated. For the latter, fail_remove diverts the core's remove_store()
 * with a kprobe; if the kernel has no kprobes on x86-64, a write to the knob
 * fails with EOPNOTSUPP. The core always creates "name", so hide_name deletes
 * the file before the uevent of the registration is sent.
 *
 * For tests of attributes set at creation, a child has:
 * nvidia/vgpu_params	text, readable and writable, in a subdirectory
 * scratch		text, readable and writable
 * stubborn		every write fails with EINVAL
 * journal		all successful writes to the attributes above, in order,
 *			as "name=value" lines
 *
 * To the process that opens it through VFIO, a child is a PCI function
 * 10de:13f2 of class 3D controller, reset at each open. It has one MSI vector,
 * no other interrupt, and BAR 0: 4 KiB of 32-bit memory, of which the first
 * four bytes are the doorbell, for accesses of exactly this length. A write of
 * any value to the doorbell raises the interrupt; a read returns the number of
 * writes.
 */

#ifndef MD_VGPU_H
#define MD_VGPU_H

#include <linux/compiler.h>
#include <linux/device.h>
#include <linux/mdev.h>
#include <linux/mutex.h>
#include <linux/vfio.h>
#include <linux/wait.h>

#define CHILD_DRIVER		"nvidia-vgpu-vfio"
#define MAX_TYPES		8
#define TEXT_SIZE		256
#define CONFIG_SIZE		256
#define BAR_SIZE		4096
#define DOORBELL_SIZE		4

/* Knob, default, description. */
#define KNOBS(X)							\
	X(total_mib, 8192, "framebuffer of a parent in MiB")		\
	X(capacity_scale, 1, "factor for total_mib and max_instance")	\
	X(homogeneous, 0, "one type per parent at a time")		\
	X(vanish, 0, "room vanishes after the next look at it")		\
	X(delay_available_ms, 0, "duration of available_instances")	\
	X(delay_create_ms, 0, "duration of a creation")			\
	X(delay_remove_ms, 0, "duration of a removal")			\
	X(block_create, 0, "creations wait until 0")			\
	X(block_remove, 0, "removals wait until 0")			\
	X(fail_create, 0, "errno of creations, early")			\
	X(fail_create_late, 0, "errno of creations, late")		\
	X(fail_remove, 0, "errno of removals")				\
	X(strict_params, 0, "vgpu_params wants a newline")		\
	X(hide_name, 0, "types without a name")				\
	X(hide_description, 0, "types without a description")		\
	X(intel_text, 0, "GVT-g types and texts")

#define KNOB_ID(_name, _value, _text) KNOB_##_name,
enum knob {
	KNOBS(KNOB_ID)
	NR_KNOBS
};

/* Properties of a type; the same for all parents. */
struct type_info {
	const char *sysfs_name;
	const char *pretty_name;
	unsigned int mib;
	unsigned int max_instance;
	const char *description;
};

struct eventfd_ctx;
struct vgpu_parent;

struct vgpu_type {
	struct mdev_type mtype;
	struct vgpu_parent *parent;
	const struct type_info *info;
	unsigned int count;
};

struct vgpu_parent {
	struct list_head link;		/* in parents */
	struct device *dev;
	struct class *class;		/* of a virtual parent */
	const struct type_info *table;	/* types unless intel_text is set */

	struct mutex reg_lock;		/* registered, mdev, types[] */
	bool registered;
	struct mdev_parent mdev;
	struct vgpu_type types[MAX_TYPES];
	struct mdev_type *mtypes[MAX_TYPES];

	struct mutex room_lock;		/* used_mib, children, types[].count */
	unsigned int used_mib;
	unsigned int children;

	int knobs[NR_KNOBS];
	bool dying;
	wait_queue_head_t wait;		/* for knobs[] and dying */
};

struct vgpu {
	struct vfio_device vdev;
	struct vgpu_parent *parent;
	struct vgpu_type *type;

	struct mutex lock;		/* for the fields below */
	char params[TEXT_SIZE];
	char scratch[TEXT_SIZE];
	char journal[PAGE_SIZE / 2];
	u8 config[CONFIG_SIZE];
	u8 *bar;			/* NULL unless open */
	u32 rings;
	struct eventfd_ctx *msi;	/* signalled on interrupts, or NULL */
};

static inline int knob(struct vgpu_parent *parent, enum knob id)
{
	return READ_ONCE(parent->knobs[id]);
}

static inline struct vgpu_type *to_vgpu_type(struct mdev_type *mtype)
{
	return container_of(mtype, struct vgpu_type, mtype);
}

/* main.c: initial knobs of a parent */
extern int vgpu_defaults[NR_KNOBS];

/* types.c: tables end with an entry without sysfs_name */
extern const struct type_info vgpu_m60_types[];
extern const struct type_info vgpu_gvtg_types[];
extern const struct type_info vgpu_serial_types[];
extern const struct type_info vgpu_display_types[];

int vgpu_reserve_room(struct vgpu_type *type);
void vgpu_release_room(struct vgpu_type *type);
unsigned int vgpu_get_available(struct mdev_type *mtype);

/* function.c: access returns a byte count, 0 beyond the end, or an error */
void vgpu_function_reset(struct vgpu *vgpu);
void vgpu_interrupt(struct vgpu *vgpu);
ssize_t vgpu_config_access(struct vgpu *vgpu, char __user *to,
			   const char __user *from, size_t count, u64 offset);
ssize_t vgpu_bar_access(struct vgpu *vgpu, char __user *to,
			const char __user *from, size_t count, u64 offset);

/* vfio.c */
extern const struct vfio_device_ops vgpu_ops;

/* attributes.c: of a child */
extern const struct attribute_group *vgpu_child_groups[];

/* child.c */
extern struct mdev_driver vgpu_driver;
extern bool vgpu_can_divert;

void vgpu_divert_remove(void);
void vgpu_undivert_remove(void);

/* parent.c */
struct vgpu_parent *vgpu_parent_add(struct device *dev,
				    const struct type_info *table,
				    bool registered);
void vgpu_parent_remove(struct vgpu_parent *parent);

#endif
