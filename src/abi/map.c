/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What clients map: counted, and keeping the file that it is of.
 */
#include "private.h"

#include <errno.h>

#include "base/atomic.h"
#include "base/bits.h"

#define PAGE_LG2 12

void abi_map_init(struct uiommu_map *map, struct abi_file *file,
		  const struct abi_map_ops *ops, uint64_t len)
{
	map->ops = ops;
	map->file = abi_file_get(file);
	map->refs = 1;
	map->len = align_up_lg2(len, PAGE_LG2);
}

struct uiommu_map *uiommu_map_get(struct uiommu_map *map)
{
	fetch_add_relaxed(&map->refs, 1);
	return map;
}

void uiommu_map_put(struct uiommu_map *map)
{
	struct abi_file *file = map->file;

	if (fetch_sub_acq_rel(&map->refs, 1) != 1)
		return;
	if (map->ops->release)
		map->ops->release(map);
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
	return valid_access(map, off, size)
		       ? map->ops->read(map, off, size, val)
		       : -EINVAL;
}

int uiommu_map_write(struct uiommu_map *map, uint64_t off, unsigned int size,
		     uint64_t val)
{
	return valid_access(map, off, size)
		       ? map->ops->write(map, off, size, val)
		       : -EINVAL;
}

uiommu_pa_t uiommu_map_pa(const struct uiommu_map *map)
{
	return map->ops->pa(map);
}
