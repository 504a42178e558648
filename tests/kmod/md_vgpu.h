/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * md_vgpu: mediated device parents for tests, tame or hostile.
 *
 * The PCI driver is called "nvidia", so that the types are named nvidia-11 and
 * so on. It binds QEMU's "-device edu" (1234:11e8), and any other function by
 * driver_override or new_id. Every bound function becomes an mdev parent with
 * the eight types of a GRID M60, except a function that has SR-IOV virtual
 * functions of its own: that one only serves sriov_numvfs, its VFs are the
 * parents, as on Ampere boards (writing 1 to "registered" makes it one too).
 *
 * The parameter "virtual=mtty,mdpy" adds parents below /sys/devices/virtual,
 * one class and one device per name. "mtty" gets serial port types without a
 * description, every other name display types with a description in free text.
 *
 * Knobs. Each is an integer, and exists twice: as a module parameter, the value
 * a parent starts with, and as <parent>/hostile/<knob>, which acts on that
 * parent alone and at once. Those marked (R) act when the parent is registered
 * the next time.
 *
 * total_mib		framebuffer of the parent, shared by all types (8192)
 * capacity_scale	multiplies total_mib and every max_instance (1): 256 gives
 *			room for 4,096 devices of type 11
 * homogeneous		1: all devices of a parent must be of one type
 * vanish		1: the next read of an available_instances tells the truth
 *			and takes all room away (the knob then reads 2); 0: gives
 *			it back
 * delay_available_ms	each read of available_instances takes this long
 * delay_create_ms	each creation takes this long (in probe, after the add
 *			uevent)
 * delay_remove_ms	each removal takes this long
 * block_create		1: creations wait until it is 0 again, or the writer is
 *			killed
 * block_remove		1: removals wait until it is 0 again
 * fail_create		errno for every creation, before anything is set up
 * fail_create_late	errno for every creation, after the VFIO device came up
 * fail_remove		errno for every write to a child's "remove", which then
 *			stays
 * strict_params	1: vgpu_params wants a newline at its end, else EINVAL
 * hide_name		(R) 1: types have no "name"
 * hide_description	(R) 1: types have no "description"
 * intel_text		(R) 1: GVT-g types with descriptions as i915 prints them
 *
 * <parent>/hostile/registered: 0 unregisters the parent, children included, and
 * 1 registers it again; the core sends MDEV_STATE=unregistered and =registered.
 *
 * What a driver cannot do on 6.1 and later: fail a creation before the add
 * uevent (the core adds the device, then probes, then removes it again), and
 * fail a removal (the callback returns nothing; up to 5.x it could). The first
 * is left as it is. For the second the knob diverts the core's remove_store()
 * by a kprobe; without kprobes on x86-64 a write to fail_remove is EOPNOTSUPP.
 * "name" is always made by the core, so hide_name deletes the file again before
 * the event of the registration is sent.
 *
 * A child carries, for tests of attributes given at creation:
 * nvidia/vgpu_params	text, readable and writable, in a subdirectory
 * scratch		text, readable and writable
 * stubborn		every write fails with EINVAL
 * journal		all successful writes to the above in their order, as
 *			"name=value" lines
 *
 * To its user, who opens it through VFIO, a child is a PCI function 10de:13f2
 * of class 3D controller, new at each open and after each reset. It has one
 * MSI vector, no other interrupt, and BAR 0: 4 KiB of 32-bit memory that keep
 * what is written, but for the doorbell, the first four bytes, for accesses of
 * just that length. A write, of whatever value, raises the interrupt; a read
 * tells how often there was a write.
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

/* Knob, default, what it does. */
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

/* What a type is; the same for all parents. */
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
	const struct type_info *table;	/* types without intel_text */

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

	struct mutex lock;		/* all below */
	char params[TEXT_SIZE];
	char scratch[TEXT_SIZE];
	char journal[PAGE_SIZE / 2];
	u8 config[CONFIG_SIZE];
	u8 *bar;			/* while it is open */
	u32 rings;
	struct eventfd_ctx *msi;	/* who is told of interrupts, or NULL */
};

static inline int knob(struct vgpu_parent *parent, enum knob id)
{
	return READ_ONCE(parent->knobs[id]);
}

static inline struct vgpu_type *to_vgpu_type(struct mdev_type *mtype)
{
	return container_of(mtype, struct vgpu_type, mtype);
}

/* main.c: what a parent starts with */
extern int vgpu_defaults[NR_KNOBS];

/* types.c: the tables end with an entry without sysfs_name */
extern const struct type_info vgpu_m60_types[];
extern const struct type_info vgpu_gvtg_types[];
extern const struct type_info vgpu_serial_types[];
extern const struct type_info vgpu_display_types[];

int vgpu_take_room(struct vgpu_type *type);
void vgpu_give_room(struct vgpu_type *type);
unsigned int vgpu_get_available(struct mdev_type *mtype);

/* function.c: access returns bytes, 0 behind the end, or an error */
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
