/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arguments of the type1 container calls.
 *
 * Nothing here knows an IOAS or a container: callers look up first or after,
 * as their order of checks wants it.  The answer of GET_INFO is a structure
 * followed by capabilities at 8-byte places; it is written piece by piece,
 * each piece with the argsz it needs, and never a byte beyond argsz.
 */
#include "type1_common.h"

#include <errno.h>
#include <stddef.h>

#include "base/bits.h"
#include "base/overflow.h"
#include "private.h"

#define INFO_MIN offsetof(struct vfio_iommu_type1_info, cap_offset)

int type1_read_map(struct uiommu_abi *abi, uint64_t arg, uint32_t flags,
		   struct vfio_iommu_type1_dma_map *map)
{
	int rc = abi_copy_from(abi, map, arg, sizeof(*map));

	if (rc)
		return rc;
	if (map->argsz < sizeof(*map) || (map->flags & ~flags))
		return -EINVAL;
	return 0;
}

uint32_t type1_map_prot(const struct vfio_iommu_type1_dma_map *map)
{
	uint32_t prot = UIOMMU_PROT_CACHE | UIOMMU_PROT_EXEC;

	if (map->flags & VFIO_DMA_MAP_FLAG_READ)
		prot |= UIOMMU_PROT_READ;
	if (map->flags & VFIO_DMA_MAP_FLAG_WRITE)
		prot |= UIOMMU_PROT_WRITE;
	return prot;
}

int type1_check_map(const struct vfio_iommu_type1_dma_map *map, uint64_t pgsize)
{
	bool prot = map->flags &
		    (VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE);
	bool vaddr = map->flags & VFIO_DMA_MAP_FLAG_VADDR;
	uint64_t last;

	if (!map->size)
		return -EINVAL;
	if (last_overflows(map->iova, map->size, &last) ||
	    last_overflows(map->vaddr, map->size, &last))
		return -EOVERFLOW;
	if (prot == vaddr)
		return -EINVAL;
	if ((map->iova | map->size | map->vaddr) & (pgsize - 1))
		return -EINVAL;
	return 0;
}

int type1_read_unmap(struct uiommu_abi *abi, uint64_t arg, uint32_t flags,
		     struct vfio_iommu_type1_dma_unmap *unmap)
{
	int rc = abi_copy_from(abi, unmap, arg, sizeof(*unmap));

	if (rc)
		return rc;
	if (unmap->argsz < sizeof(*unmap) || (unmap->flags & ~flags))
		return -EINVAL;
	return 0;
}

int type1_check_unmap(const struct vfio_iommu_type1_dma_unmap *unmap,
		      uint64_t pgsize)
{
	uint64_t last;

	if (unmap->iova & (pgsize - 1))
		return -EINVAL;
	if (unmap->flags & VFIO_DMA_UNMAP_FLAG_ALL)
		return unmap->iova || unmap->size ? -EINVAL : 0;
	if (!unmap->size || (unmap->size & (pgsize - 1)))
		return -EINVAL;
	if (last_overflows(unmap->iova, unmap->size, &last))
		return -EOVERFLOW;
	return 0;
}

int type1_write_unmap(struct uiommu_abi *abi, uint64_t arg,
		      struct vfio_iommu_type1_dma_unmap *unmap,
		      uint64_t unmapped)
{
	unmap->size = unmapped;
	return abi_copy_to(abi, arg, unmap, sizeof(*unmap));
}

int type1_read_info(struct uiommu_abi *abi, uint64_t arg, uint32_t *argsz)
{
	struct vfio_iommu_type1_info info;
	int rc = abi_copy_from(abi, &info, arg, INFO_MIN);

	if (rc)
		return rc;
	*argsz = info.argsz;
	return info.argsz < INFO_MIN ? -EINVAL : 0;
}

/* One answer on its way out.  Places count from the start of the structure. */
struct answer {
	struct uiommu_abi *abi;
	uint64_t arg;
	uint32_t argsz; /* room */
	uint64_t need;	/* argsz below which nothing is written */
};

/* Write [off, off+len) if the caller has room up to `need`. */
static int put(const struct answer *out, uint64_t off, const void *src,
	       size_t len, uint64_t need)
{
	if (out->argsz < max_u64(need, out->need))
		return 0;
	return abi_copy_to(out->abi, out->arg + off, src, len);
}

static int put_migration(const struct answer *out, uint64_t off, uint64_t next,
			 const struct type1_info *info)
{
	struct vfio_iommu_type1_info_cap_migration cap = {
		.header = { VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION, 1,
			    (uint32_t)next },
		.pgsize_bitmap = info->migration_pgsizes,
		.max_dirty_bitmap_size = info->migration_max_bitmap,
	};

	return put(out, off, &cap, sizeof(cap), next);
}

/* The link to the following capability is a piece of its own. */
static int put_dma_avail(const struct answer *out, uint64_t off, uint64_t next,
			 uint32_t avail)
{
	struct vfio_iommu_type1_info_dma_avail cap = {
		.header = { VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL, 1, 0 },
		.avail = avail,
	};
	uint32_t link = (uint32_t)next;
	int rc = put(out, off, &cap, sizeof(cap), off + sizeof(cap));

	if (rc)
		return rc;
	off += offsetof(struct vfio_info_cap_header, next);
	return put(out, off, &link, sizeof(link), next);
}

static int put_ranges(const struct answer *out, uint64_t off,
		      const struct type1_info *info)
{
	struct vfio_iommu_type1_info_cap_iova_range cap = {
		.header = { VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, 1, 0 },
		.nr_iovas = info->nr_ranges,
	};
	uint64_t at = off + sizeof(cap);
	unsigned int i;
	int rc;

	for (i = 0; i < info->nr_ranges; i++) {
		struct vfio_iova_range range = { info->ranges[i].first,
						 info->ranges[i].last };

		rc = put(out, at, &range, sizeof(range), at + sizeof(range));
		if (rc)
			return rc;
		at += sizeof(range);
	}
	return put(out, off, &cap, sizeof(cap), at);
}

int type1_write_info(struct uiommu_abi *abi, uint64_t arg, uint32_t argsz,
		     const struct type1_info *info, enum type1_chain chain)
{
	uint64_t migration = sizeof(struct vfio_iommu_type1_info);
	uint64_t avail =
		migration +
		(info->migration
			 ? sizeof(struct vfio_iommu_type1_info_cap_migration)
			 : 0);
	uint64_t ranges = avail + 16;
	uint64_t total = ranges +
			 sizeof(struct vfio_iommu_type1_info_cap_iova_range) +
			 info->nr_ranges * sizeof(struct vfio_iova_range);
	struct vfio_iommu_type1_info head = {
		.argsz = (uint32_t)total,
		.flags = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS,
		.iova_pgsizes = info->pgsizes,
		.cap_offset = argsz >= total ? sizeof(head) : 0,
	};
	struct answer out = { abi, arg, argsz,
			      chain == TYPE1_CHAIN_WHOLE ? total : 0 };
	int rc = 0;

	if (info->migration)
		rc = put_migration(&out, migration, avail, info);
	if (!rc)
		rc = put_dma_avail(&out, avail, ranges, info->dma_avail);
	if (!rc)
		rc = put_ranges(&out, ranges, info);
	if (rc)
		return rc;
	/* The container leaves an argsz alone that was enough. */
	if (chain == TYPE1_CHAIN_WHOLE && argsz >= total)
		head.argsz = argsz;
	return abi_copy_to(abi, arg, &head,
			   argsz < sizeof(head) ? argsz : sizeof(head));
}
