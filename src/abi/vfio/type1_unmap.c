/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * type1_unmap.c - UNMAP_DMA, and the user addresses that may be given up.
 *
 * A v2 container unmaps whole mappings only and says so beforehand.  A v1
 * container takes every mapping that starts in the range, whole, and stops at
 * one that started before it.
 *
 * With VADDR mappings stay; they are only marked as having no user address
 * until MAP_DMA with VADDR gives them one.
 */
#include <search.h>
#include <string.h>

#include "type1.h"

#include "../type1_common.h"
#include "base/overflow.h"

/* ------------------------------------------------- no user address ------ */

/* A key of the tree; tsearch wants an address for each. */
struct invalid {
	struct uiommu_abi *abi;
	uint64_t iova;
};

static int compare(const void *a, const void *b)
{
	const struct invalid *ia = a, *ib = b;

	return ia->iova < ib->iova ? -1 : ia->iova > ib->iova;
}

bool type1_is_invalid(const struct uvfio_type1 *t1, uint64_t iova)
{
	struct invalid key = { .iova = iova };

	return t1->nr_invalid && tfind(&key, &t1->invalid, compare);
}

int type1_set_invalid(struct uvfio_type1 *t1, uint64_t iova)
{
	struct invalid *node = abi_alloc(t1->abi, sizeof(*node));

	if (!node)
		return -ENOMEM;
	node->abi = t1->abi;
	node->iova = iova;
	if (!tsearch(node, &t1->invalid, compare)) {
		abi_free(t1->abi, node);
		return -ENOMEM;
	}
	t1->nr_invalid++;
	return 0;
}

void type1_set_valid(struct uvfio_type1 *t1, uint64_t iova)
{
	struct invalid key = { .iova = iova }, **slot, *node;

	slot = t1->nr_invalid ? tfind(&key, &t1->invalid, compare) : NULL;
	if (!slot)
		return;
	node = *slot;
	tdelete(node, &t1->invalid, compare);
	abi_free(t1->abi, node);
	t1->nr_invalid--;
}

static void free_invalid(void *node)
{
	struct invalid *inv = node;

	abi_free(inv->abi, inv);
}

void type1_all_valid(struct uvfio_type1 *t1)
{
	tdestroy(t1->invalid, free_invalid);
	t1->invalid = NULL;
	t1->nr_invalid = 0;
}

/* ---------------------------------------------------------------- unmap - */

/* One checked call. */
struct unmap {
	uint64_t first, last;
	bool vaddr;
	const struct vfio_bitmap *bitmap; /* NULL: not asked for */
	uint64_t done;			  /* bytes */
};

bool type1_cuts(struct uvfio_type1 *t1, uint64_t first, uint64_t last)
{
	struct uiommu_area_info area;

	if (!uiommu_ioas_next_area(t1->ioas, first, &area) &&
	    area.range.first < first)
		return true;
	return !uiommu_ioas_next_area(t1->ioas, last, &area) &&
	       area.range.first <= last && area.range.last > last;
}

/* Addresses given up by this call come back. */
static void undo_vaddr(struct uvfio_type1 *t1, uint64_t first, uint64_t end)
{
	struct uiommu_area_info area;

	while (first < end && !uiommu_ioas_next_area(t1->ioas, first, &area) &&
	       area.range.first < end) {
		type1_set_valid(t1, area.range.first);
		first = area.range.last + 1;
	}
}

static int unmap_one(struct uvfio_type1 *t1, struct unmap *op,
		     const struct uiommu_area_info *area)
{
	uint64_t len = area->range.last - area->range.first + 1, unmapped;
	int rc;

	if (op->vaddr) {
		if (type1_is_invalid(t1, area->range.first))
			return -EINVAL;
		rc = type1_set_invalid(t1, area->range.first);
		if (!rc)
			op->done += len;
		return rc;
	}
	if (op->bitmap) {
		rc = type1_mark_dirty(t1, op->bitmap, op->first, &area->range);
		if (rc)
			return rc;
	}
	rc = uiommu_ioas_unmap(t1->ioas, area->range.first, len, &unmapped);
	if (rc)
		return rc;
	type1_set_valid(t1, area->range.first);
	t1->nr_dma--;
	op->done += len;
	return 0;
}

static int unmap_range(struct uvfio_type1 *t1, struct unmap *op)
{
	struct uiommu_area_info area;
	uint64_t at = op->first;
	int rc;

	if (t1->v2 && type1_cuts(t1, op->first, op->last))
		return -EINVAL;
	while (!uiommu_ioas_next_area(t1->ioas, at, &area) &&
	       area.range.first <= op->last) {
		if (area.range.first < op->first)
			break;
		rc = unmap_one(t1, op, &area);
		if (rc) {
			if (op->vaddr)
				undo_vaddr(t1, op->first, area.range.first);
			return rc;
		}
		/* The last address of all ends the walk. */
		if (add_overflows(area.range.last, UINT64_C(1), &at))
			break;
	}
	return 0;
}

static int read_bitmap(struct uvfio_type1 *t1, unsigned long arg,
		       const struct vfio_iommu_type1_dma_unmap *unmap,
		       struct vfio_bitmap *bitmap)
{
	if (unmap->flags &
	    (VFIO_DMA_UNMAP_FLAG_ALL | VFIO_DMA_UNMAP_FLAG_VADDR))
		return -EINVAL;
	if (unmap->argsz < sizeof(*unmap) + sizeof(*bitmap))
		return -EINVAL;
	if (abi_copy_from(t1->abi, bitmap, arg + sizeof(*unmap),
			  sizeof(*bitmap)))
		return -EFAULT;
	return type1_check_bitmap(bitmap, unmap->size);
}

long type1_unmap(struct uvfio_type1 *t1, unsigned long arg)
{
	struct vfio_iommu_type1_dma_unmap unmap;
	struct vfio_bitmap bitmap;
	struct unmap op = { 0 };
	int rc;

	rc = type1_read_unmap(t1->abi, arg,
			      VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP |
				      VFIO_DMA_UNMAP_FLAG_ALL |
				      VFIO_DMA_UNMAP_FLAG_VADDR,
			      &unmap);
	if (rc)
		return rc;
	if (unmap.flags & VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP) {
		rc = read_bitmap(t1, arg, &unmap, &bitmap);
		if (rc)
			return rc;
		op.bitmap = &bitmap;
	}
	rc = type1_check_unmap(&unmap, type1_pgsize(t1));
	if (rc)
		return rc;
	if (op.bitmap && (!t1->dirty || bitmap.pgsize != type1_pgsize(t1)))
		return -EINVAL;
	op.vaddr = unmap.flags & VFIO_DMA_UNMAP_FLAG_VADDR;
	op.first = unmap.iova;
	op.last = unmap.flags & VFIO_DMA_UNMAP_FLAG_ALL
			  ? UINT64_MAX
			  : unmap.iova + (unmap.size - 1);
	rc = unmap_range(t1, &op);
	if (rc)
		return rc;
	return type1_write_unmap(t1->abi, arg, &unmap, op.done);
}
