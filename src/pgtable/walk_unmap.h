/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * walk_unmap.h - unmap, part of walk.h.
 *
 * After the two ends have been prepared nothing can fail: the range is zapped
 * from left to right.  Slots that lie in it are emptied, whole tables leave
 * with all below them in one store; a pointer that reaches out of the range is
 * followed.
 */
#ifndef PGTABLE_WALK_UNMAP_H
#define PGTABLE_WALK_UNMAP_H

/*
 * Empty nr slots of a last-level table; the range from the first to the last
 * that mapped goes into the gather.  Returns how many did.
 */
static PT_INLINE uint64_t pt_clear_pages(const struct uiommu_pgtable *pt,
					 const struct pt_pos *pos,
					 uint64_t iova, unsigned int nr,
					 struct uiommu_gather *gather)
{
	uint64_t *slot = pos->slot, count = 0;
	unsigned int i, first = 0, last = 0;

	for (i = 0; i < nr; i++) {
		if (!load_relaxed(&slot[i]))
			continue;
		store_relaxed(&slot[i], 0);
		if (!count++)
			first = i;
		last = i;
	}
	if (!count)
		return 0;
	pt_clean(pt, &slot[first], last - first + 1);
	pt_gather_range(gather, iova + ((uint64_t)first << PT_GRANULE_LG2),
			iova + ((uint64_t)(last + 1) << PT_GRANULE_LG2) - 1,
			PT_GRANULE_LG2, pt_told_level(pos->path, PT_LAST_LEVEL),
			true);
	return count;
}

static PT_INLINE void pt_clear_block(const struct uiommu_pgtable *pt,
				     const struct pt_pos *pos, uint64_t iova,
				     struct uiommu_gather *gather)
{
	store_relaxed(pos->slot, 0);
	pt_clean(pt, pos->slot, 1);
	pt_gather_range(gather, iova, iova | PT_OFFSET(pos->level),
			PT_SHIFT(pos->level),
			pt_told_level(pos->path, pos->level), true);
}

/*
 * The highest slot on the way to `iova` that is no pointer or lies wholly in
 * the span.
 */
static struct pt_pos pt_zap_place(const struct uiommu_pgtable *pt,
				  uint64_t iova, const struct pt_span *span)
{
	int level = pt->start_level;

	while (level < PT_LAST_LEVEL && pt_reaches_out(span, iova, level))
		level++;
	return pt_walk(pt, iova, level);
}

/* Empty one slot above the last level that lies wholly in the span. */
static uint64_t pt_zap_slot(struct uiommu_pgtable *pt, struct pt_pos *pos,
			    uint64_t iova, struct uiommu_gather *gather)
{
	pos->d = load_acquire(pos->slot);
	if (!pos->d)
		return 0;
	if (pt_is_table(pos->d) || pt_is_mark(pos->d))
		return pt_detach(pt, pos, iova, gather);
	pt_clear_block(pt, pos, iova, gather);
	return BIT64(PT_SHIFT(pos->level));
}

/* Empty the span, at whose ends no leaf reaches out.  Returns what mapped. */
static uint64_t pt_zap(struct uiommu_pgtable *pt, const struct pt_span *span,
		       struct uiommu_gather *gather)
{
	uint64_t bytes = 0, iova = span->first, next;
	struct pt_pos pos;
	unsigned int nr;

	for (;;) {
		pos = pt_zap_place(pt, iova, span);
		if (pos.level == PT_LAST_LEVEL) {
			nr = PT_ENTRIES - PT_INDEX(iova, PT_LAST_LEVEL);
			next = min_u64(nr,
				       ((span->last - iova) >> PT_GRANULE_LG2) +
					       1);
			nr = (unsigned int)next;
			bytes += pt_clear_pages(pt, &pos, iova, nr, gather)
				 << PT_GRANULE_LG2;
			next = iova + (next << PT_GRANULE_LG2) - 1;
		} else {
			if (!pt_reaches_out(span, iova, pos.level))
				bytes += pt_zap_slot(pt, &pos, iova, gather);
			next = iova | PT_OFFSET(pos.level);
		}
		if (next >= span->last)
			return bytes;
		iova = next + 1;
	}
}

static PT_NOINLINE int pt_unmap_span(struct uiommu_pgtable *pt,
				     struct pt_span span,
				     struct uiommu_gather *gather,
				     uint64_t *unmapped)
{
	int rc = pt_split_edges(pt, &span, gather);

	if (rc)
		return rc;
	*unmapped = pt_zap(pt, &span, gather);
	return 0;
}

/* May pages in one table have a group at their ends that reaches beyond? */
static PT_INLINE bool pt_cuts_group(const struct uiommu_pgtable *pt,
				    const struct pt_pos *pos, uint64_t iova,
				    uint64_t len)
{
	uint64_t last;

	if (!(pt->features & UIOMMU_PGTABLE_CONTIG) ||
	    !((iova | len) & pt_group_offset(PT_LAST_LEVEL)))
		return false;
	last = load_relaxed(&pos->slot[(len >> PT_GRANULE_LG2) - 1]);
	return (pos->d | last) & PT_GROUP_FLAGS;
}

static int pt_unmap(struct uiommu_pgtable *pt, uiommu_iova_t iova, uint64_t len,
		    struct uiommu_gather *gather, uint64_t *unmapped)
{
	struct pt_span span = { iova, iova + len - 1 };
	struct pt_pos pos;
	uint64_t nr;
	int rc = pt_check_range(pt, iova, iova, len);

	*unmapped = 0;
	if (pt_unlikely(rc))
		return rc;
	pos = pt_walk(pt, iova, PT_LAST_LEVEL);
	nr = len >> PT_GRANULE_LG2;
	/*
	 * Pages in one table, not all of it, single ones at the ends or groups
	 * as a whole: there is nothing to split.
	 */
	if (pos.level == PT_LAST_LEVEL && nr < PT_ENTRIES &&
	    PT_INDEX(iova, PT_LAST_LEVEL) + nr <= PT_ENTRIES &&
	    pt_likely(!pt_cuts_group(pt, &pos, iova, len))) {
		nr = pt_clear_pages(pt, &pos, iova, (unsigned int)nr, gather);
		*unmapped = nr << PT_GRANULE_LG2;
		return 0;
	}
	/* Just one table. */
	if (pos.level == PT_LAST_LEVEL && nr == PT_ENTRIES &&
	    !(iova & PT_OFFSET(PT_LAST_LEVEL - 1)) &&
	    pt->start_level < PT_LAST_LEVEL) {
		pos = pt_walk(pt, iova, PT_LAST_LEVEL - 1);
		*unmapped = pt_detach(pt, &pos, iova, gather);
		return 0;
	}
	/* Just one block. */
	if (pos.level < PT_LAST_LEVEL && pt_is_single_block(pos.d) &&
	    len == BIT64(PT_SHIFT(pos.level)) &&
	    !(iova & PT_OFFSET(pos.level))) {
		pt_clear_block(pt, &pos, iova, gather);
		*unmapped = len;
		return 0;
	}
	return pt_unmap_span(pt, span, gather, unmapped);
}

#endif /* PGTABLE_WALK_UNMAP_H */
