/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dirty.c - DIRTY_PAGES of the type1 back end.
 *
 * The hardware is not asked: while logging is on, every page that is mapped
 * counts as dirty, which is what the kernel reports for devices it cannot
 * watch.  Bitmaps are the client's memory and are changed piece by piece.
 */
#include <string.h>

#include "type1.h"

#include "base/overflow.h"

/* User addresses end here; a bitmap beyond cannot be one. */
#define USER_TOP (UINT64_C(1) << 47)

int type1_check_bitmap(const struct vfio_bitmap *bitmap, uint64_t size)
{
	uint64_t start = (uintptr_t)bitmap->data, pages, last;

	if (!bitmap->size || bitmap->size > TYPE1_MAX_BITMAP ||
	    !is_pow2(bitmap->pgsize))
		return -EINVAL;
	if (last_overflows(start, bitmap->size, &last) || last >= USER_TOP)
		return -EINVAL;
	pages = size / bitmap->pgsize;
	/* Bitmaps come in words of 64 bits. */
	if (!pages || (pages - 1) / 64 + 1 > bitmap->size / 8)
		return -EINVAL;
	return 0;
}

/* Set `nr` bits from bit `at`, which lie in one byte of user memory. */
static int set_in_byte(struct uiommu_abi *abi, uint64_t uva, unsigned int at,
		       unsigned int nr)
{
	uint8_t byte;

	if (abi_copy_from(abi, &byte, uva, 1))
		return -EFAULT;
	byte |= (uint8_t)(mask_lg2(nr) << at);
	return abi_copy_to(abi, uva, &byte, 1);
}

static int set_bytes(struct uiommu_abi *abi, uint64_t uva, uint64_t nr)
{
	uint8_t ones[256];
	uint64_t len;

	memset(ones, 0xff, sizeof(ones));
	for (; nr; nr -= len, uva += len) {
		len = min_u64(nr, sizeof(ones));
		if (abi_copy_to(abi, uva, ones, len))
			return -EFAULT;
	}
	return 0;
}

static int set_bits(struct uiommu_abi *abi, uint64_t uva, uint64_t first,
		    uint64_t nr)
{
	unsigned int head = (unsigned int)(first % 8);
	uint64_t n;
	int rc;

	uva += first / 8;
	if (head) {
		n = min_u64(nr, 8 - head);
		rc = set_in_byte(abi, uva, head, (unsigned int)n);
		if (rc)
			return rc;
		nr -= n;
		uva++;
	}
	rc = set_bytes(abi, uva, nr / 8);
	if (rc || !(nr % 8))
		return rc;
	return set_in_byte(abi, uva + nr / 8, 0, (unsigned int)(nr % 8));
}

int type1_mark_dirty(struct uvfio_type1 *t1, const struct vfio_bitmap *bitmap,
		     uint64_t iova, const struct uiommu_range *range)
{
	uint64_t first = (range->first - iova) / bitmap->pgsize;
	uint64_t nr = (range->last - range->first) / bitmap->pgsize + 1;
	uint64_t room = bitmap->size * 8;

	/* A v1 unmap may take more than was asked for. */
	if (first >= room)
		return 0;
	return set_bits(t1->abi, (uintptr_t)bitmap->data, first,
			min_u64(nr, room - first));
}

static long report(struct uvfio_type1 *t1,
		   const struct vfio_iommu_type1_dirty_bitmap_get *get)
{
	uint64_t last = get->iova + (get->size - 1), at = get->iova;
	struct uiommu_area_info area;
	int rc;

	if (type1_cuts(t1, get->iova, last))
		return -EINVAL;
	while (!uiommu_ioas_next_area(t1->ioas, at, &area) &&
	       area.range.first <= last) {
		rc = type1_mark_dirty(t1, &get->bitmap, get->iova, &area.range);
		if (rc)
			return rc;
		if (add_overflows(area.range.last, UINT64_C(1), &at))
			break;
	}
	return 0;
}

static long get_bitmap(struct uvfio_type1 *t1, unsigned long arg,
		       uint32_t argsz)
{
	const uint32_t head = sizeof(struct vfio_iommu_type1_dirty_bitmap);
	struct vfio_iommu_type1_dirty_bitmap_get get;
	uint64_t pgsize = type1_pgsize(t1), last;
	int rc;

	if (argsz - head < sizeof(get))
		return -EINVAL;
	if (abi_copy_from(t1->abi, &get, arg + head, sizeof(get)))
		return -EFAULT;
	if (!get.size)
		return -EINVAL;
	if (last_overflows(get.iova, get.size, &last))
		return -EOVERFLOW;
	rc = type1_check_bitmap(&get.bitmap, get.size);
	if (rc)
		return rc;
	if (get.bitmap.pgsize != pgsize ||
	    ((get.iova | get.size) & (pgsize - 1)))
		return -EINVAL;
	return t1->dirty ? report(t1, &get) : -EINVAL;
}

long type1_dirty_pages(struct uvfio_type1 *t1, unsigned long arg)
{
	struct vfio_iommu_type1_dirty_bitmap req;

	if (!t1->v2)
		return -EACCES;
	if (abi_copy_from(t1->abi, &req, arg, sizeof(req)))
		return -EFAULT;
	if (req.argsz < sizeof(req))
		return -EINVAL;
	switch (req.flags) {
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_START:
		t1->dirty = true;
		return 0;
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP:
		t1->dirty = false;
		return 0;
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP:
		return get_bitmap(t1, arg, req.argsz);
	default:
		return -EINVAL;
	}
}
