// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VFIO interface of a child: the operations on its file descriptor.
 */

#include <linux/errno.h>
#include <linux/eventfd.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/version.h>

#include "md_vgpu.h"

#define REGION_SHIFT	40

static struct vgpu *to_vgpu(struct vfio_device *vdev)
{
	return container_of(vdev, struct vgpu, vdev);
}

static int vgpu_init_dev(struct vfio_device *vdev)
{
	mutex_init(&to_vgpu(vdev)->lock);
	return 0;
}

static void vgpu_release_dev(struct vfio_device *vdev)
{
	/* Since Linux 6.2, the core frees the device. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
	vfio_free_device(vdev);
#endif
}

static int vgpu_open_device(struct vfio_device *vdev)
{
	struct vgpu *vgpu = to_vgpu(vdev);

	vgpu->bar = kzalloc(BAR_SIZE, GFP_KERNEL_ACCOUNT);
	if (!vgpu->bar)
		return -ENOMEM;
	mutex_lock(&vgpu->lock);
	vgpu_function_reset(vgpu);
	mutex_unlock(&vgpu->lock);
	return 0;
}

/* Sets the eventfd of the interrupt, or NULL. Called with the lock held. */
static void listen(struct vgpu *vgpu, struct eventfd_ctx *msi)
{
	if (vgpu->msi)
		eventfd_ctx_put(vgpu->msi);
	vgpu->msi = msi;
}

static void vgpu_close_device(struct vfio_device *vdev)
{
	struct vgpu *vgpu = to_vgpu(vdev);

	mutex_lock(&vgpu->lock);
	listen(vgpu, NULL);
	kfree(vgpu->bar);
	vgpu->bar = NULL;
	mutex_unlock(&vgpu->lock);
}

static ssize_t vgpu_access(struct vfio_device *vdev, char __user *to,
			   const char __user *from, size_t count, loff_t *ppos)
{
	struct vgpu *vgpu = to_vgpu(vdev);
	u64 offset = *ppos & ((1ULL << REGION_SHIFT) - 1);
	ssize_t ret;

	mutex_lock(&vgpu->lock);
	switch (*ppos >> REGION_SHIFT) {
	case VFIO_PCI_CONFIG_REGION_INDEX:
		ret = vgpu_config_access(vgpu, to, from, count, offset);
		break;
	case VFIO_PCI_BAR0_REGION_INDEX:
		ret = vgpu_bar_access(vgpu, to, from, count, offset);
		break;
	default:
		ret = -EINVAL;
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
	if (info.index == VFIO_PCI_CONFIG_REGION_INDEX)
		info.size = CONFIG_SIZE;
	else if (info.index == VFIO_PCI_BAR0_REGION_INDEX)
		info.size = BAR_SIZE;
	if (info.size)
		info.flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	return copy_to_user((void __user *)arg, &info, minsz) ? -EFAULT : 0;
}

static unsigned int vectors(unsigned int index)
{
	return index == VFIO_PCI_MSI_IRQ_INDEX ? 1 : 0;
}

static long get_irq_info(unsigned long arg)
{
	size_t minsz = offsetofend(struct vfio_irq_info, count);
	struct vfio_irq_info info;

	if (copy_from_user(&info, (void __user *)arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz || info.index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	info.count = vectors(info.index);
	info.flags = info.count ? VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_NORESIZE : 0;
	return copy_to_user((void __user *)arg, &info, minsz) ? -EFAULT : 0;
}

/*
 * data: the bytes after the header; the header's flags determine their number.
 * Called with the lock held.
 */
static long set_msi(struct vgpu *vgpu, const struct vfio_irq_set *header,
		    const void *data)
{
	struct eventfd_ctx *msi = NULL;
	s32 fd;

	switch (header->flags) {
	case VFIO_IRQ_SET_ACTION_TRIGGER | VFIO_IRQ_SET_DATA_NONE:
		if (header->count)
			vgpu_interrupt(vgpu);
		else
			listen(vgpu, NULL);
		return 0;
	case VFIO_IRQ_SET_ACTION_TRIGGER | VFIO_IRQ_SET_DATA_BOOL:
		if (*(const u8 *)data)
			vgpu_interrupt(vgpu);
		return 0;
	case VFIO_IRQ_SET_ACTION_TRIGGER | VFIO_IRQ_SET_DATA_EVENTFD:
		memcpy(&fd, data, sizeof(fd));
		if (fd >= 0)
			msi = eventfd_ctx_fdget(fd);
		if (IS_ERR(msi))
			return PTR_ERR(msi);
		listen(vgpu, msi);
		return 0;
	default:
		return -ENOTTY;
	}
}

static long set_irqs(struct vgpu *vgpu, unsigned long arg)
{
	size_t minsz = offsetofend(struct vfio_irq_set, count);
	struct vfio_irq_set header;
	void *data = NULL;
	size_t size = 0;
	long ret;

	if (copy_from_user(&header, (void __user *)arg, minsz))
		return -EFAULT;
	ret = vfio_set_irqs_validate_and_prepare(&header, vectors(header.index),
						 VFIO_PCI_NUM_IRQS, &size);
	if (ret)
		return ret;
	if (!size && !(header.flags & VFIO_IRQ_SET_DATA_NONE))
		return -EINVAL;
	if (size) {
		data = memdup_user((void __user *)(arg + minsz), size);
		if (IS_ERR(data))
			return PTR_ERR(data);
	}

	mutex_lock(&vgpu->lock);
	ret = set_msi(vgpu, &header, data);
	mutex_unlock(&vgpu->lock);
	kfree(data);
	return ret;
}

static long reset(struct vgpu *vgpu)
{
	mutex_lock(&vgpu->lock);
	vgpu_function_reset(vgpu);
	mutex_unlock(&vgpu->lock);
	return 0;
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
	case VFIO_DEVICE_SET_IRQS:
		return set_irqs(to_vgpu(vdev), arg);
	case VFIO_DEVICE_RESET:
		return reset(to_vgpu(vdev));
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
