// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VFIO side of a child: a PCI function with nothing but a config space.
 */

#include <linux/errno.h>
#include <linux/pci.h>
#include <linux/uaccess.h>
#include <linux/version.h>

#include "md_vgpu.h"

#define REGION_SHIFT	40

static int vgpu_init_dev(struct vfio_device *vdev)
{
	struct vgpu *vgpu = container_of(vdev, struct vgpu, vdev);

	mutex_init(&vgpu->lock);
	vgpu->config[PCI_VENDOR_ID] = 0xde;
	vgpu->config[PCI_VENDOR_ID + 1] = 0x10;
	vgpu->config[PCI_DEVICE_ID] = 0xf2;
	vgpu->config[PCI_DEVICE_ID + 1] = 0x13;
	vgpu->config[PCI_CLASS_DEVICE + 1] = PCI_BASE_CLASS_DISPLAY;
	return 0;
}

static void vgpu_release_dev(struct vfio_device *vdev)
{
	/* From 6.2 on the core frees the device. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
	vfio_free_device(vdev);
#endif
}

static int vgpu_open_device(struct vfio_device *vdev)
{
	return 0;
}

static void vgpu_close_device(struct vfio_device *vdev)
{
}

static bool config_writable(unsigned int offset)
{
	return offset == PCI_COMMAND || offset == PCI_COMMAND + 1 ||
	       offset == PCI_INTERRUPT_LINE;
}

static ssize_t vgpu_access(struct vfio_device *vdev, char __user *to,
			   const char __user *from, size_t count, loff_t *ppos)
{
	struct vgpu *vgpu = container_of(vdev, struct vgpu, vdev);
	u64 offset = *ppos & ((1ULL << REGION_SHIFT) - 1);
	u8 data[CONFIG_SIZE];
	ssize_t ret;
	size_t i;

	if (*ppos >> REGION_SHIFT != VFIO_PCI_CONFIG_REGION_INDEX)
		return -EINVAL;
	if (offset >= CONFIG_SIZE)
		return 0;
	count = min_t(size_t, count, CONFIG_SIZE - offset);

	mutex_lock(&vgpu->lock);
	if (to) {
		ret = copy_to_user(to, vgpu->config + offset, count) ? -EFAULT : count;
	} else {
		ret = copy_from_user(data, from, count) ? -EFAULT : count;
		for (i = 0; ret > 0 && i < count; i++)
			if (config_writable(offset + i))
				vgpu->config[offset + i] = data[i];
	}
	mutex_unlock(&vgpu->lock);

	if (ret > 0)
		*ppos += ret;
	return ret;
}

static ssize_t vgpu_read(struct vfio_device *vdev, char __user *buf,
			 size_t count, loff_t *ppos)
{
	return vgpu_access(vdev, buf, NULL, count, ppos);
}

static ssize_t vgpu_write(struct vfio_device *vdev, const char __user *buf,
			  size_t count, loff_t *ppos)
{
	return vgpu_access(vdev, NULL, buf, count, ppos);
}

static long get_info(unsigned long arg)
{
	size_t minsz = offsetofend(struct vfio_device_info, num_irqs);
	struct vfio_device_info info;

	if (copy_from_user(&info, (void __user *)arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;
	info.flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET;
	info.num_regions = VFIO_PCI_NUM_REGIONS;
	info.num_irqs = VFIO_PCI_NUM_IRQS;
	return copy_to_user((void __user *)arg, &info, minsz) ? -EFAULT : 0;
}

static long get_region_info(unsigned long arg)
{
	size_t minsz = offsetofend(struct vfio_region_info, offset);
	struct vfio_region_info info;

	if (copy_from_user(&info, (void __user *)arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz || info.index >= VFIO_PCI_NUM_REGIONS)
		return -EINVAL;
	info.cap_offset = 0;
	info.offset = (u64)info.index << REGION_SHIFT;
	info.size = 0;
	info.flags = 0;
	if (info.index == VFIO_PCI_CONFIG_REGION_INDEX) {
		info.size = CONFIG_SIZE;
		info.flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	}
	return copy_to_user((void __user *)arg, &info, minsz) ? -EFAULT : 0;
}

static long get_irq_info(unsigned long arg)
{
	size_t minsz = offsetofend(struct vfio_irq_info, count);
	struct vfio_irq_info info;

	if (copy_from_user(&info, (void __user *)arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz || info.index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	info.flags = 0;
	info.count = 0;
	return copy_to_user((void __user *)arg, &info, minsz) ? -EFAULT : 0;
}

static long vgpu_ioctl(struct vfio_device *vdev, unsigned int cmd,
		       unsigned long arg)
{
	switch (cmd) {
	case VFIO_DEVICE_GET_INFO:
		return get_info(arg);
	case VFIO_DEVICE_GET_REGION_INFO:
		return get_region_info(arg);
	case VFIO_DEVICE_GET_IRQ_INFO:
		return get_irq_info(arg);
	case VFIO_DEVICE_RESET:
		return 0;
	default:
		return -ENOTTY;
	}
}

const struct vfio_device_ops vgpu_ops = {
	.name = CHILD_DRIVER,
	.init = vgpu_init_dev,
	.release = vgpu_release_dev,
	.open_device = vgpu_open_device,
	.close_device = vgpu_close_device,
	.read = vgpu_read,
	.write = vgpu_write,
	.ioctl = vgpu_ioctl,
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	.bind_iommufd = vfio_iommufd_emulated_bind,
	.unbind_iommufd = vfio_iommufd_emulated_unbind,
	.attach_ioas = vfio_iommufd_emulated_attach_ioas,
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
	.detach_ioas = vfio_iommufd_emulated_detach_ioas,
#endif
};
