// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attributes of a child, for tests that set attributes at its creation.
 */

#include <linux/errno.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "md_vgpu.h"

static void note(struct vgpu *vgpu, const char *name, const char *value)
{
	size_t used = strlen(vgpu->journal);

	scnprintf(vgpu->journal + used, sizeof(vgpu->journal) - used, "%s=%s\n",
		  name, value);
}

static ssize_t store_text(struct vgpu *vgpu, const char *name, char *text,
			  const char *buf, size_t count)
{
	size_t len = count > 0 && buf[count - 1] == '\n' ? count - 1 : count;

	if (len >= TEXT_SIZE)
		return -E2BIG;
	mutex_lock(&vgpu->lock);
	memcpy(text, buf, len);
	text[len] = '\0';
	note(vgpu, name, text);
	mutex_unlock(&vgpu->lock);
	return count;
}

static ssize_t show_text(struct vgpu *vgpu, const char *text, const char *end,
			 char *buf)
{
	ssize_t len;

	mutex_lock(&vgpu->lock);
	len = sysfs_emit(buf, "%s%s", text, end);
	mutex_unlock(&vgpu->lock);
	return len;
}

static ssize_t vgpu_params_show(struct device *dev,
				struct device_attribute *attr, char *buf)
{
	struct vgpu *vgpu = dev_get_drvdata(dev);

	return show_text(vgpu, vgpu->params, "\n", buf);
}

static ssize_t vgpu_params_store(struct device *dev,
				 struct device_attribute *attr,
				 const char *buf, size_t count)
{
	struct vgpu *vgpu = dev_get_drvdata(dev);

	if (knob(vgpu->parent, KNOB_strict_params) &&
	    (count == 0 || buf[count - 1] != '\n'))
		return -EINVAL;
	return store_text(vgpu, "nvidia/vgpu_params", vgpu->params, buf, count);
}
static DEVICE_ATTR_RW(vgpu_params);

static ssize_t scratch_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	struct vgpu *vgpu = dev_get_drvdata(dev);

	return show_text(vgpu, vgpu->scratch, "\n", buf);
}

static ssize_t scratch_store(struct device *dev, struct device_attribute *attr,
			     const char *buf, size_t count)
{
	struct vgpu *vgpu = dev_get_drvdata(dev);

	return store_text(vgpu, "scratch", vgpu->scratch, buf, count);
}
static DEVICE_ATTR_RW(scratch);

static ssize_t stubborn_show(struct device *dev, struct device_attribute *attr,
			     char *buf)
{
	return sysfs_emit(buf, "no\n");
}

static ssize_t stubborn_store(struct device *dev,
			      struct device_attribute *attr,
			      const char *buf, size_t count)
{
	return -EINVAL;
}
static DEVICE_ATTR_RW(stubborn);

static ssize_t journal_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	struct vgpu *vgpu = dev_get_drvdata(dev);

	return show_text(vgpu, vgpu->journal, "", buf);
}
static DEVICE_ATTR_RO(journal);

static struct attribute *child_attrs[] = {
	&dev_attr_scratch.attr,
	&dev_attr_stubborn.attr,
	&dev_attr_journal.attr,
	NULL
};

static const struct attribute_group child_group = {
	.attrs = child_attrs,
};

static struct attribute *child_nvidia_attrs[] = {
	&dev_attr_vgpu_params.attr,
	NULL
};

static const struct attribute_group child_nvidia_group = {
	.name = "nvidia",
	.attrs = child_nvidia_attrs,
};

const struct attribute_group *vgpu_child_groups[] = {
	&child_group,
	&child_nvidia_group,
	NULL
};
