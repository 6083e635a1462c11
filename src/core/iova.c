/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iova.c - where an area may go.
 *
 * A fixed place is checked against alignment, reserved ranges and areas, in
 * Linux's order.  A free choice takes the lowest place that suits: inside the
 * allowed ranges if there are any, outside the reserved ones, in a hole
 * between areas.  The few windows that allowed and reserved ranges leave are
 * walked; in each the tree of areas finds the hole.  Address 0 and the last
 * page are never given out.
 */
#include "core_private.h"

/* Blocks beyond a huge page gain nothing from more alignment. */
#define IOVA_MAX_ALIGN (UINT64_C(2) << 20)

int core_iova_check(const struct uiommu_ioas *ioas, uiommu_iova_t iova,
		    uint64_t len)
{
	uint64_t last;

	if (iova & (ioas->alignment - 1))
		return -EINVAL;
	if (last_overflows(iova, len, &last))
		return -EOVERFLOW;
	if (core_is_reserved(ioas, iova, last))
		return -EINVAL;
	if (itree_overlap(&ioas->areas, iova, last))
		return -EEXIST;
	return 0;
}

/* Look in [first, last], around the reserved ranges. */
static bool search(const struct uiommu_ioas *ioas, struct itree_want *want,
		   uint64_t first, uint64_t last, uiommu_iova_t *iova)
{
	while (first <= last) {
		struct uiommu_range resv;
		bool any = core_next_reserved(ioas, first, &resv);

		want->first = first;
		want->last = last;
		if (any && resv.first <= last)
			want->last = resv.first - 1;
		if ((!any || resv.first > first) &&
		    itree_find_hole(&ioas->areas, want, iova))
			return true;
		if (!any || resv.last >= last)
			return false;
		first = resv.last + 1;
	}
	return false;
}

int core_iova_alloc(const struct uiommu_ioas *ioas, uint64_t addr, uint64_t len,
		    uiommu_iova_t *iova)
{
	uint64_t page = ioas->core->page_size;
	uint64_t low = page, high = UINT64_MAX - page;
	struct itree_want want = { .len = len };

	if (len >= UINT64_MAX / 2)
		return -EOVERFLOW;
	want.align = BIT64(len > 1 ? ilog2_u64(len - 1) + 1 : 0);
	if (addr)
		want.align = min_u64(want.align, BIT64(ffs_u64(addr)));
	want.align = min_u64(want.align, max_u64(IOVA_MAX_ALIGN, page));
	if (want.align < ioas->alignment)
		return -EINVAL;
	want.offset = addr & (page - 1);

	if (!ioas->nr_allowed)
		return search(ioas, &want, low, high, iova) ? 0 : -ENOSPC;
	for (unsigned int i = 0; i < ioas->nr_allowed; i++)
		if (search(ioas, &want, max_u64(low, ioas->allowed[i].first),
			   min_u64(high, ioas->allowed[i].last), iova))
			return 0;
	return -ENOSPC;
}

unsigned int uiommu_ioas_iova_ranges(struct uiommu_ioas *ioas,
				     struct uiommu_range *ranges,
				     unsigned int max, uint64_t *alignment)
{
	struct uiommu_range resv;
	unsigned int nr = 0;
	uint64_t at = 0;
	bool any, full = false;

	pthread_rwlock_rdlock(&ioas->lock);
	*alignment = ioas->alignment;
	while (!full) {
		any = core_next_reserved(ioas, at, &resv);
		if (!any || resv.first > at) {
			if (nr < max)
				ranges[nr] = (struct uiommu_range){
					at, any ? resv.first - 1 : UINT64_MAX
				};
			nr++;
		}
		full = !any || resv.last == UINT64_MAX;
		at = any ? resv.last + 1 : 0;
	}
	pthread_rwlock_unlock(&ioas->lock);
	return nr;
}
