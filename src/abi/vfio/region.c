/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * region.c - what GET_REGION_INFO says, and reads and writes at file offsets.
 *
 * An access is cut into aligned pieces of 8, 4, 2 or 1 bytes; the device sees
 * each as one transaction.  The MSI-X table is not the client's: it reads as
 * ones and takes no writes, while the count goes on.
 */
#include <string.h>

#include "private.h"

/* --------------------------------------------------------------- info --- */

bool uvfio_bar_mappable(const struct uiommu_vdev *vdev, unsigned int bar)
{
	const struct uiommu_vdev_bar *b = &vdev->bar[bar];

	if (!b->size || (b->flags & UIOMMU_BAR_IO))
		return false;
	return (b->flags & UIOMMU_BAR_MMAP) &&
	       (b->size >= UVFIO_PAGE_SIZE || !(b->pa & (UVFIO_PAGE_SIZE - 1)));
}

/* True: the BAR's answer carries the MSIX_MAPPABLE capability. */
static bool bar_info(const struct uiommu_vdev *vdev,
		     struct vfio_region_info *info)
{
	const struct uvfio_pci *pci = &vdev->pci;

	info->size = vdev->bar[info->index].size;
	if (!info->size)
		return false;
	info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	if (!uvfio_bar_mappable(vdev, info->index))
		return false;
	info->flags |= VFIO_REGION_INFO_FLAG_MMAP;
	return pci->msix && info->index == pci->msix_bar;
}

static int put_mappable_cap(struct uiommu_abi *abi, unsigned long arg,
			    struct vfio_region_info *info)
{
	struct vfio_info_cap_header cap = {
		.id = VFIO_REGION_INFO_CAP_MSIX_MAPPABLE,
		.version = 1,
	};

	info->flags |= VFIO_REGION_INFO_FLAG_CAPS;
	if (info->argsz < sizeof(*info) + sizeof(cap)) {
		info->argsz = sizeof(*info) + sizeof(cap);
		return 0;
	}
	info->cap_offset = sizeof(*info);
	return abi_copy_to(abi, arg + sizeof(*info), &cap, sizeof(cap));
}

long uvfio_region_info(struct uiommu_vdev *vdev, unsigned long arg)
{
	struct uiommu_abi *abi = vdev->vfio->abi;
	struct vfio_region_info info;
	int rc;

	if (abi_copy_from(abi, &info, arg, sizeof(info)))
		return -EFAULT;
	if (info.argsz < sizeof(info) ||
	    info.index >= VFIO_PCI_VGA_REGION_INDEX)
		return -EINVAL;
	info.flags = 0;
	info.cap_offset = 0;
	info.size = 0;
	info.offset = UVFIO_REGION_OFF(info.index);
	if (info.index == VFIO_PCI_CONFIG_REGION_INDEX) {
		info.size = vdev->pci.cfg_size;
		info.flags = VFIO_REGION_INFO_FLAG_READ |
			     VFIO_REGION_INFO_FLAG_WRITE;
	} else if (info.index < VFIO_PCI_ROM_REGION_INDEX &&
		   bar_info(vdev, &info)) {
		rc = put_mappable_cap(abi, arg, &info);
		if (rc)
			return rc;
	}
	return abi_copy_to(abi, arg, &info, sizeof(info));
}

/* ------------------------------------------------------------- access --- */

/* Largest aligned piece at `pos` of at most `max` bytes within `len`. */
static unsigned int piece(uint64_t pos, size_t len, unsigned int max)
{
	unsigned int size = max;

	while (size > len || (pos & (size - 1)))
		size /= 2;
	return size;
}

/* A transfer between user memory and a region. */
struct xfer {
	struct uiommu_vdev *vdev;
	unsigned int bar;
	uint64_t uva;
	uint64_t pos;
	size_t len;
	bool write;
};

static int config_piece(struct xfer *xfer, unsigned int size)
{
	struct uiommu_vdev *vdev = xfer->vdev;
	struct uiommu_abi *abi = vdev->vfio->abi;
	unsigned int off = (unsigned int)xfer->pos;
	uint32_t val = 0;

	if (xfer->write && abi_copy_from(abi, &val, xfer->uva, size))
		return -EFAULT;
	pthread_mutex_lock(&vdev->lock);
	if (xfer->write)
		uvfio_config_write(vdev, off, size, val);
	else
		val = uvfio_config_read(vdev, off, size);
	pthread_mutex_unlock(&vdev->lock);
	return xfer->write ? 0 : abi_copy_to(abi, xfer->uva, &val, size);
}

/* Is [pos, pos+size) part of the MSI-X table? */
static bool in_table(const struct xfer *xfer, unsigned int size)
{
	const struct uvfio_pci *pci = &xfer->vdev->pci;
	uint64_t end =
		pci->msix_table + (uint64_t)pci->nr_msix * PCI_MSIX_ENTRY_SIZE;

	return pci->msix && xfer->bar == pci->msix_bar &&
	       xfer->pos + size > pci->msix_table && xfer->pos < end;
}

static int bar_piece(struct xfer *xfer, unsigned int size)
{
	struct uiommu_vdev *vdev = xfer->vdev;
	struct uiommu_abi *abi = vdev->vfio->abi;
	uint64_t val = ~UINT64_C(0);
	int rc = 0;

	if (xfer->write && abi_copy_from(abi, &val, xfer->uva, size))
		return -EFAULT;
	if (!(vdev->bar[xfer->bar].flags & UIOMMU_BAR_IO) &&
	    !load_acquire(&vdev->mem_on))
		return -EIO;
	if (in_table(xfer, size))
		rc = 0;
	else if (xfer->write)
		rc = vdev->ops->bar_write(vdev->ctx, xfer->bar, xfer->pos, size,
					  val & mask_lg2(8 * size));
	else
		rc = vdev->ops->bar_read(vdev->ctx, xfer->bar, xfer->pos, size,
					 &val);
	if (rc || xfer->write)
		return rc;
	return abi_copy_to(abi, xfer->uva, &val, size);
}

static ssize_t run(struct xfer *xfer, unsigned int max,
		   int (*one)(struct xfer *xfer, unsigned int size))
{
	ssize_t done = 0;

	while (xfer->len) {
		unsigned int size = piece(xfer->pos, xfer->len, max);
		int rc = one(xfer, size);

		if (rc)
			return rc;
		xfer->uva += size;
		xfer->pos += size;
		xfer->len -= size;
		done += size;
	}
	return done;
}

static ssize_t access_region(struct xfer *xfer, uint64_t off)
{
	const struct uiommu_vdev *vdev = xfer->vdev;
	unsigned int index = UVFIO_REGION_INDEX(off);
	uint64_t size;

	xfer->pos = UVFIO_REGION_POS(off);
	if (index >= VFIO_PCI_NUM_REGIONS)
		return -EINVAL;
	if (!xfer->len)
		return 0;
	if (index == VFIO_PCI_CONFIG_REGION_INDEX) {
		size = vdev->pci.cfg_size;
		if (xfer->pos >= size || xfer->len > size - xfer->pos)
			return -EFAULT;
		return run(xfer, 4, config_piece);
	}
	/* No ROM, no VGA. */
	if (index >= VFIO_PCI_ROM_REGION_INDEX)
		return -EINVAL;
	size = vdev->bar[index].size;
	if (xfer->pos >= size)
		return -EINVAL;
	xfer->bar = index;
	xfer->len = min_u64(xfer->len, size - xfer->pos);
	return run(xfer, vdev->bar[index].flags & UIOMMU_BAR_IO ? 4 : 8,
		   bar_piece);
}

ssize_t uvfio_region_read(struct uiommu_vdev *vdev, uint64_t uva, size_t len,
			  uint64_t off)
{
	struct xfer xfer = { .vdev = vdev, .uva = uva, .len = len };

	return access_region(&xfer, off);
}

ssize_t uvfio_region_write(struct uiommu_vdev *vdev, uint64_t uva, size_t len,
			   uint64_t off)
{
	struct xfer xfer = {
		.vdev = vdev, .uva = uva, .len = len, .write = true
	};

	return access_region(&xfer, off);
}
