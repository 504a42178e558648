// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registration of parents, and their directory "hostile" with the knobs.
 */

#include <linux/errno.h>
#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "md_vgpu.h"

static LIST_HEAD(parents);
static DEFINE_MUTEX(parents_lock);

static void hide_files(struct vgpu_parent *parent)
{
	static const struct attribute name = { .name = "name" };
	static const struct attribute description = { .name = "description" };
	unsigned int i;

	for (i = 0; i < parent->mdev.nr_types; i++) {
		struct vgpu_type *type = &parent->types[i];

		if (knob(parent, KNOB_hide_name))
			sysfs_remove_file(&type->mtype.kobj, &name);
		if (knob(parent, KNOB_hide_description) || !type->info->description)
			sysfs_remove_file(&type->mtype.kobj, &description);
	}
}

static int parent_register(struct vgpu_parent *parent)
{
	const struct type_info *info = parent->table;
	char *env[] = { "MDEV_STATE=registered", NULL };
	unsigned int n = 0;
	int ret;

	lockdep_assert_held(&parent->reg_lock);

	if (parent->registered)
		return 0;
	if (knob(parent, KNOB_intel_text))
		info = vgpu_gvtg_types;

	memset(&parent->mdev, 0, sizeof(parent->mdev));
	memset(parent->types, 0, sizeof(parent->types));
	for (; info->sysfs_name; info++, n++) {
		parent->types[n].parent = parent;
		parent->types[n].info = info;
		parent->types[n].mtype.sysfs_name = info->sysfs_name;
		parent->types[n].mtype.pretty_name = info->pretty_name;
		parent->mtypes[n] = &parent->types[n].mtype;
	}

	/*
	 * The core would send the event before hide_files(), so it is
	 * suppressed and sent here.
	 */
	dev_set_uevent_suppress(parent->dev, 1);
	ret = mdev_register_parent(&parent->mdev, parent->dev, &vgpu_driver,
				   parent->mtypes, n);
	if (!ret)
		hide_files(parent);
	dev_set_uevent_suppress(parent->dev, 0);
	if (ret)
		return ret;
	kobject_uevent_env(&parent->dev->kobj, KOBJ_CHANGE, env);
	parent->registered = true;
	return 0;
}

static void parent_unregister(struct vgpu_parent *parent)
{
	lockdep_assert_held(&parent->reg_lock);

	if (!parent->registered)
		return;
	mdev_unregister_parent(&parent->mdev);
	parent->registered = false;
}

/* The directory "hostile" of a parent */

static struct vgpu_parent *find_parent(struct device *dev)
{
	struct vgpu_parent *parent;

	mutex_lock(&parents_lock);
	list_for_each_entry(parent, &parents, link) {
		if (parent->dev == dev) {
			mutex_unlock(&parents_lock);
			return parent;
		}
	}
	mutex_unlock(&parents_lock);
	return NULL;
}

struct knob_attribute {
	struct device_attribute attr;
	enum knob id;
};

static ssize_t knob_show(struct device *dev, struct device_attribute *attr,
			 char *buf)
{
	enum knob id = container_of(attr, struct knob_attribute, attr)->id;
	struct vgpu_parent *parent = find_parent(dev);

	return parent ? sysfs_emit(buf, "%d\n", knob(parent, id)) : -ENODEV;
}

static ssize_t knob_store(struct device *dev, struct device_attribute *attr,
			  const char *buf, size_t count)
{
	enum knob id = container_of(attr, struct knob_attribute, attr)->id;
	struct vgpu_parent *parent = find_parent(dev);
	int value;
	int ret;

	if (!parent)
		return -ENODEV;
	ret = kstrtoint(buf, 0, &value);
	if (ret)
		return ret;
	if (value < 0)
		return -EINVAL;
	if (id == KNOB_fail_remove && value && !vgpu_can_divert)
		return -EOPNOTSUPP;
	mutex_lock(&parent->room_lock);
	WRITE_ONCE(parent->knobs[id], value);
	mutex_unlock(&parent->room_lock);
	wake_up_all(&parent->wait);
	return count;
}

static ssize_t registered_show(struct device *dev,
			       struct device_attribute *attr, char *buf)
{
	struct vgpu_parent *parent = find_parent(dev);

	return parent ? sysfs_emit(buf, "%d\n", parent->registered) : -ENODEV;
}

static ssize_t registered_store(struct device *dev,
				struct device_attribute *attr,
				const char *buf, size_t count)
{
	struct vgpu_parent *parent = find_parent(dev);
	bool wanted;
	int ret;

	if (!parent)
		return -ENODEV;
	ret = kstrtobool(buf, &wanted);
	if (ret)
		return ret;
	mutex_lock(&parent->reg_lock);
	if (wanted)
		ret = parent_register(parent);
	else
		parent_unregister(parent);
	mutex_unlock(&parent->reg_lock);
	return ret ? ret : count;
}
static DEVICE_ATTR_RW(registered);

#define KNOB_ATTR(_name, _value, _text)					\
	static struct knob_attribute knob_##_name = {			\
		.attr = __ATTR(_name, 0644, knob_show, knob_store),	\
		.id = KNOB_##_name,					\
	};
KNOBS(KNOB_ATTR)

#define KNOB_POINTER(_name, _value, _text) &knob_##_name.attr.attr,
static struct attribute *hostile_attrs[] = {
	KNOBS(KNOB_POINTER)
	&dev_attr_registered.attr,
	NULL
};

static const struct attribute_group hostile_group = {
	.name = "hostile",
	.attrs = hostile_attrs,
};

/* Adding and removing parents */

struct vgpu_parent *vgpu_parent_add(struct device *dev,
				    const struct type_info *table,
				    bool registered)
{
	struct vgpu_parent *parent;
	int ret;

	parent = kzalloc(sizeof(*parent), GFP_KERNEL);
	if (!parent)
		return ERR_PTR(-ENOMEM);
	parent->dev = dev;
	parent->table = table;
	mutex_init(&parent->reg_lock);
	mutex_init(&parent->room_lock);
	init_waitqueue_head(&parent->wait);
	memcpy(parent->knobs, vgpu_defaults, sizeof(vgpu_defaults));

	mutex_lock(&parents_lock);
	list_add_tail(&parent->link, &parents);
	mutex_unlock(&parents_lock);

	ret = device_add_group(dev, &hostile_group);
	if (ret)
		goto err_list;
	if (registered) {
		mutex_lock(&parent->reg_lock);
		ret = parent_register(parent);
		mutex_unlock(&parent->reg_lock);
	}
	if (ret)
		goto err_group;
	return parent;

err_group:
	device_remove_group(dev, &hostile_group);
err_list:
	mutex_lock(&parents_lock);
	list_del(&parent->link);
	mutex_unlock(&parents_lock);
	kfree(parent);
	return ERR_PTR(ret);
}

void vgpu_parent_remove(struct vgpu_parent *parent)
{
	/* Ends all waits for knobs, which would block the unregistration. */
	WRITE_ONCE(parent->dying, true);
	wake_up_all(&parent->wait);

	device_remove_group(parent->dev, &hostile_group);
	mutex_lock(&parent->reg_lock);
	parent_unregister(parent);
	mutex_unlock(&parent->reg_lock);
	mutex_lock(&parents_lock);
	list_del(&parent->link);
	mutex_unlock(&parents_lock);
	kfree(parent);
}
