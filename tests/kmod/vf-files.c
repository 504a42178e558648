// SPDX-License-Identifier: GPL-2.0-only
/*
 * The directory "nvidia" of a function: which types it can take, and which one
 * it has.
 */

#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/kstrtox.h>
#include <linux/pci.h>
#include <linux/sched.h>
#include <linux/sysfs.h>

#include "md_vf.h"

#define GIB		1024
#define MAX_TIME_SLICED	32
#define HEADER		"ID    : vGPU Name\n"

enum { LIST_TYPES, LIST_HEADER, LIST_NOTHING, LIST_EINVAL };
enum { HEADER_ALWAYS, HEADER_IDLE, HEADER_NEVER };

static const struct vf_type types[] = {
	{ 1145, "NVIDIA L40S-1B", 1 * GIB },   { 1146, "NVIDIA L40S-2B", 2 * GIB },
	{ 1147, "NVIDIA L40S-1Q", 1 * GIB },   { 1148, "NVIDIA L40S-2Q", 2 * GIB },
	{ 1149, "NVIDIA L40S-3Q", 3 * GIB },   { 1150, "NVIDIA L40S-4Q", 4 * GIB },
	{ 1151, "NVIDIA L40S-6Q", 6 * GIB },   { 1152, "NVIDIA L40S-8Q", 8 * GIB },
	{ 1153, "NVIDIA L40S-12Q", 12 * GIB }, { 1154, "NVIDIA L40S-16Q", 16 * GIB },
	{ 1155, "NVIDIA L40S-24Q", 24 * GIB }, { 1156, "NVIDIA L40S-48Q", 48 * GIB },
};

static struct vf_function *to_function(struct device *dev)
{
	return container_of((struct vfio_pci_core_device *)dev_get_drvdata(dev),
			    struct vf_function, core);
}

static const struct vf_type *find_type(unsigned int number)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		if (types[i].number == number)
			return &types[i];
	}
	return NULL;
}

/* The card; called with its lock held */

static unsigned int count_vgpus(struct vf_card *card)
{
	struct vf_function *function;
	unsigned int count = 0;

	list_for_each_entry(function, &card->functions, link)
		count += function->type != NULL;
	return count;
}

static bool is_free(struct vf_card *card, unsigned int place, unsigned int length)
{
	struct vf_function *function;

	list_for_each_entry(function, &card->functions, link) {
		if (function->type && function->place < place + length &&
		    place < function->place + function->type->mib / GIB)
			return false;
	}
	return true;
}

/* The first place for a type, in GiB; negative: none. A place is aligned to its length. */
static int find_place(struct vf_card *card, const struct vf_type *type)
{
	unsigned int length = type->mib / GIB;
	unsigned int place;

	for (place = 0; place + length <= CARD_MIB / GIB; place += length) {
		if (is_free(card, place, length))
			return place;
	}
	return -ENOSPC;
}

/* 0, or the error of a driver that tells causes apart. */
static int check_type(struct vf_card *card, const struct vf_type *type)
{
	int instances = vf_knob(VF_KNOB_instances);
	struct vf_function *function;

	if (!type)
		return -ENODEV;
	if (instances >= 0) {
		if (type->mib > INSTANCE_MIB)
			return -ENODEV;
		return count_vgpus(card) < instances ? 0 : -ENOSPC;
	}
	list_for_each_entry(function, &card->functions, link) {
		if (!vf_knob(VF_KNOB_mixed) && function->type &&
		    function->type->mib != type->mib)
			return -EINVAL;
	}
	if (count_vgpus(card) >= MAX_TIME_SLICED || find_place(card, type) < 0)
		return -ENOSPC;
	return 0;
}

static void set_type(struct vf_function *function, const struct vf_type *type)
{
	if (vf_knob(VF_KNOB_instances) >= 0)
		function->place = count_vgpus(function->card);
	else
		function->place = find_place(function->card, type);
	function->type = type;
}

void vf_function_forget(struct vf_function *function)
{
	function->type = NULL;
	function->place = 0;
	function->broken = false;
	memset(function->params, 0, sizeof(function->params));
}

/* Gives the largest type that the card can make to another function of it. */
static void steal(struct vf_function *function)
{
	const struct vf_type *best = NULL;
	struct vf_function *other;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		if (!check_type(function->card, &types[i]) &&
		    (!best || types[i].mib > best->mib))
			best = &types[i];
	}
	list_for_each_entry(other, &function->card->functions, link) {
		if (best && other != function && !other->type) {
			set_type(other, best);
			return;
		}
	}
}

/* Reads */

static void delay_read(struct vf_function *function)
{
	int delay = vf_knob(VF_KNOB_hang_ms);

	if (delay > 0 || !function->was_read)
		msleep(abs(delay));
	function->was_read = true;
}

static ssize_t show_list(struct vf_function *function, char *buf)
{
	int header = vf_knob(VF_KNOB_header);
	ssize_t used = 0;
	unsigned int i;

	if (vf_knob(VF_KNOB_list) == LIST_EINVAL)
		return -EINVAL;
	if (vf_knob(VF_KNOB_list) == LIST_NOTHING)
		return 0;
	if (header == HEADER_ALWAYS ||
	    (header == HEADER_IDLE && !count_vgpus(function->card)))
		used += sysfs_emit_at(buf, used, HEADER);
	if (vf_knob(VF_KNOB_list) == LIST_HEADER || function->type ||
	    !function->registered)
		return used;
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		if (!check_type(function->card, &types[i]))
			used += sysfs_emit_at(buf, used, "%-5d : %s\n", types[i].number,
					      types[i].name);
	}
	return used;
}

static ssize_t creatable_vgpu_types_show(struct device *dev,
					 struct device_attribute *attr, char *buf)
{
	struct vf_function *function = to_function(dev);
	ssize_t used;

	delay_read(function);
	mutex_lock(&function->card->lock);
	used = show_list(function, buf);
	if (vf_knobs[VF_KNOB_steal]) {
		vf_knobs[VF_KNOB_steal] = 0;
		steal(function);
	}
	mutex_unlock(&function->card->lock);
	return used;
}
static DEVICE_ATTR_RO(creatable_vgpu_types);

static ssize_t current_vgpu_type_show(struct device *dev,
				      struct device_attribute *attr, char *buf)
{
	struct vf_function *function = to_function(dev);
	unsigned int number;

	delay_read(function);
	mutex_lock(&function->card->lock);
	number = function->type ? function->type->number : 0;
	mutex_unlock(&function->card->lock);
	return sysfs_emit(buf, "%u\n", number);
}

/* Writes; called with the card's lock held */

/* Waits without the lock: the function may have changed, or lost its driver, afterwards. */
static int wait_for_knob(struct vf_function *function, enum vf_knob knob)
{
	int ret;

	mutex_unlock(&function->card->lock);
	ret = wait_event_killable(vf_wait, !vf_knob(knob) ||
					   !READ_ONCE(function->registered));
	mutex_lock(&function->card->lock);
	if (ret)
		return -EINTR;
	return function->registered ? 0 : -ENODEV;
}

static int assign(struct vf_function *function, unsigned int number)
{
	const struct vf_type *type = find_type(number);
	bool distinct = vf_knob(VF_KNOB_distinct);
	int ret = -vf_knob(VF_KNOB_fail_assign);

	if (ret) {
		if (vf_knob(VF_KNOB_resets))
			vf_function_forget(function);
		return ret;
	}
	if (!function->registered)
		return -EINVAL;
	if (function->type)
		return distinct ? -EBUSY : -EPERM;
	ret = wait_for_knob(function, VF_KNOB_block_assign);
	if (ret)
		return ret;
	ret = check_type(function->card, type);
	if (ret)
		return distinct ? ret : -EIO;
	if (find_type(vf_knob(VF_KNOB_reads_back)))
		type = find_type(vf_knob(VF_KNOB_reads_back));
	set_type(function, type);
	return 0;
}

static int release(struct vf_function *function)
{
	bool distinct = vf_knob(VF_KNOB_distinct);
	int ret;

	if (function->broken)
		vf_knobs[VF_KNOB_traps]++;
	if (function->users)
		return distinct ? -EBUSY : -EPERM;
	if (!function->type)
		return distinct ? 0 : -EPERM;
	ret = wait_for_knob(function, VF_KNOB_block_release);
	if (ret)
		return ret;
	if (vf_knobs[VF_KNOB_busy] > 0) {
		vf_knobs[VF_KNOB_busy]--;
		return -EBUSY;
	}
	ret = -vf_knob(VF_KNOB_fail_release);
	if (ret) {
		function->broken = ret == -EIO;
		return ret;
	}
	vf_function_forget(function);
	return 0;
}

static ssize_t current_vgpu_type_store(struct device *dev,
				       struct device_attribute *attr,
				       const char *buf, size_t count)
{
	struct vf_function *function = to_function(dev);
	unsigned long number;
	int ret;

	ret = kstrtoul(buf, 10, &number);
	if (ret)
		return ret;
	mutex_lock(&function->card->lock);
	/* Cut without a check, like the vendor's driver. */
	ret = (u32)number ? assign(function, (u32)number) : release(function);
	mutex_unlock(&function->card->lock);
	return ret ? ret : count;
}
static DEVICE_ATTR_RW(current_vgpu_type);

/* The other files */

static ssize_t show_place(struct device *dev, char *buf, bool exists,
			  unsigned int first)
{
	struct vf_function *function = to_function(dev);
	ssize_t used = -ENXIO;

	delay_read(function);
	mutex_lock(&function->card->lock);
	if (function->type && exists)
		used = sysfs_emit(buf, "%u\n", function->place + first);
	mutex_unlock(&function->card->lock);
	return used;
}

static ssize_t gpu_instance_id_show(struct device *dev,
				    struct device_attribute *attr, char *buf)
{
	return show_place(dev, buf, vf_knob(VF_KNOB_instances) >= 0, 1);
}
static DEVICE_ATTR_RO(gpu_instance_id);

static ssize_t placement_id_show(struct device *dev,
				 struct device_attribute *attr, char *buf)
{
	return show_place(dev, buf, true, 0);
}
static DEVICE_ATTR_RO(placement_id);

static ssize_t vgpu_params_show(struct device *dev, struct device_attribute *attr,
				char *buf)
{
	struct vf_function *function = to_function(dev);
	ssize_t used;

	mutex_lock(&function->card->lock);
	used = sysfs_emit(buf, "%s\n", function->params);
	mutex_unlock(&function->card->lock);
	return used;
}

/* Drops the last character, like the vendor's driver. */
static int set_params(struct vf_function *function, const char *buf, size_t count)
{
	if (!function->type)
		return -ENXIO;
	if (function->users)
		return -EPERM;
	if (count > PARAMS_SIZE)
		return -E2BIG;
	memset(function->params, 0, sizeof(function->params));
	if (count > 1 && !(count == 2 && *buf == ' '))
		memcpy(function->params, buf, count - 1);
	return 0;
}

static ssize_t vgpu_params_store(struct device *dev, struct device_attribute *attr,
				 const char *buf, size_t count)
{
	struct vf_function *function = to_function(dev);
	int ret;

	mutex_lock(&function->card->lock);
	ret = set_params(function, buf, count);
	mutex_unlock(&function->card->lock);
	return ret ? ret : count;
}
static DEVICE_ATTR_RW(vgpu_params);

static struct attribute *attributes[] = {
	&dev_attr_creatable_vgpu_types.attr,
	&dev_attr_current_vgpu_type.attr,
	&dev_attr_gpu_instance_id.attr,
	&dev_attr_placement_id.attr,
	&dev_attr_vgpu_params.attr,
	NULL,
};

static umode_t is_visible(struct kobject *kobj, struct attribute *attr, int index)
{
	bool is_first = attr == &dev_attr_creatable_vgpu_types.attr ||
			attr == &dev_attr_current_vgpu_type.attr;

	return is_first || vf_knob(VF_KNOB_optional) ? attr->mode : 0;
}

static const struct attribute_group group = {
	.name = "nvidia",
	.attrs = attributes,
	.is_visible = is_visible,
};

int vf_files_add(struct vf_function *function)
{
	int ret = sysfs_create_group(&function->core.pdev->dev.kobj, &group);

	function->has_files = !ret;
	return ret;
}

void vf_files_remove(struct vf_function *function)
{
	if (function->has_files)
		sysfs_remove_group(&function->core.pdev->dev.kobj, &group);
	function->has_files = false;
}
