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

struct uiommu_map {
	struct uvfio_device_file *df; /* counted */
	unsigned int refs;	      /* atomic */
	unsigned int bar;
	uint64_t off; /* in the BAR */
	uint64_t len;
};

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

int uvfio_map_new(struct uvfio_device_file *df, size_t len, int prot, int flags,
		  uint64_t off, struct uiommu_map **out)
{
	struct uiommu_map *map;
	int rc = check(df->vdev, len, flags, off);

	if (rc)
		return rc;
	map = abi_alloc(df->file.abi, sizeof(*map));
	if (!map)
		return -ENOMEM;
	map->refs = 1;
	map->bar = UVFIO_REGION_INDEX(off);
	map->off = UVFIO_REGION_POS(off);
	map->len = align_up_lg2(len, 12);
	abi_file_get(&df->file);
	map->df = df;
	*out = map;
	return 0;
}

struct uiommu_map *uiommu_map_get(struct uiommu_map *map)
{
	fetch_add_relaxed(&map->refs, 1);
	return map;
}

void uiommu_map_put(struct uiommu_map *map)
{
	struct abi_file *file = &map->df->file;

	if (fetch_sub_acq_rel(&map->refs, 1) != 1)
		return;
	abi_free(file->abi, map);
	abi_file_put(file);
}

static bool valid_access(const struct uiommu_map *map, uint64_t off,
			 unsigned int size)
{
	return size <= 8 && is_pow2(size) && !(off & (size - 1)) &&
	       off < map->len && size <= map->len - off;
}

int uiommu_map_read(struct uiommu_map *map, uint64_t off, unsigned int size,
		    uint64_t *val)
{
	struct uiommu_vdev *vdev = map->df->vdev;

	if (!valid_access(map, off, size))
		return -EINVAL;
	if (!load_acquire(&vdev->mem_on))
		return -EIO;
	off += map->off;
	if (off + size > vdev->bar[map->bar].size) {
		*val = mask_lg2(8 * size);
		return 0;
	}
	return vdev->ops->bar_read(vdev->ctx, map->bar, off, size, val);
}

int uiommu_map_write(struct uiommu_map *map, uint64_t off, unsigned int size,
		     uint64_t val)
{
	struct uiommu_vdev *vdev = map->df->vdev;

	if (!valid_access(map, off, size))
		return -EINVAL;
	if (!load_acquire(&vdev->mem_on))
		return -EIO;
	off += map->off;
	if (off + size > vdev->bar[map->bar].size)
		return 0;
	return vdev->ops->bar_write(vdev->ctx, map->bar, off, size, val);
}

uiommu_pa_t uiommu_map_pa(const struct uiommu_map *map)
{
	return map->df->vdev->bar[map->bar].pa + map->off;
}
