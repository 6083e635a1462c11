/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reset.c - function level reset, and the hot reset of a bus.
 *
 * A reset clears what the device knows but not what its client has set up:
 * header, interrupts and the control words of PCI Express are written again.
 * While it lasts mapped registers cannot be accessed.
 *
 * A hot reset takes all functions of a bus; it needs a bridge above them, so
 * there is none on the root bus 0, and each must be the caller's.
 */
#include <stdio.h>
#include <string.h>

#include "private.h"

/* Words that come back after a reset, besides BARs and COMMAND. */
static unsigned int saved_word(const struct uvfio_pci *pci, unsigned int i)
{
	switch (i) {
	case 0:
		return PCI_CACHE_LINE;
	case 1:
		return PCI_INT_LINE;
	case 2:
		return pci->exp ? pci->exp + PCI_EXP_DEVCTL : 0;
	case 3:
		return pci->exp ? pci->exp + PCI_EXP_DEVCTL2 : 0;
	default:
		return 0;
	}
}
#define SAVED_WORDS 4

struct saved {
	uint32_t command;
	uint32_t bar[UIOMMU_VDEV_BARS];
	uint32_t word[SAVED_WORDS];
};

static void save(struct uiommu_vdev *vdev, struct saved *saved)
{
	saved->command = uvfio_hw_config_read(vdev, PCI_COMMAND, 2);
	for (unsigned int i = 0; i < UIOMMU_VDEV_BARS; i++)
		saved->bar[i] = uvfio_hw_config_read(vdev, PCI_BAR(i), 4);
	for (unsigned int i = 0; i < SAVED_WORDS; i++)
		if (saved_word(&vdev->pci, i))
			saved->word[i] = uvfio_hw_config_read(
				vdev, saved_word(&vdev->pci, i), 2);
}

static void restore(struct uiommu_vdev *vdev, const struct saved *saved)
{
	for (unsigned int i = 0; i < UIOMMU_VDEV_BARS; i++)
		uvfio_hw_config_write(vdev, PCI_BAR(i), 4, saved->bar[i]);
	for (unsigned int i = 0; i < SAVED_WORDS; i++)
		if (saved_word(&vdev->pci, i))
			uvfio_hw_config_write(vdev, saved_word(&vdev->pci, i),
					      2, saved->word[i]);
	/* Interrupts before bus mastering. */
	uvfio_hw_config_write(vdev, PCI_COMMAND, 2,
			      saved->command & ~(uint32_t)PCI_COMMAND_MASTER);
	uvfio_msi_restore(vdev);
	uvfio_hw_config_write(vdev, PCI_COMMAND, 2, saved->command);
}

int uvfio_reset_locked(struct uiommu_vdev *vdev)
{
	unsigned int pm = vdev->pci.pm;
	struct saved saved;
	int rc;

	if (!vdev->ops->reset)
		return -ENOTTY;
	store_release(&vdev->mem_on, false);
	save(vdev, &saved);
	rc = vdev->ops->reset(vdev->ctx);
	restore(vdev, &saved);
	/* It comes back in D0. */
	if (pm)
		vdev->cfg.shadow[pm + PCI_PM_CSR] &= (uint8_t)~PCI_PM_CSR_STATE;
	uvfio_config_sync_mem(vdev);
	return rc;
}

long uvfio_reset(struct uiommu_vdev *vdev)
{
	long rc;

	pthread_mutex_lock(&vdev->lock);
	rc = vdev->reset_works ? uvfio_reset_locked(vdev) : -EINVAL;
	pthread_mutex_unlock(&vdev->lock);
	return rc;
}

/* ---------------------------------------------------------- hot reset --- */

/* Length of "DDDD:BB": what functions of one bus have in common. */
#define BUS_LEN 7

static bool same_bus(const struct uiommu_vdev *a, const struct uiommu_vdev *b)
{
	return !strncmp(a->bdf, b->bdf, BUS_LEN);
}

static void parse_bdf(const char *bdf, struct vfio_pci_dependent_device *dep)
{
	unsigned int seg = 0, bus = 0, dev = 0, fn = 0;

	sscanf(bdf, "%x:%x:%x.%x", &seg, &bus, &dev, &fn);
	dep->segment = (uint16_t)seg;
	dep->bus = (uint8_t)bus;
	dep->devfn = (uint8_t)(dev << 3 | fn);
}

/* All functions of the bus, counted; NULL and 0: it has no such reset. */
static struct uiommu_vdev **bus_devices(struct uiommu_vdev *vdev,
					unsigned int *nr)
{
	struct abi_vfio *vfio = vdev->vfio;
	struct vfio_pci_dependent_device self;
	struct uiommu_vdev *it, **all = NULL;
	bool can = true;

	*nr = 0;
	parse_bdf(vdev->bdf, &self);
	pthread_mutex_lock(&vfio->lock);
	list_for_each(it, &vfio->devices, node) {
		if (!same_bus(it, vdev))
			continue;
		can = can && it->ops->reset;
		++*nr;
	}
	if (can && self.bus)
		all = abi_alloc(vfio->abi, *nr * sizeof(*all));
	else
		*nr = 0;
	if (all) {
		unsigned int i = 0;

		list_for_each(it, &vfio->devices, node)
			if (same_bus(it, vdev))
				all[i++] = it;
	}
	pthread_mutex_unlock(&vfio->lock);
	return all;
}

/*
 * The id by which a cdev client knows a device: its own; 0 if it is not open
 * but its group is bound to the same iommufd; -1 if it is somebody else's.
 */
static int owned_id(struct uiommu_vdev *vdev, const struct abi_file *iommufd)
{
	struct uvfio_group *group = vdev->group;
	struct uiommu_vdev *it;
	int id = VFIO_PCI_DEVID_NOT_OWNED;

	pthread_mutex_lock(&group->lock);
	if (vdev->iommufd == iommufd)
		id = (int)vdev->devid;
	else if (!vdev->iommufd)
		list_for_each(it, &group->devices, group_node)
			if (it->iommufd == iommufd)
				id = VFIO_PCI_DEVID_OWNED;
	pthread_mutex_unlock(&group->lock);
	return id;
}

static const struct abi_file *bound_iommufd(struct uvfio_device_file *df)
{
	const struct abi_file *iommufd;

	pthread_mutex_lock(&df->vdev->group->lock);
	iommufd = df->vdev->iommufd;
	pthread_mutex_unlock(&df->vdev->group->lock);
	return iommufd;
}

static void fill_dependent(struct uvfio_device_file *df,
			   struct uiommu_vdev *vdev, uint32_t *flags,
			   struct vfio_pci_dependent_device *dep)
{
	parse_bdf(vdev->bdf, dep);
	if (df->group_file) {
		dep->group_id = vdev->group->id;
		return;
	}
	dep->devid = (uint32_t)owned_id(vdev, bound_iommufd(df));
	if (dep->devid == (uint32_t)VFIO_PCI_DEVID_NOT_OWNED)
		*flags &= ~(uint32_t)VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED;
}

long uvfio_hot_reset_info(struct uvfio_device_file *df, unsigned long arg)
{
	struct uiommu_abi *abi = df->file.abi;
	struct vfio_pci_hot_reset_info info;
	struct vfio_pci_dependent_device dep;
	struct uiommu_vdev **all;
	unsigned int nr;
	long rc;

	if (abi_copy_from(abi, &info, arg, sizeof(info)))
		return -EFAULT;
	if (info.argsz < sizeof(info))
		return -EINVAL;
	all = bus_devices(df->vdev, &nr);
	if (!all)
		return nr ? -ENOMEM : -ENODEV;

	info.count = nr;
	info.flags = df->group_file
			     ? 0
			     : VFIO_PCI_HOT_RESET_FLAG_DEV_ID |
				       VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED;
	rc = info.argsz < sizeof(info) + nr * sizeof(dep) ? -ENOSPC : 0;
	for (unsigned int i = 0; i < nr && !rc; i++) {
		fill_dependent(df, all[i], &info.flags, &dep);
		rc = abi_copy_to(abi, arg + sizeof(info) + i * sizeof(dep),
				 &dep, sizeof(dep));
	}
	if ((!rc || rc == -ENOSPC) &&
	    abi_copy_to(abi, arg, &info, sizeof(info)))
		rc = -EFAULT;
	abi_free(df->file.abi, all);
	return rc;
}

/* Is the device in a group that one of the files stands for? */
static bool in_groups(struct uiommu_vdev *vdev, struct abi_file **files,
		      unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		if (uvfio_group_of(files[i]) == vdev->group)
			return true;
	return false;
}

static long reset_bus(struct uiommu_vdev **all, unsigned int nr)
{
	struct abi_vfio *vfio = all[0]->vfio;
	long rc = 0, one;
	unsigned int i;

	pthread_mutex_lock(&vfio->reset_lock);
	for (i = 0; i < nr; i++)
		pthread_mutex_lock(&all[i]->lock);
	for (i = 0; i < nr; i++) {
		one = uvfio_reset_locked(all[i]);
		rc = rc ? rc : one;
	}
	while (i--)
		pthread_mutex_unlock(&all[i]->lock);
	pthread_mutex_unlock(&vfio->reset_lock);
	return rc;
}

/* Group files named by the client, counted into files[]. */
static int get_group_files(struct uiommu_abi *abi, unsigned long arg,
			   unsigned int count, struct abi_file **files)
{
	int32_t fd;

	for (unsigned int i = 0; i < count; i++) {
		if (abi_copy_from(abi, &fd, arg + i * sizeof(fd), sizeof(fd)))
			return -EFAULT;
		files[i] = abi_fd_get(abi, fd);
		if (!files[i])
			return uvfio_foreign_fd(fd, EINVAL);
		if (!uvfio_group_of(files[i]))
			return -EINVAL;
	}
	return 0;
}

static long check_and_reset(struct uvfio_device_file *df, unsigned long arg,
			    unsigned int count, struct uiommu_vdev **all,
			    unsigned int nr)
{
	struct uiommu_abi *abi = df->file.abi;
	struct abi_file **files = abi_alloc(abi, (count + 1) * sizeof(*files));
	const struct abi_file *iommufd = NULL;
	long rc;

	if (!files)
		return -ENOMEM;
	if (!df->group_file)
		iommufd = bound_iommufd(df);
	rc = get_group_files(abi, arg + sizeof(struct vfio_pci_hot_reset),
			     count, files);
	for (unsigned int i = 0; i < nr && !rc; i++) {
		bool ours = df->group_file ? in_groups(all[i], files, count)
					   : owned_id(all[i], iommufd) != -1;

		if (!ours)
			rc = -EINVAL;
	}
	if (!rc)
		rc = reset_bus(all, nr);
	for (unsigned int i = 0; i < count; i++)
		if (files[i])
			abi_file_put(files[i]);
	abi_free(abi, files);
	return rc;
}

long uvfio_hot_reset(struct uvfio_device_file *df, unsigned long arg)
{
	struct vfio_pci_hot_reset hdr;
	struct uiommu_vdev **all;
	unsigned int nr;
	long rc;

	if (abi_copy_from(df->file.abi, &hdr, arg, sizeof(hdr)))
		return -EFAULT;
	if (hdr.argsz < sizeof(hdr) || hdr.flags)
		return -EINVAL;
	/* A cdev client names no groups, a group's client must. */
	if (!hdr.count != !df->group_file)
		return -EINVAL;
	all = bus_devices(df->vdev, &nr);
	if (!all)
		return nr ? -ENOMEM : -ENODEV;
	if (hdr.count > nr)
		rc = -EINVAL;
	else
		rc = check_and_reset(df, arg, hdr.count, all, nr);
	abi_free(df->file.abi, all);
	return rc;
}
