/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * type1_common.h - arguments of the type1 container calls (GET_INFO, MAP_DMA,
 * UNMAP_DMA): read, checked and answered the same way by the VFIO container
 * and by iommufd standing in for one.
 *
 * The calls that read return -EFAULT (user memory) or -EINVAL (argsz, a flag
 * that is not in `flags`), the calls that write 0 or -EFAULT.
 */
#ifndef ABI_TYPE1_COMMON_H
#define ABI_TYPE1_COMMON_H

#include <uiommu/abi.h>
#include <uiommu/uapi/vfio.h>

int type1_read_map(struct uiommu_abi *abi, uint64_t arg, uint32_t flags,
		   struct vfio_iommu_type1_dma_map *map);
/* VFIO_DMA_MAP_FLAG_* as UIOMMU_PROT_*, cache coherent. */
uint32_t type1_map_prot(const struct vfio_iommu_type1_dma_map *map);
/*
 * What the container (not iommufd) asks of a mapping, in its order: -EINVAL
 * empty; -EOVERFLOW; -EINVAL no permission, or permission together with VADDR;
 * -EINVAL not in multiples of `pgsize`, the smallest page.
 */
int type1_check_map(const struct vfio_iommu_type1_dma_map *map,
		    uint64_t pgsize);

int type1_read_unmap(struct uiommu_abi *abi, uint64_t arg, uint32_t flags,
		     struct vfio_iommu_type1_dma_unmap *unmap);
/* The container's: -EINVAL, -EOVERFLOW. */
int type1_check_unmap(const struct vfio_iommu_type1_dma_unmap *unmap,
		      uint64_t pgsize);
/* Write back the structure with `unmapped` as its size. */
int type1_write_unmap(struct uiommu_abi *abi, uint64_t arg,
		      struct vfio_iommu_type1_dma_unmap *unmap,
		      uint64_t unmapped);

struct type1_info {
	uint64_t pgsizes;
	const struct uiommu_range *ranges; /* usable IOVA */
	unsigned int nr_ranges;
	uint32_t dma_avail;
	/* The rest describes the container's answer; iommufd has none of it. */
	bool migration; /* with the dirty tracking capability */
	uint64_t migration_pgsizes;
	uint64_t migration_max_bitmap; /* bytes */
};

/* How a chain of capabilities is treated that has no room as a whole. */
enum type1_chain {
	TYPE1_CHAIN_WHOLE, /* container: nothing of it is written */
	TYPE1_CHAIN_PARTS, /* iommufd: each part that has room is written */
};

int type1_read_info(struct uiommu_abi *abi, uint64_t arg, uint32_t *argsz);
int type1_write_info(struct uiommu_abi *abi, uint64_t arg, uint32_t argsz,
		     const struct type1_info *info, enum type1_chain chain);

#endif /* ABI_TYPE1_COMMON_H */
