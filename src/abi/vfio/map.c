/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map.c - BARs mapped into the client.
 *
 * A mapping remembers where in which BAR it lies and keeps its file, so the
 * device stays open under it.  Accesses take no lock: the device serialises
 * itself, and whether memory decoding is on is one atomic word.  A BAR smaller
 * than a page is followed by nothing: reads as ones, writes are lost.
 */
#include <sys/mman.h>

#include "private.h"

struct bar_map {
	struct uiommu_map map; /* first */
	unsigned int bar;
	uint64_t off; /* in the BAR */
};

static const struct bar_map *bar_map_of(const struct uiommu_map *map)
{
	return container_of((struct uiommu_map *)(uintptr_t)map, struct bar_map,
			    map);
}

static struct uiommu_vdev *vdev_of(const struct uiommu_map *map)
{
	return ((struct uvfio_device_file *)map->file)->vdev;
}

static int check(const struct uiommu_vdev *vdev, size_t len, int flags,
		 uint64_t off)
{
	unsigned int index = UVFIO_REGION_INDEX(off);
	uint64_t pos = UVFIO_REGION_POS(off), size, req;

	if (index >= VFIO_PCI_ROM_REGION_INDEX)
		return -EINVAL;
	if ((flags & MAP_TYPE) != MAP_SHARED &&
	    (flags & MAP_TYPE) != MAP_SHARED_VALIDATE)
		return -EINVAL;
	if (!len || (pos & (UVFIO_PAGE_SIZE - 1)))
		return -EINVAL;
	if (!uvfio_bar_mappable(vdev, index))
		return -EINVAL;
	size = align_up_lg2(vdev->bar[index].size, 12);
	req = align_up_lg2(len, 12);
	if (req < len || pos >= size || req > size - pos)
		return -EINVAL;
	return 0;
}

static int bar_map_read(struct uiommu_map *map, uint64_t off, unsigned int size,
			uint64_t *val)
{
	const struct bar_map *bar = bar_map_of(map);
	struct uiommu_vdev *vdev = vdev_of(map);

	if (!load_acquire(&vdev->mem_on))
		return -EIO;
	off += bar->off;
	if (off + size > vdev->bar[bar->bar].size) {
		*val = mask_lg2(8 * size);
		return 0;
	}
	return vdev->ops->bar_read(vdev->ctx, bar->bar, off, size, val);
}

static int bar_map_write(struct uiommu_map *map, uint64_t off,
			 unsigned int size, uint64_t val)
{
	const struct bar_map *bar = bar_map_of(map);
	struct uiommu_vdev *vdev = vdev_of(map);

	if (!load_acquire(&vdev->mem_on))
		return -EIO;
	off += bar->off;
	if (off + size > vdev->bar[bar->bar].size)
		return 0;
	return vdev->ops->bar_write(vdev->ctx, bar->bar, off, size, val);
}

static uiommu_pa_t bar_map_pa(const struct uiommu_map *map)
{
	const struct bar_map *bar = bar_map_of(map);

	return vdev_of(map)->bar[bar->bar].pa + bar->off;
}

static const struct abi_map_ops bar_map_ops = {
	.read = bar_map_read,
	.write = bar_map_write,
	.pa = bar_map_pa,
};

int uvfio_map_new(struct uvfio_device_file *df, size_t len, int prot, int flags,
		  uint64_t off, struct uiommu_map **out)
{
	struct bar_map *bar;
	int rc = check(df->vdev, len, flags, off);

	if (rc)
		return rc;
	bar = abi_alloc(df->file.abi, sizeof(*bar));
	if (!bar)
		return -ENOMEM;
	bar->bar = UVFIO_REGION_INDEX(off);
	bar->off = UVFIO_REGION_POS(off);
	abi_map_init(&bar->map, &df->file, &bar_map_ops, len);
	*out = &bar->map;
	return 0;
}
