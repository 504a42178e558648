// SPDX-License-Identifier: GPL-2.0-only
/*
 * The types of parents, and the room of a parent for each type.
 */

#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/sched.h>

#include "md_vgpu.h"

#define VANISH_ARMED	1
#define VANISH_FIRED	2

#define M60(_id, _model, _heads, _frl, _mib, _resolution, _max)		\
	{ _id, "GRID M60-" _model, _mib, _max,				\
	  "num_heads=" #_heads ", frl_config=" #_frl			\
	  ", framebuffer=" #_mib "M, max_resolution=" _resolution	\
	  ", max_instance=" #_max "\n" }

const struct type_info vgpu_m60_types[] = {
#include "m60-types.h"
	{ }
};

#define GVTG(_id, _mib, _max, _low, _high, _resolution, _weight)	\
	{ _id, NULL, _mib, _max,					\
	  "low_gm_size: " #_low "MB\nhigh_gm_size: " #_high "MB\n"	\
	  "fence: 4\nresolution: " _resolution "\nweight: " #_weight "\n" }

const struct type_info vgpu_gvtg_types[] = {
	GVTG("GVTg_V5_1", 8192, 1, 512, 2048, "1920x1200", 16),
	GVTG("GVTg_V5_2", 4096, 2, 256, 1024, "1920x1200", 8),
	GVTG("GVTg_V5_4", 2048, 4, 128, 512, "1920x1200", 4),
	GVTG("GVTg_V5_8", 1024, 8, 64, 384, "1024x768", 2),
	{ }
};

const struct type_info vgpu_serial_types[] = {
	{ "1", "Single port serial", 341, 24, NULL },
	{ "2", "Dual port serial", 682, 12, NULL },
	{ }
};

const struct type_info vgpu_display_types[] = {
	{ "vga", NULL, 512, 16, "virtual display, 640x480 framebuffer\n" },
	{ "xga", NULL, 1024, 8, "virtual display, 1024x768 framebuffer\n" },
	{ "hd", NULL, 2048, 4, "virtual display, 1920x1080 framebuffer\n" },
	{ }
};

static unsigned int room(struct vgpu_type *type)
{
	struct vgpu_parent *parent = type->parent;
	unsigned int scale = max(knob(parent, KNOB_capacity_scale), 1);
	unsigned int total = max(knob(parent, KNOB_total_mib), 0) * scale;
	unsigned int limit = type->info->max_instance * scale;

	lockdep_assert_held(&parent->room_lock);

	if (knob(parent, KNOB_vanish) == VANISH_FIRED)
		return 0;
	if (knob(parent, KNOB_homogeneous) && parent->children != type->count)
		return 0;
	if (parent->used_mib >= total || type->count >= limit)
		return 0;
	return min((total - parent->used_mib) / type->info->mib,
		   limit - type->count);
}

int vgpu_reserve_room(struct vgpu_type *type)
{
	struct vgpu_parent *parent = type->parent;
	int ret = -ENOSPC;

	mutex_lock(&parent->room_lock);
	if (room(type) > 0) {
		type->count++;
		parent->children++;
		parent->used_mib += type->info->mib;
		ret = 0;
	}
	mutex_unlock(&parent->room_lock);
	return ret;
}

void vgpu_release_room(struct vgpu_type *type)
{
	struct vgpu_parent *parent = type->parent;

	mutex_lock(&parent->room_lock);
	type->count--;
	parent->children--;
	parent->used_mib -= type->info->mib;
	mutex_unlock(&parent->room_lock);
}

unsigned int vgpu_get_available(struct mdev_type *mtype)
{
	struct vgpu_type *type = to_vgpu_type(mtype);
	struct vgpu_parent *parent = type->parent;
	unsigned int available;
	int delay = knob(parent, KNOB_delay_available_ms);

	if (delay > 0)
		schedule_timeout_killable(msecs_to_jiffies(delay));

	mutex_lock(&parent->room_lock);
	available = room(type);
	if (knob(parent, KNOB_vanish) == VANISH_ARMED)
		WRITE_ONCE(parent->knobs[KNOB_vanish], VANISH_FIRED);
	mutex_unlock(&parent->room_lock);
	return available;
}
