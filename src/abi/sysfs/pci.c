/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci.c - the sysfs directory of a PCI device, and the links that lead to it.
 *
 * Numbers are read from the device's configuration space at each visit.
 */
#include <stdio.h>
#include <string.h>

#include "tree.h"

/* Flags of a line of `resource`, as the kernel's resource tree has them. */
#define RES_IO 0x00000100u
#define RES_MEM 0x00000200u
#define RES_PREFETCH 0x00002000u
#define RES_SIZEALIGN 0x00040000u
#define RES_MEM_64 0x00100000u

#define RESOURCE_LINES 13

void tree_pci_path(const struct uiommu_vdev *vdev, char *buf, size_t size)
{
	snprintf(buf, size, "devices/pci%.*s/%s", TREE_BUS_LEN, vdev->bdf,
		 vdev->bdf);
}

static uint32_t cfg(struct uiommu_vdev *vdev, unsigned int off,
		    unsigned int size)
{
	uint32_t val;

	pthread_mutex_lock(&vdev->lock);
	val = uvfio_hw_config_read(vdev, off, size);
	pthread_mutex_unlock(&vdev->lock);
	return val;
}

static uint32_t bar_flags(struct uiommu_vdev *vdev, unsigned int i)
{
	uint32_t reg = cfg(vdev, PCI_BAR(i), 4);

	if (reg & PCI_BAR_IO)
		return RES_IO | RES_SIZEALIGN | PCI_BAR_IO;
	return RES_MEM | RES_SIZEALIGN | (reg & 0xf) |
	       ((reg & PCI_BAR_TYPE) == PCI_BAR_TYPE_64 ? RES_MEM_64 : 0) |
	       (reg & PCI_BAR_PREFETCH ? RES_PREFETCH : 0);
}

static void resource_text(struct uiommu_vdev *vdev, char *text, size_t size)
{
	size_t at = 0;

	for (unsigned int i = 0; i < RESOURCE_LINES; i++) {
		const struct uiommu_vdev_bar *bar =
			i < UIOMMU_VDEV_BARS && vdev->bar[i].size
				? &vdev->bar[i]
				: NULL;

		at += (size_t)snprintf(
			text + at, size - at, "0x%016llx 0x%016llx 0x%016llx\n",
			bar ? (unsigned long long)bar->pa : 0ull,
			bar ? (unsigned long long)(bar->pa + bar->size - 1)
			    : 0ull,
			bar ? (unsigned long long)bar_flags(vdev, i) : 0ull);
	}
}

static void modalias_text(struct uiommu_vdev *vdev, char *text, size_t size)
{
	uint32_t class = cfg(vdev, PCI_CLASS, 4) >> 8;

	snprintf(text, size, "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X",
		 cfg(vdev, PCI_VENDOR_ID, 2), cfg(vdev, PCI_DEVICE_ID, 2),
		 cfg(vdev, PCI_SUBSYSTEM_VENDOR, 2),
		 cfg(vdev, PCI_SUBSYSTEM_ID, 2), class >> 16,
		 (class >> 8) & 0xff, class & 0xff);
}

/* ------------------------------------------------------------- files ---- */

static void hex_file(struct tree *tree, const char *dir, const char *name,
		     unsigned int digits, uint32_t val)
{
	char text[32];

	snprintf(text, sizeof(text), "0x%0*x\n", (int)digits, val);
	tree_file(tree, 0444, text, "%s/%s", dir, name);
}

static void visit_ids(struct tree *tree, struct uiommu_vdev *vdev,
		      const char *dir)
{
	char text[32];

	hex_file(tree, dir, "vendor", 4, cfg(vdev, PCI_VENDOR_ID, 2));
	hex_file(tree, dir, "device", 4, cfg(vdev, PCI_DEVICE_ID, 2));
	hex_file(tree, dir, "subsystem_vendor", 4,
		 cfg(vdev, PCI_SUBSYSTEM_VENDOR, 2));
	hex_file(tree, dir, "subsystem_device", 4,
		 cfg(vdev, PCI_SUBSYSTEM_ID, 2));
	hex_file(tree, dir, "class", 6, cfg(vdev, PCI_CLASS, 4) >> 8);
	hex_file(tree, dir, "revision", 2, cfg(vdev, PCI_REVISION, 1));
	snprintf(text, sizeof(text), "%u\n", cfg(vdev, PCI_INT_LINE, 1));
	tree_file(tree, 0444, text, "%s/irq", dir);
}

static void visit_texts(struct tree *tree, struct uiommu_vdev *vdev,
			const char *dir)
{
	char alias[128], text[TREE_TEXT_MAX];

	modalias_text(vdev, alias, sizeof(alias));
	snprintf(text, sizeof(text), "%s\n", alias);
	tree_file(tree, 0444, text, "%s/modalias", dir);
	snprintf(text, sizeof(text),
		 "DRIVER=vfio-pci\nPCI_CLASS=%X\nPCI_ID=%04X:%04X\n"
		 "PCI_SUBSYS_ID=%04X:%04X\nPCI_SLOT_NAME=%s\nMODALIAS=%s\n",
		 cfg(vdev, PCI_CLASS, 4) >> 8, cfg(vdev, PCI_VENDOR_ID, 2),
		 cfg(vdev, PCI_DEVICE_ID, 2),
		 cfg(vdev, PCI_SUBSYSTEM_VENDOR, 2),
		 cfg(vdev, PCI_SUBSYSTEM_ID, 2), vdev->bdf, alias);
	tree_file(tree, 0644, text, "%s/uevent", dir);
	resource_text(vdev, text, sizeof(text));
	tree_file(tree, 0444, text, "%s/resource", dir);
	tree_file(tree, 0644, "-1\n", "%s/numa_node", dir);
	tree_file(tree, 0644, "1\n", "%s/enable", dir);
	tree_file(tree, 0644, "vfio-pci\n", "%s/driver_override", dir);
	if (vdev->ops->reset) {
		tree_file(tree, 0200, "", "%s/reset", dir);
		tree_file(tree, 0644, "flr\n", "%s/reset_method", dir);
	}
}

static void visit_config(struct tree *tree, struct uiommu_vdev *vdev,
			 const char *dir)
{
	char path[TREE_PATH_MAX];
	uint32_t words[PCI_CFG_EXT_SIZE / 4];

	for (unsigned int i = 0; i < vdev->pci.cfg_size / 4u; i++)
		words[i] = cfg(vdev, 4 * i, 4);
	snprintf(path, sizeof(path), "%s/config", dir);
	tree_bytes(tree, path, 0644, words, vdev->pci.cfg_size);
}

static void visit_cdev(struct tree *tree, struct uiommu_vdev *vdev,
		       const char *dir, const char *path)
{
	char text[TREE_PATH_MAX];

	tree_dir(tree, "%s/vfio-dev", dir);
	tree_dir(tree, "%s/vfio-dev/vfio%u", dir, vdev->nr);
	tree_file(tree, 0444, "1:3\n", "%s/vfio-dev/vfio%u/dev", dir, vdev->nr);
	snprintf(text, sizeof(text),
		 "MAJOR=1\nMINOR=3\nDEVNAME=vfio/devices/vfio%u\n", vdev->nr);
	tree_file(tree, 0644, text, "%s/vfio-dev/vfio%u/uevent", dir, vdev->nr);
	snprintf(text, sizeof(text), "../../%.200s/vfio-dev/vfio%u", path,
		 vdev->nr);
	tree_link(tree, text, "/sys/class/vfio-dev/vfio%u", vdev->nr);
	tree_char(tree, 0600, "/dev/vfio/devices/vfio%u", vdev->nr);
}

/* From the device's directory, three below /sys, and to it from elsewhere. */
static void visit_links(struct tree *tree, struct uiommu_vdev *vdev,
			const char *dir, const char *path, unsigned int iommu)
{
	char target[TREE_PATH_MAX], name[64];

	snprintf(target, sizeof(target), "../../../kernel/iommu_groups/%u",
		 vdev->group->id);
	tree_link(tree, target, "%s/iommu_group", dir);
	tree_link(tree, "../../../bus/pci/drivers/vfio-pci", "%s/driver", dir);
	tree_link(tree, "../../../bus/pci", "%s/subsystem", dir);

	tree_iommu_name(uiommu_device_unit(vdev->dev), iommu, name,
			sizeof(name));
	snprintf(target, sizeof(target), "../../virtual/iommu/%s", name);
	tree_link(tree, target, "%s/iommu", dir);
	snprintf(target, sizeof(target), "../../../../../%.200s", path);
	tree_link(tree, target, "/sys/devices/virtual/iommu/%s/devices/%s",
		  name, vdev->bdf);

	snprintf(target, sizeof(target), "../../../%.200s", path);
	tree_link(tree, target, "/sys/bus/pci/devices/%s", vdev->bdf);
	snprintf(target, sizeof(target), "../../../../%.200s", path);
	tree_link(tree, target, "/sys/bus/pci/drivers/vfio-pci/%s", vdev->bdf);
}

void tree_pci_device(struct tree *tree, struct uiommu_vdev *vdev,
		     unsigned int iommu)
{
	char path[96], dir[104];

	tree_pci_path(vdev, path, sizeof(path));
	snprintf(dir, sizeof(dir), "/sys/%s", path);
	tree_dir(tree, "%s", dir);
	visit_ids(tree, vdev, dir);
	visit_texts(tree, vdev, dir);
	visit_config(tree, vdev, dir);
	visit_cdev(tree, vdev, dir, path);
	visit_links(tree, vdev, dir, path, iommu);
}
