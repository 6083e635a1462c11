/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls of a VFIO container on /dev/iommu: an IOAS of the context, the
 * "compat IOAS", stands for the container's mappings.
 *
 * The rules of placement are those of the IOAS, not of VFIO's own container:
 * no limit on the number of mappings, alignment of the IOAS only, device
 * memory refused.  The version 1 of type1, which may unmap parts, is a state
 * of the IOAS: its huge pages are off, and an unmap first cuts what lies
 * across its ends.
 */
#include "private.h"

#include <unistd.h>

#include "../type1_common.h"
#include "base/overflow.h"

/* ------------------------------------------------------ the compat IOAS -- */

struct ufd_ioas *ufd_compat_get(struct ufd_ctx *ctx)
{
	struct ufd_object *obj;

	pthread_mutex_lock(&ctx->lock);
	obj = ctx->compat;
	if (obj)
		ufd_object_hold(obj);
	pthread_mutex_unlock(&ctx->lock);
	return (struct ufd_ioas *)obj;
}

static void set_compat(struct ufd_ctx *ctx, struct ufd_object *obj)
{
	pthread_mutex_lock(&ctx->lock);
	ctx->compat = obj;
	pthread_mutex_unlock(&ctx->lock);
}

int ufd_vfio_ioas(struct ufd_call *call)
{
	struct iommu_vfio_ioas *cmd = call->cmd;
	struct ufd_ioas *ioas;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	switch (cmd->op) {
	case IOMMU_VFIO_IOAS_GET:
		ioas = ufd_compat_get(call->ctx);
		if (!ioas)
			return -ENODEV;
		cmd->ioas_id = ioas->obj.id;
		ufd_object_put(&ioas->obj);
		return ufd_respond(call);
	case IOMMU_VFIO_IOAS_SET:
		ioas = ufd_ioas_get(call->ctx, cmd->ioas_id);
		if (!ioas)
			return -ENOENT;
		/* Not counted: destroying it clears the setting. */
		set_compat(call->ctx, &ioas->obj);
		ufd_object_put(&ioas->obj);
		return 0;
	case IOMMU_VFIO_IOAS_CLEAR:
		set_compat(call->ctx, NULL);
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

/* Two threads may come at a time: the first one's IOAS stays. */
static int create_compat(struct ufd_ctx *ctx)
{
	struct ufd_ioas *ioas;
	bool first;
	int rc;

	rc = ufd_ioas_new(ctx, &ioas);
	if (rc)
		return rc;
	pthread_mutex_lock(&ctx->lock);
	first = !ctx->compat;
	if (first)
		ctx->compat = &ioas->obj;
	pthread_mutex_unlock(&ctx->lock);
	if (first)
		ufd_object_publish(&ioas->obj);
	else
		ufd_ioas_abort(ioas);
	return 0;
}

int ufd_compat_ioas_id(struct ufd_ctx *ctx, bool create, uint32_t *id)
{
	struct ufd_ioas *ioas;
	int rc;

	while (!(ioas = ufd_compat_get(ctx))) {
		if (!create)
			return -ENODEV;
		rc = create_compat(ctx);
		if (rc)
			return rc;
	}
	*id = ioas->obj.id;
	ufd_object_put(&ioas->obj);
	return 0;
}

/* ---------------------------------------------------------- extensions -- */

static bool all_coherent(struct ufd_ioas *ioas)
{
	struct uiommu_domain_geometry geometry;
	struct ufd_hwpt *hwpt;
	bool all = true;

	pthread_mutex_lock(&ioas->lock);
	list_for_each(hwpt, &ioas->hwpts, node) {
		uiommu_domain_geometry(hwpt->domain, &geometry);
		all = all && geometry.enforce_coherency;
	}
	pthread_mutex_unlock(&ioas->lock);
	return all;
}

static long check_extension(struct ufd_ctx *ctx, unsigned long extension)
{
	struct ufd_ioas *ioas;
	bool all;

	switch (extension) {
	case VFIO_TYPE1_IOMMU:
	case VFIO_TYPE1v2_IOMMU:
	case VFIO_UNMAP_ALL:
		return 1;
	case VFIO_DMA_CC_IOMMU:
		ioas = ufd_compat_get(ctx);
		if (!ioas)
			return -ENODEV;
		all = all_coherent(ioas);
		ufd_object_put(&ioas->obj);
		return all;
	default:
		return 0;
	}
}

static long set_iommu(struct ufd_ctx *ctx, unsigned long type)
{
	struct ufd_ioas *ioas;
	long rc = 0;

	if (type != VFIO_TYPE1_IOMMU && type != VFIO_TYPE1v2_IOMMU)
		return -EINVAL;
	ioas = ufd_compat_get(ctx);
	if (!ioas)
		return -ENODEV;
	if (type == VFIO_TYPE1_IOMMU)
		rc = uiommu_ioas_set_huge_pages(ioas->ioas, false);
	ufd_object_put(&ioas->obj);
	return rc;
}

/* --------------------------------------------------------- information -- */

/*
 * Sizes below a page of the processor count as a page: mappings are made in
 * pages of memory whatever the hardware could do.
 */
static uint64_t page_sizes(struct ufd_ioas *ioas, uint64_t alignment)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t sizes = uiommu_ioas_pgsizes(ioas->ioas);

	if (sizes & (page - 1))
		sizes = (sizes & ~(page - 1)) | page;
	return max_u64(sizes, alignment);
}

static int write_info(struct uiommu_abi *abi, struct ufd_ioas *ioas,
		      uint64_t arg, uint32_t argsz)
{
	struct uiommu_range few[UFD_FEW_RANGES], *ranges;
	struct type1_info info = { .dma_avail = UINT32_MAX };
	uint64_t alignment;
	int rc;

	ranges = ufd_ioas_usable(abi, ioas, few, &info.nr_ranges, &alignment);
	if (!ranges)
		return -ENOMEM;
	info.ranges = ranges;
	info.pgsizes = page_sizes(ioas, alignment);
	rc = type1_write_info(abi, arg, argsz, &info, TYPE1_CHAIN_PARTS);
	if (ranges != few)
		abi_free(abi, ranges);
	return rc;
}

static long get_info(struct ufd_ctx *ctx, uint64_t arg)
{
	struct uiommu_abi *abi = ctx->file.abi;
	struct ufd_ioas *ioas;
	uint32_t argsz;
	int rc;

	rc = type1_read_info(abi, arg, &argsz);
	if (rc)
		return rc;
	ioas = ufd_compat_get(ctx);
	if (!ioas)
		return -ENODEV;
	rc = write_info(abi, ioas, arg, argsz);
	ufd_object_put(&ioas->obj);
	return rc;
}

/* ------------------------------------------------------ map and unmap -- */

static long map_dma(struct ufd_ctx *ctx, uint64_t arg)
{
	struct uiommu_abi *abi = ctx->file.abi;
	struct vfio_iommu_type1_dma_map map;
	struct ufd_ioas *ioas;
	struct uiommu_mm mm;
	uiommu_iova_t iova;
	int rc;

	rc = type1_read_map(abi, arg,
			    VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
			    &map);
	if (rc)
		return rc;
	ioas = ufd_compat_get(ctx);
	if (!ioas)
		return -ENODEV;
	iova = map.iova;
	abi_program_mm(abi, ufd_charge(ctx), &mm);
	rc = uiommu_ioas_map(ioas->ioas, &mm, map.vaddr, map.size,
			     type1_map_prot(&map), UIOMMU_IOAS_FIXED_IOVA,
			     &iova);
	ufd_object_put(&ioas->obj);
	return rc;
}

/* Version 1: what lies across an end of the range becomes two. */
static int cut_ends(struct ufd_ioas *ioas, uint64_t iova, uint64_t size)
{
	uint64_t last;
	int rc;

	/* Nonsense is left to the unmap. */
	if (!size || last_overflows(iova, size, &last))
		return 0;
	if (last != UFD_U64_MAX) {
		rc = uiommu_ioas_cut(ioas->ioas, last + 1);
		if (rc)
			return rc;
	}
	return iova ? uiommu_ioas_cut(ioas->ioas, iova) : 0;
}

static bool range_empty(struct ufd_ioas *ioas, uint64_t iova, uint64_t size)
{
	struct uiommu_area_info info;

	if (uiommu_ioas_next_area(ioas->ioas, iova, &info))
		return true;
	return info.range.first > iova && info.range.first - iova >= size;
}

/* Unmapping nothing is no error here. */
static int unmap_range(struct ufd_ioas *ioas, uint64_t iova, uint64_t size,
		       uint64_t *unmapped)
{
	int rc = uiommu_ioas_unmap(ioas->ioas, iova, size, unmapped);

	if (rc == -ENOENT && range_empty(ioas, iova, size))
		rc = 0;
	return rc;
}

static int unmap_dma_ioas(struct uiommu_abi *abi, struct ufd_ioas *ioas,
			  uint64_t arg,
			  struct vfio_iommu_type1_dma_unmap *unmap)
{
	uint64_t unmapped = 0;
	int rc = 0;

	if (unmap->flags & VFIO_DMA_UNMAP_FLAG_ALL) {
		if (unmap->iova || unmap->size)
			return -EINVAL;
		rc = uiommu_ioas_unmap_all(ioas->ioas, &unmapped);
	} else {
		if (!uiommu_ioas_huge_pages(ioas->ioas)) {
			rc = cut_ends(ioas, unmap->iova, unmap->size);
			if (rc)
				return rc;
		}
		rc = unmap_range(ioas, unmap->iova, unmap->size, &unmapped);
	}
	/* How much went is told even if not all of it could go. */
	return type1_write_unmap(abi, arg, unmap, unmapped) ? -EFAULT : rc;
}

static long unmap_dma(struct ufd_ctx *ctx, uint64_t arg)
{
	struct uiommu_abi *abi = ctx->file.abi;
	struct vfio_iommu_type1_dma_unmap unmap;
	struct ufd_ioas *ioas;
	int rc;

	rc = type1_read_unmap(abi, arg, VFIO_DMA_UNMAP_FLAG_ALL, &unmap);
	if (rc)
		return rc;
	ioas = ufd_compat_get(ctx);
	if (!ioas)
		return -ENODEV;
	rc = unmap_dma_ioas(abi, ioas, arg, &unmap);
	ufd_object_put(&ioas->obj);
	return rc;
}

long ufd_vfio_ioctl(struct ufd_ctx *ctx, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case VFIO_GET_API_VERSION:
		return VFIO_API_VERSION;
	case VFIO_CHECK_EXTENSION:
		return check_extension(ctx, arg);
	case VFIO_SET_IOMMU:
		return set_iommu(ctx, arg);
	case VFIO_IOMMU_GET_INFO:
		return get_info(ctx, arg);
	case VFIO_IOMMU_MAP_DMA:
		return map_dma(ctx, arg);
	case VFIO_IOMMU_UNMAP_DMA:
		return unmap_dma(ctx, arg);
	default:
		return -ENOTTY;
	}
}
