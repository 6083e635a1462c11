/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * walk_map.h - map, part of walk.h.
 *
 * The range is cut into *runs*: leaves of one size that stand side by side in
 * one table; aligned groups in a run get the contiguous bit.  Each run is visited
 * once to make its place (tables added, every slot seen free) and once to write
 * it.  A call of one run, the usual one,
 * keeps its place between the two.
 */
#ifndef PGTABLE_WALK_MAP_H
#define PGTABLE_WALK_MAP_H

struct pt_run {
	int level;
	unsigned int nr;
};

/* Largest leaf that the addresses and the length allow at this point. */
static PT_INLINE struct pt_run pt_next_run(const struct uiommu_pgtable *pt,
					   uint64_t iova, uint64_t pa,
					   uint64_t len)
{
	struct pt_run run = { .level = PT_LAST_LEVEL };
	uint64_t nr, room;

	for (int l = PT_LAST_LEVEL - 1;
	     l >= PT_FIRST_BLOCK_LEVEL && l >= pt->block_level; l--) {
		if (((iova | pa) & PT_OFFSET(l)) || len <= PT_OFFSET(l))
			break;
		run.level = l;
	}
	nr = len >> PT_SHIFT(run.level);
	room = PT_ENTRIES - PT_INDEX(iova, run.level);
	run.nr = (unsigned int)min_u64(nr, room);
	return run;
}

/* Put a new table into the empty slot, or find that a neighbour just did. */
static PT_NOINLINE int pt_add_table(struct uiommu_pgtable *pt,
				    const struct pt_pos *pos, bool *added)
{
	uint64_t *slot = pos->slot, *table, found = 0, d;

	table = pt_new_table(pt, &d, 0, 0);
	if (!table)
		return -ENOMEM;
	pt_clean(pt, table, PT_ENTRIES);
	*added = cmpxchg_acq_rel(slot, &found, d);
	if (!*added)
		pt_table_free(pt, table);
	return 0;
}

/*
 * Find the slot of `iova` at `level`, adding tables on the way.  *fresh: its
 * table is new, and so empty.  -EEXIST: a larger leaf covers it; -ENOMEM.
 */
static int pt_reach(struct uiommu_pgtable *pt, uint64_t iova, int level,
		    struct pt_pos *pos, bool *fresh)
{
	bool added = false;
	int rc;

	*fresh = false;
	for (;;) {
		*pos = pt_walk(pt, iova, level);
		if (pt_likely(pos->level == level))
			return 0;
		if (pos->d)
			return -EEXIST;
		rc = pt_add_table(pt, pos, &added);
		if (rc)
			return rc;
		*fresh = added && pos->level == level - 1;
	}
}

/*
 * -EEXIST if one of the slots maps something.  *replace: one holds a table
 * with nothing in it, which a block will replace.
 */
static PT_INLINE int pt_check_free(const struct uiommu_pgtable *pt,
				   const struct pt_pos *pos, unsigned int nr,
				   bool *replace)
{
	const uint64_t *slot = pos->slot;
	uint64_t any = 0, d;

	for (unsigned int i = 0; i < nr; i++)
		any |= load_relaxed(&slot[i]);
	if (pt_likely(!any))
		return 0;
	if (pos->level == PT_LAST_LEVEL)
		return -EEXIST;
	for (unsigned int i = 0; i < nr; i++) {
		d = load_acquire(&slot[i]);
		if (!d)
			continue;
		if (!pt_is_table(d) || !pt_tree_empty(pt, d, pos->level + 1))
			return -EEXIST;
		*replace = true;
	}
	return 0;
}

static PT_INLINE void pt_fill_slots(uint64_t *slot, unsigned int nr,
				    uint64_t attrs, uint64_t pa, int level)
{
	for (unsigned int i = 0; i < nr; i++) {
		store_relaxed(&slot[i], pt_make_leaf(attrs, pa, level));
		pa += BIT64(PT_SHIFT(level));
	}
}

/* A run with groups in it. */
static PT_NOINLINE void pt_fill_parts(const struct uiommu_pgtable *pt,
				      uint64_t *slot, unsigned int nr,
				      uint64_t attrs, uint64_t pa, int level)
{
	const struct pt_parts parts = pt_parts_of(pt, slot, nr, pa, level);
	const unsigned int tail = parts.head + parts.whole;
	const unsigned int shift = PT_SHIFT(level);

	pt_fill_slots(slot, parts.head, attrs, pa, level);
	pt_fill_slots(slot + parts.head, parts.whole, attrs | PT_LEAF_CONTIG,
		      pa + ((uint64_t)parts.head << shift), level);
	pt_fill_slots(slot + tail, nr - tail, attrs,
		      pa + ((uint64_t)tail << shift), level);
}

static PT_INLINE bool pt_may_group(const struct uiommu_pgtable *pt,
				   unsigned int nr)
{
	return nr >= PT_GROUP_MIN && (pt->features & UIOMMU_PGTABLE_CONTIG);
}

static PT_INLINE void pt_fill(const struct uiommu_pgtable *pt,
			      const struct pt_pos *pos, unsigned int nr,
			      uint64_t attrs, uint64_t pa)
{
	if (pt_unlikely(pt_may_group(pt, nr)))
		pt_fill_parts(pt, pos->slot, nr, attrs, pa, pos->level);
	else
		pt_fill_slots(pos->slot, nr, attrs, pa, pos->level);
	pt_clean(pt, pos->slot, nr);
}

/*
 * Write back the pointers on the way to our leaves, new ones and those that a
 * neighbour put there but has not written back yet: the leaves count as mapped
 * only once the walker can find them.
 */
static PT_NOINLINE void pt_clean_path(const struct uiommu_pgtable *pt,
				      uint64_t iova, int level)
{
	struct pt_pos pos;

	for (int l = pt->start_level; l < level; l++) {
		pos = pt_walk(pt, iova, l);
		pt_clean(pt, pos.slot, 1);
	}
}

/* Clear tables, which are empty, out of the slots of a run. */
static void pt_replace_tables(struct uiommu_pgtable *pt, struct pt_pos pos,
			      uint64_t iova, unsigned int nr,
			      struct uiommu_gather *gather)
{
	for (; nr; nr--, pos.slot++, iova += BIT64(PT_SHIFT(pos.level))) {
		pos.d = load_acquire(pos.slot);
		if (pt_is_table(pos.d))
			pt_detach(pt, &pos, iova, gather);
	}
}

/* What the visits of a map have in common. */
struct pt_map_req {
	uint64_t iova;
	uint64_t pa;
	uint64_t len;
	uint64_t attrs;
	struct uiommu_gather *gather;
};

/* Write all runs, or only clear empty tables out of their way. */
static void pt_map_write(struct uiommu_pgtable *pt, struct pt_map_req req,
			 bool replace, bool write)
{
	struct pt_run run;
	struct pt_pos pos;
	uint64_t bytes;

	for (; req.len; req.len -= bytes, req.iova += bytes, req.pa += bytes) {
		run = pt_next_run(pt, req.iova, req.pa, req.len);
		bytes = (uint64_t)run.nr << PT_SHIFT(run.level);
		pos = pt_walk(pt, req.iova, run.level);
		if (replace && run.level < PT_LAST_LEVEL)
			pt_replace_tables(pt, pos, req.iova, run.nr,
					  req.gather);
		if (!write)
			continue;
		pt_fill(pt, &pos, run.nr, req.attrs, req.pa);
		if (pt_unlikely(pt->incoherent))
			pt_clean_path(pt, req.iova, run.level);
	}
}

/* More than one run, or empty tables where blocks shall stand. */
static PT_NOINLINE int pt_map_runs(struct uiommu_pgtable *pt,
				   const struct pt_map_req *req)
{
	bool replace = false, fresh, write;
	uint64_t at, bytes;
	struct pt_run run;
	struct pt_pos pos;
	int rc;

	for (at = 0; at < req->len; at += bytes) {
		run = pt_next_run(pt, req->iova + at, req->pa + at,
				  req->len - at);
		bytes = (uint64_t)run.nr << PT_SHIFT(run.level);
		rc = pt_reach(pt, req->iova + at, run.level, &pos, &fresh);
		if (!rc && !fresh)
			rc = pt_check_free(pt, &pos, run.nr, &replace);
		if (rc)
			return rc;
	}
	write = !replace || (pt->features & UIOMMU_PGTABLE_BBML2);
	pt_map_write(pt, *req, replace, write);
	return write ? 0 : -EAGAIN;
}

/* Leaves in a table that nobody can see yet: plain stores, which combine. */
static PT_INLINE void pt_fill_unseen(const struct uiommu_pgtable *pt,
				     uint64_t *slot, unsigned int nr,
				     uint64_t attrs, uint64_t pa, int level)
{
	if (pt_unlikely(pt_may_group(pt, nr))) {
		pt_fill_parts(pt, slot, nr, attrs, pa, level);
		return;
	}
	for (unsigned int i = 0; i < nr; i++)
		slot[i] = pt_make_leaf(
			attrs, pa + ((uint64_t)i << PT_SHIFT(level)), level);
}

/*
 * A call of one run whose table, or one above, may be missing.  Nothing can
 * fail after the last table was got, so that one is filled before it is shown.
 */
static PT_NOINLINE int pt_map_new(struct uiommu_pgtable *pt,
				  const struct pt_map_req *req,
				  struct pt_run run)
{
	const unsigned int first = PT_INDEX(req->iova, run.level);
	uint64_t *table, found, d;
	struct pt_pos pos;

	for (;;) {
		pos = pt_walk(pt, req->iova, run.level);
		if (pos.level == run.level)
			return pt_map_runs(pt, req);
		if (pos.d)
			return -EEXIST;
		if (pos.level + 1 < run.level)
			table = pt_new_table(pt, &d, 0, 0);
		else
			table = pt_new_table(pt, &d, first, run.nr);
		if (!table)
			return -ENOMEM;
		if (pos.level + 1 == PT_LAST_LEVEL)
			pt_fill_unseen(pt, &table[first], run.nr, req->attrs,
				       req->pa, PT_LAST_LEVEL);
		else if (pos.level + 1 == run.level)
			pt_fill_unseen(pt, &table[first], run.nr, req->attrs,
				       req->pa, run.level);
		pt_clean(pt, table, PT_ENTRIES);
		found = 0;
		if (!cmpxchg_acq_rel(pos.slot, &found, d)) {
			pt_table_free(pt, table);
			continue;
		}
		if (pos.level + 1 < run.level)
			continue;
		if (pt_unlikely(pt->incoherent))
			pt_clean_path(pt, req->iova, run.level);
		return 0;
	}
}

static int pt_refuse_mapped(const struct uiommu_pgtable *pt)
{
	return pt_refuse(pt, -EEXIST, "pgtable: a page is mapped already");
}

/* All but one run in tables that are there. */
static PT_NOINLINE int pt_map_slow(struct uiommu_pgtable *pt, uint64_t iova,
				   uint64_t pa, uint64_t len, uint32_t prot,
				   struct uiommu_gather *gather)
{
	const struct pt_map_req req = { iova, pa, len,
					pt_attrs(prot, pt->write_attrs),
					gather };
	struct pt_run run = pt_next_run(pt, iova, pa, len);
	int rc;

	if ((uint64_t)run.nr << PT_SHIFT(run.level) == len)
		rc = pt_map_new(pt, &req, run);
	else
		rc = pt_map_runs(pt, &req);
	return rc == -EEXIST ? pt_refuse_mapped(pt) : rc;
}

static int pt_map(struct uiommu_pgtable *pt, uiommu_iova_t iova, uiommu_pa_t pa,
		  uint64_t len, uint32_t prot, struct uiommu_gather *gather)
{
	bool replace = false;
	struct pt_run run;
	struct pt_pos pos;
	int rc;

	if (pt_unlikely(!(prot & (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE)) ||
			(prot & ~(uint32_t)PT_PROT_MASK) ||
			!(~prot & (UIOMMU_PROT_CACHE | UIOMMU_PROT_MMIO))))
		return pt_refuse(pt, -EINVAL,
				 "pgtable: no such rights or attributes");
	rc = pt_check_range(pt, iova, iova | pa, len);
	if (pt_unlikely(rc))
		return rc;
	if (pt_unlikely(pa > pt->pa_last || len - 1 > pt->pa_last - pa))
		return pt_refuse(pt, -ERANGE,
				 "pgtable: beyond the output size");
	run = pt_next_run(pt, iova, pa, len);
	if (pt_unlikely((uint64_t)run.nr << PT_SHIFT(run.level) != len))
		return pt_map_slow(pt, iova, pa, len, prot, gather);
	pos = pt_walk(pt, iova, run.level);
	if (pt_unlikely(pos.level != run.level))
		return pt_map_slow(pt, iova, pa, len, prot, gather);
	rc = pt_check_free(pt, &pos, run.nr, &replace);
	if (pt_unlikely(rc))
		return pt_refuse_mapped(pt);
	if (pt_unlikely(replace))
		return pt_map_slow(pt, iova, pa, len, prot, gather);
	pt_fill(pt, &pos, run.nr, pt_attrs(prot, pt->write_attrs), pa);
	if (pt_unlikely(pt->incoherent))
		pt_clean_path(pt, iova, run.level);
	return 0;
}

#endif /* PGTABLE_WALK_MAP_H */
