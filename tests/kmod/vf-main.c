// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module md_vf: parameters, the PCI driver, the VFIO device of a function.
 * See md_vf.h.
 */

#include <linux/errno.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/version.h>

#include "md_vf.h"

#define CARD_DRIVER	"nvidia"

#define VF_KNOB_DEFAULT(_name, _value, _text) [VF_KNOB_##_name] = _value,
int vf_knobs[NR_VF_KNOBS] = { VF_KNOBS(VF_KNOB_DEFAULT) };
DECLARE_WAIT_QUEUE_HEAD(vf_wait);

static int set_knob(const char *text, const struct kernel_param *param)
{
	int ret = param_set_int(text, param);

	wake_up_all(&vf_wait);
	return ret;
}

static const struct kernel_param_ops knob_ops = {
	.set = set_knob,
	.get = param_get_int,
};

#define VF_KNOB_PARAM(_name, _value, _text)				\
	module_param_cb(_name, &knob_ops,				\
			&vf_knobs[VF_KNOB_##_name], 0644);		\
	MODULE_PARM_DESC(_name, _text " (" #_value ")");
VF_KNOBS(VF_KNOB_PARAM)

static struct vf_function *to_function(struct vfio_device *vdev)
{
	return container_of(vdev, struct vf_function, core.vdev);
}

/* The VFIO device of a function */

static int take_user(struct vf_function *function)
{
	int ret = 0;

	mutex_lock(&function->card->lock);
	if (function->type)
		function->users++;
	else
		ret = -ENODEV;
	mutex_unlock(&function->card->lock);
	return ret;
}

static void drop_user(struct vf_function *function)
{
	mutex_lock(&function->card->lock);
	function->users--;
	mutex_unlock(&function->card->lock);
}

static int vf_open_device(struct vfio_device *vdev)
{
	struct vf_function *function = to_function(vdev);
	int ret;

	ret = take_user(function);
	if (ret)
		return ret;
	ret = vfio_pci_core_enable(&function->core);
	if (ret) {
		drop_user(function);
		return ret;
	}
	vfio_pci_core_finish_enable(&function->core);
	return 0;
}

static void vf_close_device(struct vfio_device *vdev)
{
	vfio_pci_core_close_device(vdev);
	drop_user(to_function(vdev));
}

static const struct vfio_device_ops vf_ops = {
	.name = "nvidia-vgpu-vfio-pci",
	.init = vfio_pci_core_init_dev,
	.release = vfio_pci_core_release_dev,
	.open_device = vf_open_device,
	.close_device = vf_close_device,
	.ioctl = vfio_pci_core_ioctl,
	.device_feature = vfio_pci_core_ioctl_feature,
	.read = vfio_pci_core_read,
	.write = vfio_pci_core_write,
	.mmap = vfio_pci_core_mmap,
	.request = vfio_pci_core_request,
	.match = vfio_pci_core_match,
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	.bind_iommufd = vfio_iommufd_physical_bind,
	.unbind_iommufd = vfio_iommufd_physical_unbind,
	.attach_ioas = vfio_iommufd_physical_attach_ioas,
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
	.detach_ioas = vfio_iommufd_physical_detach_ioas,
#endif
};

/* Functions */

static void add_files_late(struct work_struct *work)
{
	struct vf_function *function =
		container_of(to_delayed_work(work), struct vf_function, files);

	vf_files_add(function);
}

static struct pci_driver vf_pci_driver;

static struct vf_card *find_card(struct pci_dev *pdev)
{
	struct pci_dev *physfn = pci_physfn(pdev);

	return pci_dev_driver(physfn) == &vf_pci_driver ? pci_get_drvdata(physfn) :
							  NULL;
}

static int function_start(struct vf_function *function)
{
	int delay = vf_knob(VF_KNOB_files_ms);
	int ret;

	ret = vfio_pci_core_register_device(&function->core);
	if (ret)
		return ret;
	mutex_lock(&function->card->lock);
	function->registered = true;
	list_add_tail(&function->link, &function->card->functions);
	mutex_unlock(&function->card->lock);

	if (delay >= 0) {
		schedule_delayed_work(&function->files, msecs_to_jiffies(delay));
		return 0;
	}
	return vf_files_add(function);
}

/* As the vendor's driver does: the VFIO device goes first, and with it the type. */
static void function_stop(struct vf_function *function)
{
	cancel_delayed_work_sync(&function->files);
	vfio_pci_core_unregister_device(&function->core);
	mutex_lock(&function->card->lock);
	function->registered = false;
	vf_function_forget(function);
	list_del(&function->link);
	mutex_unlock(&function->card->lock);
	wake_up_all(&vf_wait);
	vf_files_remove(function);
}

static int function_probe(struct pci_dev *pdev)
{
	struct vf_card *card = find_card(pdev);
	struct vf_function *function;
	int ret;

	if (!card)
		return -ENODEV;
	function = vfio_alloc_device(vf_function, core.vdev, &pdev->dev, &vf_ops);
	if (IS_ERR(function))
		return PTR_ERR(function);
	function->card = card;
	INIT_LIST_HEAD(&function->link);
	INIT_DELAYED_WORK(&function->files, add_files_late);
	dev_set_drvdata(&pdev->dev, &function->core);
	ret = function_start(function);
	if (ret) {
		if (function->registered)
			function_stop(function);
		vfio_put_device(&function->core.vdev);
	}
	return ret;
}

static int vf_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct vf_card *card;

	if (pdev->is_virtfn)
		return function_probe(pdev);
	card = kzalloc(sizeof(*card), GFP_KERNEL);
	if (!card)
		return -ENOMEM;
	mutex_init(&card->lock);
	INIT_LIST_HEAD(&card->functions);
	pci_set_drvdata(pdev, card);
	return 0;
}

static void vf_remove(struct pci_dev *pdev)
{
	struct vf_function *function;

	if (!pdev->is_virtfn) {
		pci_disable_sriov(pdev);
		kfree(pci_get_drvdata(pdev));
		return;
	}
	function = container_of((struct vfio_pci_core_device *)dev_get_drvdata(&pdev->dev),
				struct vf_function, core);
	function_stop(function);
	vfio_put_device(&function->core.vdev);
}

static int vf_sriov_configure(struct pci_dev *pdev, int count)
{
	int ret = 0;

	if (!vf_knob(VF_KNOB_numvfs))
		return -ENOENT;
	if (count)
		ret = pci_enable_sriov(pdev, count);
	else
		pci_disable_sriov(pdev);
	return ret ? ret : count;
}

static const struct pci_device_id vf_pci_ids[] = {
	{ PCI_DEVICE(PCI_VENDOR_ID_REDHAT, 0x0010) },
	{ }
};

static struct pci_driver vf_pci_driver = {
	.name = CARD_DRIVER,
	.id_table = vf_pci_ids,
	.probe = vf_probe,
	.remove = vf_remove,
	.sriov_configure = vf_sriov_configure,
	/* Transfers of a function are mapped by its users. */
	.driver_managed_dma = true,
};

module_pci_driver(vf_pci_driver);

MODULE_DESCRIPTION("Cards with vGPUs on virtual functions for tests");
MODULE_LICENSE("GPL");
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
MODULE_IMPORT_NS("IOMMUFD");
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
MODULE_IMPORT_NS(IOMMUFD);
#endif
