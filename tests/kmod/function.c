// SPDX-License-Identifier: GPL-2.0-only
/*
 * A child as a PCI function: its configuration space, memory and interrupt.
 */

#include <linux/errno.h>
#include <linux/eventfd.h>
#include <linux/pci.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/version.h>

#include "md_vgpu.h"

#define VENDOR_NVIDIA	0x10de
#define DEVICE_M60	0x13f2
#define MSI_CAP		0x40

static void put16(struct vgpu *vgpu, unsigned int offset, u16 value)
{
	vgpu->config[offset] = value;
	vgpu->config[offset + 1] = value >> 8;
}

/*
 * Sets the state after power-on; the eventfd of the interrupt is kept. Called
 * with the lock held.
 */
void vgpu_function_reset(struct vgpu *vgpu)
{
	memset(vgpu->config, 0, sizeof(vgpu->config));
	put16(vgpu, PCI_VENDOR_ID, VENDOR_NVIDIA);
	put16(vgpu, PCI_DEVICE_ID, DEVICE_M60);
	put16(vgpu, PCI_STATUS, PCI_STATUS_CAP_LIST);
	put16(vgpu, PCI_CLASS_DEVICE, PCI_CLASS_DISPLAY_3D);
	put16(vgpu, PCI_SUBSYSTEM_VENDOR_ID, VENDOR_NVIDIA);
	vgpu->config[PCI_CAPABILITY_LIST] = MSI_CAP;
	vgpu->config[MSI_CAP] = PCI_CAP_ID_MSI;
	put16(vgpu, MSI_CAP + PCI_MSI_FLAGS, PCI_MSI_FLAGS_64BIT);

	if (vgpu->bar)
		memset(vgpu->bar, 0, BAR_SIZE);
	vgpu->rings = 0;
}

/* The writable bits of a byte of the configuration space. */
static u8 config_writable(unsigned int offset)
{
	switch (offset) {
	case PCI_COMMAND:
		return PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	case PCI_COMMAND + 1:
		return PCI_COMMAND_INTX_DISABLE >> 8;
	case PCI_INTERRUPT_LINE:
		return 0xff;
	case PCI_BASE_ADDRESS_0 ... PCI_BASE_ADDRESS_0 + 3:
		/* The bits below the size of the BAR are read-only. */
		return (u32)~(BAR_SIZE - 1) >> 8 * (offset - PCI_BASE_ADDRESS_0);
	case MSI_CAP + PCI_MSI_FLAGS:
		return PCI_MSI_FLAGS_ENABLE;
	case MSI_CAP + PCI_MSI_ADDRESS_LO:
		return 0xfc;
	case MSI_CAP + PCI_MSI_ADDRESS_LO + 1 ... MSI_CAP + PCI_MSI_DATA_64 + 1:
		return 0xff;
	default:
		return 0;
	}
}

static void config_write(struct vgpu *vgpu, unsigned int offset, const u8 *data,
			 size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		u8 mask = config_writable(offset + i);
		u8 *byte = &vgpu->config[offset + i];

		*byte = (*byte & ~mask) | (data[i] & mask);
	}
}

/* Called with the lock held. */
void vgpu_interrupt(struct vgpu *vgpu)
{
	if (!vgpu->msi)
		return;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	eventfd_signal(vgpu->msi);
#else
	eventfd_signal(vgpu->msi, 1);
#endif
}

static void ring(struct vgpu *vgpu)
{
	vgpu->rings++;
	vgpu_interrupt(vgpu);
}

ssize_t vgpu_config_access(struct vgpu *vgpu, char __user *to,
			   const char __user *from, size_t count, u64 offset)
{
	u8 data[CONFIG_SIZE];

	if (offset >= CONFIG_SIZE)
		return 0;
	count = min_t(size_t, count, CONFIG_SIZE - offset);
	if (to)
		return copy_to_user(to, vgpu->config + offset, count) ? -EFAULT : count;
	if (copy_from_user(data, from, count))
		return -EFAULT;
	config_write(vgpu, offset, data, count);
	return count;
}

static ssize_t doorbell_access(struct vgpu *vgpu, char __user *to, size_t count)
{
	__le32 rings = cpu_to_le32(vgpu->rings);

	if (count != DOORBELL_SIZE)
		return -EINVAL;
	if (to)
		return copy_to_user(to, &rings, count) ? -EFAULT : count;
	ring(vgpu);
	return count;
}

ssize_t vgpu_bar_access(struct vgpu *vgpu, char __user *to,
			const char __user *from, size_t count, u64 offset)
{
	if (offset >= BAR_SIZE)
		return 0;
	if (offset < DOORBELL_SIZE)
		return offset == 0 ? doorbell_access(vgpu, to, count) : -EINVAL;
	count = min_t(size_t, count, BAR_SIZE - offset);
	if (to)
		return copy_to_user(to, vgpu->bar + offset, count) ? -EFAULT : count;
	return copy_from_user(vgpu->bar + offset, from, count) ? -EFAULT : count;
}
