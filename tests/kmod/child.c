// SPDX-License-Identifier: GPL-2.0-only
/*
 * Creation and removal of children, subject to the knobs of their parent.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/sched.h>

#include "md_vgpu.h"

static int hold_up_create(struct vgpu_parent *parent)
{
	int delay = knob(parent, KNOB_delay_create_ms);

	if (delay > 0 && schedule_timeout_killable(msecs_to_jiffies(delay)))
		return -EINTR;
	return wait_event_killable(parent->wait,
				   !knob(parent, KNOB_block_create) ||
				   READ_ONCE(parent->dying));
}

static int vgpu_probe(struct mdev_device *mdev)
{
	struct vgpu_type *type = to_vgpu_type(mdev->type);
	struct vgpu_parent *parent = type->parent;
	struct vgpu *vgpu;
	int ret;

	ret = hold_up_create(parent);
	if (ret)
		return ret;
	if (knob(parent, KNOB_fail_create))
		return -knob(parent, KNOB_fail_create);

	ret = vgpu_reserve_room(type);
	if (ret)
		return ret;

	vgpu = vfio_alloc_device(vgpu, vdev, &mdev->dev, &vgpu_ops);
	if (IS_ERR(vgpu)) {
		ret = PTR_ERR(vgpu);
		goto err_room;
	}
	vgpu->parent = parent;
	vgpu->type = type;

	ret = vfio_register_emulated_iommu_dev(&vgpu->vdev);
	if (ret)
		goto err_put;
	dev_set_drvdata(&mdev->dev, vgpu);

	if (knob(parent, KNOB_fail_create_late)) {
		ret = -knob(parent, KNOB_fail_create_late);
		vfio_unregister_group_dev(&vgpu->vdev);
		goto err_put;
	}
	return 0;

err_put:
	vfio_put_device(&vgpu->vdev);
err_room:
	vgpu_release_room(type);
	return ret;
}

static void vgpu_remove(struct mdev_device *mdev)
{
	struct vgpu *vgpu = dev_get_drvdata(&mdev->dev);
	struct vgpu_type *type = vgpu->type;
	struct vgpu_parent *parent = vgpu->parent;
	int delay = knob(parent, KNOB_delay_remove_ms);

	if (delay > 0)
		msleep(delay);
	wait_event(parent->wait, !knob(parent, KNOB_block_remove) ||
				 READ_ONCE(parent->dying));

	vfio_unregister_group_dev(&vgpu->vdev);
	vfio_put_device(&vgpu->vdev);
	vgpu_release_room(type);
}

static ssize_t vgpu_show_description(struct mdev_type *mtype, char *buf)
{
	return sysfs_emit(buf, "%s", to_vgpu_type(mtype)->info->description);
}

struct mdev_driver vgpu_driver = {
	.device_api = VFIO_DEVICE_API_PCI_STRING,
	.probe = vgpu_probe,
	.remove = vgpu_remove,
	.get_available = vgpu_get_available,
	.show_description = vgpu_show_description,
	.driver = {
		.name = CHILD_DRIVER,
		.owner = THIS_MODULE,
		.mod_name = KBUILD_MODNAME,
		.dev_groups = vgpu_child_groups,
	},
};

/* fail_remove: replaces the core's remove_store() for our children. */

bool vgpu_can_divert;

#if defined(CONFIG_KPROBES) && defined(CONFIG_X86_64)
static int remove_errno(struct device *dev)
{
	struct vgpu *vgpu;

	if (dev->driver != &vgpu_driver.driver)
		return 0;
	vgpu = dev_get_drvdata(dev);
	return vgpu ? knob(vgpu->parent, KNOB_fail_remove) : 0;
}

static ssize_t refuse_remove(struct device *dev, struct device_attribute *attr,
			     const char *buf, size_t count)
{
	int err = remove_errno(dev);

	return err ? -err : -EBUSY;
}

/*
 * The probe fires at the entry of remove_store(): stack and registers are those
 * of its call, so a jump to a function with the same parameters returns to the
 * caller of remove_store().
 */
static int divert_remove(struct kprobe *probe, struct pt_regs *regs)
{
	if (!remove_errno((struct device *)regs->di))
		return 0;
	regs->ip = (unsigned long)refuse_remove;
	return 1;
}

static struct kprobe remove_probe = {
	.symbol_name = "mdev:remove_store",
	.pre_handler = divert_remove,
};

void vgpu_divert_remove(void)
{
	int ret = register_kprobe(&remove_probe);

	if (ret)
		pr_warn("fail_remove is not available: %d\n", ret);
	vgpu_can_divert = ret == 0;
}

void vgpu_undivert_remove(void)
{
	if (vgpu_can_divert)
		unregister_kprobe(&remove_probe);
}
#else
void vgpu_divert_remove(void)
{
}

void vgpu_undivert_remove(void)
{
}
#endif
