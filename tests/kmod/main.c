// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: parameters, the PCI driver, virtual parents. See md_vgpu.h.
 */

#include <linux/errno.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/string.h>
#include <linux/version.h>

#include "md_vgpu.h"

#define PARENT_DRIVER	"nvidia"
#define MAX_VIRTUAL	8

#define KNOB_DEFAULT(_name, _value, _text) [KNOB_##_name] = _value,
int vgpu_defaults[NR_KNOBS] = { KNOBS(KNOB_DEFAULT) };

#define KNOB_PARAM(_name, _value, _text)				\
	module_param_named(_name, vgpu_defaults[KNOB_##_name], int,	\
			   0644);					\
	MODULE_PARM_DESC(_name, _text " (" #_value ")");
KNOBS(KNOB_PARAM)

static char *virtual[MAX_VIRTUAL];
static int nr_virtual;
module_param_array(virtual, charp, &nr_virtual, 0444);
MODULE_PARM_DESC(virtual, "names of parents without a bus");

static struct vgpu_parent *virtual_parents[MAX_VIRTUAL];

static int vgpu_pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct vgpu_parent *parent;
	int ret;

	ret = pci_enable_device(pdev);
	if (ret)
		return ret;
	parent = vgpu_parent_add(&pdev->dev, vgpu_m60_types, !pdev->is_physfn);
	if (IS_ERR(parent)) {
		pci_disable_device(pdev);
		return PTR_ERR(parent);
	}
	pci_set_drvdata(pdev, parent);
	return 0;
}

static void vgpu_pci_remove(struct pci_dev *pdev)
{
	if (pdev->is_physfn)
		pci_disable_sriov(pdev);
	vgpu_parent_remove(pci_get_drvdata(pdev));
	pci_disable_device(pdev);
}

static const struct pci_device_id vgpu_pci_ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) },
	{ }
};
MODULE_DEVICE_TABLE(pci, vgpu_pci_ids);

static struct pci_driver vgpu_pci_driver = {
	.name = PARENT_DRIVER,
	.id_table = vgpu_pci_ids,
	.probe = vgpu_pci_probe,
	.remove = vgpu_pci_remove,
	.sriov_configure = pci_sriov_configure_simple,
};

static struct vgpu_parent *virtual_add(const char *name)
{
	const struct type_info *table = vgpu_display_types;
	struct vgpu_parent *parent;
	struct class *class;
	struct device *dev;

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
	class = class_create(name);
#else
	class = class_create(THIS_MODULE, name);
#endif
	if (IS_ERR(class))
		return ERR_CAST(class);
	dev = device_create(class, NULL, MKDEV(0, 0), NULL, "%s", name);
	if (IS_ERR(dev)) {
		class_destroy(class);
		return ERR_CAST(dev);
	}
	if (!strcmp(name, "mtty"))
		table = vgpu_serial_types;
	parent = vgpu_parent_add(dev, table, true);
	if (IS_ERR(parent)) {
		device_unregister(dev);
		class_destroy(class);
		return parent;
	}
	parent->class = class;
	return parent;
}

static void virtual_remove_all(void)
{
	int i;

	for (i = 0; i < MAX_VIRTUAL && virtual_parents[i]; i++) {
		struct device *dev = virtual_parents[i]->dev;
		struct class *class = virtual_parents[i]->class;

		vgpu_parent_remove(virtual_parents[i]);
		device_unregister(dev);
		class_destroy(class);
	}
}

static int __init vgpu_init(void)
{
	struct vgpu_parent *parent;
	int ret;
	int i;

	ret = mdev_register_driver(&vgpu_driver);
	if (ret)
		return ret;
	vgpu_divert_remove();

	for (i = 0; i < nr_virtual; i++) {
		parent = virtual_add(virtual[i]);
		if (IS_ERR(parent)) {
			ret = PTR_ERR(parent);
			goto err;
		}
		virtual_parents[i] = parent;
	}
	ret = pci_register_driver(&vgpu_pci_driver);
	if (!ret)
		return 0;

err:
	virtual_remove_all();
	vgpu_undivert_remove();
	mdev_unregister_driver(&vgpu_driver);
	return ret;
}

static void __exit vgpu_exit(void)
{
	pci_unregister_driver(&vgpu_pci_driver);
	virtual_remove_all();
	vgpu_undivert_remove();
	mdev_unregister_driver(&vgpu_driver);
}

module_init(vgpu_init);
module_exit(vgpu_exit);

MODULE_DESCRIPTION("Mediated device parents for tests");
MODULE_LICENSE("GPL");
