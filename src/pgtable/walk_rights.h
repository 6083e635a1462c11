/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * walk_rights.h - changes inside leaves that stay: rights and dirty state, part
 * of walk.h.
 *
 * Both exchange a leaf by compare-and-swap: the hardware sets dirty state in it,
 * and both may run in the same leaf at the same time.  The dirty calls may meet
 * anything, also a leaf that is being split, so they look again when the swap
 * fails; and a table that has left, which they may write to as long as their
 * read section keeps it from being used again.
 */
#ifndef PGTABLE_WALK_RIGHTS_H
#define PGTABLE_WALK_RIGHTS_H

/* Slots side by side in one table, and what address comes after them. */
struct pt_stretch {
	struct pt_pos pos;
	unsigned int nr;
	uint64_t next;
};

static struct pt_stretch pt_stretch_at(const struct uiommu_pgtable *pt,
				       uint64_t iova, uint64_t last)
{
	struct pt_stretch s = { .nr = 1 };

	s.pos = pt_walk(pt, iova, PT_LAST_LEVEL);
	if (pt_unlikely(pt_is_mark(s.pos.d)))
		s.pos = pt_walk_mark(pt, s.pos, iova);
	if (s.pos.level == PT_LAST_LEVEL)
		s.nr = (unsigned int)min_u64(
			PT_ENTRIES - PT_INDEX(iova, PT_LAST_LEVEL),
			((last - iova) >> PT_GRANULE_LG2) + 1);
	s.next = (iova & ~PT_OFFSET(s.pos.level)) +
		 ((uint64_t)s.nr << PT_SHIFT(s.pos.level));
	return s;
}

static void pt_gather_leaf(const struct pt_pos *pos, uint64_t iova,
			   struct uiommu_gather *gather)
{
	pt_gather_range(gather, iova & ~PT_OFFSET(pos->level),
			iova | PT_OFFSET(pos->level), PT_SHIFT(pos->level),
			pt_told_level(pos->path, pos->level), true);
}

static void pt_protect_slot(const struct uiommu_pgtable *pt,
			    const struct pt_pos *pos, uint64_t *slot,
			    uint64_t iova, uint32_t rights,
			    struct uiommu_gather *gather)
{
	uint64_t d = load_relaxed(slot), want;

	do {
		if (!pt_is_leaf(d, pos->level) && !pt_is_broken(d))
			return;
		want = pt_with_rights(d, rights, pt->write_attrs);
		if (want == d)
			return;
	} while (!cmpxchg_acq_rel(slot, &d, want));
	pt_clean(pt, slot, 1);
	pt_gather_leaf(pos, iova, gather);
}

static int pt_protect(struct uiommu_pgtable *pt, uiommu_iova_t iova,
		      uint64_t len, uint32_t rights,
		      struct uiommu_gather *gather)
{
	const struct pt_span span = { iova, iova + len - 1 };
	struct pt_stretch s;
	int rc;

	if (!(rights & (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE)) ||
	    (rights & ~(uint32_t)PT_PROT_RIGHTS))
		return pt_refuse(pt, -EINVAL, "pgtable: no such rights");
	rc = pt_check_range(pt, iova, iova, len);
	if (!rc)
		rc = pt_split_edges(pt, &span, gather);
	if (rc)
		return rc;
	for (; iova <= span.last; iova = s.next) {
		s = pt_stretch_at(pt, iova, span.last);
		for (unsigned int i = 0; i < s.nr; i++)
			pt_protect_slot(pt, &s.pos, &s.pos.slot[i],
					iova + ((uint64_t)i << PT_GRANULE_LG2),
					rights, gather);
	}
	return 0;
}

/* False: the leaf is being split, look for its parts. */
static bool pt_dirty_slot(const struct pt_pos *pos, uint64_t *slot,
			  uint64_t iova, const struct pt_dirty_req *req)
{
	const bool clear = !(req->flags & UIOMMU_DIRTY_NO_CLEAR);
	uint64_t d = load_relaxed(slot);

	do {
		if (!pt_is_leaf(d, pos->level))
			return !d || pos->level == PT_LAST_LEVEL;
		if (!pt_is_dirty(d))
			return true;
	} while (clear && !cmpxchg_acq_rel(slot, &d, pt_make_clean(d)));
	req->fn(req->ctx, iova & ~PT_OFFSET(pos->level),
		BIT64(PT_SHIFT(pos->level)));
	if (clear)
		pt_gather_leaf(pos, iova, req->gather);
	return true;
}

static int pt_dirty(struct uiommu_pgtable *pt, const struct pt_dirty_req *req)
{
	const struct uiommu_platform *pf = pt->platform;
	uint64_t iova = req->iova, last = iova + req->len - 1;
	int rc = pt_check_range(pt, iova, iova, req->len);
	struct pt_stretch s;

	if (rc)
		return rc;
	/* One section for each table, so that others need not wait for long. */
	while (iova <= last) {
		pf->read_begin(pf->ctx);
		s = pt_stretch_at(pt, iova, last);
		for (unsigned int i = 0; i < s.nr; i++)
			if (!pt_dirty_slot(&s.pos, &s.pos.slot[i],
					   iova + ((uint64_t)i
						   << PT_GRANULE_LG2),
					   req))
				s.next = iova;
		pf->read_end(pf->ctx);
		iova = s.next;
	}
	return 0;
}

#endif /* PGTABLE_WALK_RIGHTS_H */
