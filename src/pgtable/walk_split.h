/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * walk_split.h - leaves that reach beyond the range of an unmap, part of
 * walk.h.
 *
 * An unmap has two *edges*, its first and its last page.  Where an edge lies
 * in a leaf that reaches beyond the range, that leaf is replaced by a tree of
 * smaller ones which translates the same: tables only along the edges, so
 * that every leaf of it lies inside the range or outside.  Both trees are
 * built before either is shown, so running out of memory changes nothing.
 */
#ifndef PGTABLE_WALK_SPLIT_H
#define PGTABLE_WALK_SPLIT_H

struct pt_span {
	uint64_t first;
	uint64_t last;
};

/* Does the slot of `iova` at `level` reach beyond the span? */
static PT_INLINE bool pt_reaches_out(const struct pt_span *span, uint64_t iova,
				     int level)
{
	return (iova & ~PT_OFFSET(level)) < span->first ||
	       (iova | PT_OFFSET(level)) > span->last;
}

/*
 * A table at `level` that maps what the leaf `leaf` one level up maps, whose
 * cover begins at `base`; below it more of them where an edge runs through.
 * Returns it with its descriptor in *d, or NULL.
 */
static uint64_t *pt_build_split(struct uiommu_pgtable *pt, uint64_t leaf,
				uint64_t base, int level,
				const struct pt_span *span, uint64_t *d)
{
	const uint64_t size = BIT64(PT_SHIFT(level));
	uint64_t attrs = pt_leaf_attrs(leaf), pa = pt_leaf_pa(leaf);
	uint64_t *table = pt_new_table(pt, d), edge, child, i;

	if (!table)
		return NULL;
	for (i = 0; i < PT_ENTRIES; i++)
		store_relaxed(&table[i],
			      pt_make_leaf(attrs, pa + i * size, level));
	for (int end = 0; level < PT_LAST_LEVEL && end < 2; end++) {
		edge = end ? span->last : span->first;
		if (edge < base || edge - base >= size * PT_ENTRIES ||
		    !pt_reaches_out(span, edge, level))
			continue;
		i = PT_INDEX(edge, level);
		child = load_relaxed(&table[i]);
		if (!pt_is_leaf(child, level))
			continue;
		if (!pt_build_split(pt, child, base + i * size, level + 1, span,
				    &child))
			goto err_free;
		store_relaxed(&table[i], child);
	}
	pt_clean(pt, table, PT_ENTRIES);
	return table;

err_free:
	pt_free_tree(pt, table, level);
	return NULL;
}

/* One end of an unmap. */
struct pt_edge {
	struct pt_pos pos;
	uint64_t iova;
	uint64_t *tree; /* what shall replace the leaf; NULL: nothing */
	uint64_t tree_d;
};

/* The page of the span that a mark in the slot of `iova` is named after. */
static uint64_t pt_mark_name(const struct pt_span *span, uint64_t iova,
			     int level)
{
	uint64_t page = max_u64(span->first, iova & ~PT_OFFSET(level));

	return (page & PT_OFFSET(level)) >> PT_GRANULE_LG2;
}

static bool pt_mark_is_ours(const struct pt_span *span,
			    const struct pt_edge *edge)
{
	uint64_t page = (edge->iova & ~PT_OFFSET(edge->pos.level)) |
			pt_mark_id(edge->pos.d) << PT_GRANULE_LG2;

	return page >= span->first && page <= span->last;
}

/*
 * Look at one end: build a tree if a leaf there must be split.  A mark of our
 * own, from the call before, becomes the table; *again then asks for another
 * look.  -EAGAIN: a neighbour is at it; -ENOMEM.
 */
static int pt_edge_prepare(struct uiommu_pgtable *pt,
			   const struct pt_span *span, struct pt_edge *edge,
			   bool *again)
{
	struct pt_pos *pos = &edge->pos;
	uint64_t base;

	*pos = pt_walk(pt, edge->iova, PT_LAST_LEVEL);
	edge->tree = NULL;
	if (pos->level == PT_LAST_LEVEL || !pos->d ||
	    !pt_reaches_out(span, edge->iova, pos->level))
		return 0;
	if (pt_is_mark(pos->d)) {
		if (!pt_mark_is_ours(span, edge))
			return -EAGAIN;
		store_release(pos->slot, pt_mark_table(pos->d));
		pt_clean(pt, pos->slot, 1);
		*again = true;
		return 0;
	}
	base = edge->iova & ~PT_OFFSET(pos->level);
	edge->tree = pt_build_split(pt, pos->d, base, pos->level + 1, span,
				    &edge->tree_d);
	return edge->tree ? 0 : -ENOMEM;
}

/*
 * Show the tree, or a mark that leads to it.  False: a neighbour was faster
 * and the tree is freed.
 */
static bool pt_edge_install(struct uiommu_pgtable *pt,
			    const struct pt_span *span, struct pt_edge *edge,
			    struct uiommu_gather *gather)
{
	const struct pt_pos *pos = &edge->pos;
	uint64_t *slot = pos->slot, found = pos->d, want;
	bool direct = pt->features & UIOMMU_PGTABLE_BBML2;

	if (direct)
		want = edge->tree_d | PT_TABLE_SPLIT;
	else
		want = pt_make_mark(edge->tree_d,
				    pt_mark_name(span, edge->iova, pos->level));
	if (!cmpxchg_acq_rel(slot, &found, want)) {
		pt_free_tree(pt, edge->tree, pos->level + 1);
		return false;
	}
	pt_clean(pt, slot, 1);
	if (direct)
		return true;
	pt_gather_range(gather, edge->iova & ~PT_OFFSET(pos->level),
			edge->iova | PT_OFFSET(pos->level),
			PT_SHIFT(pos->level), pos->level, true);
	return true;
}

/* Prepare both ends; *again when the picture changed meanwhile. */
static int pt_split_once(struct uiommu_pgtable *pt, const struct pt_span *span,
			 struct uiommu_gather *gather, bool *again)
{
	struct pt_edge a = { .iova = span->first };
	struct pt_edge b = { .iova = span->last };
	bool broken = false;
	int rc;

	*again = false;
	rc = pt_edge_prepare(pt, span, &a, again);
	if (rc || *again)
		return rc;
	b.pos = pt_walk(pt, b.iova, PT_LAST_LEVEL);
	/* One leaf across both ends: the first tree serves both. */
	if (b.pos.slot != a.pos.slot)
		rc = pt_edge_prepare(pt, span, &b, again);
	if (rc || *again) {
		if (a.tree)
			pt_free_tree(pt, a.tree, a.pos.level + 1);
		return rc;
	}
	if (a.tree && pt_edge_install(pt, span, &a, gather))
		broken = true;
	else if (a.tree)
		*again = true;
	if (b.tree && pt_edge_install(pt, span, &b, gather))
		broken = true;
	else if (b.tree)
		*again = true;
	if (broken && !(pt->features & UIOMMU_PGTABLE_BBML2))
		return -EAGAIN;
	return 0;
}

/* After 0 no leaf reaches out of the span. */
static int pt_split_edges(struct uiommu_pgtable *pt, const struct pt_span *span,
			  struct uiommu_gather *gather)
{
	bool again;
	int rc;

	do {
		rc = pt_split_once(pt, span, gather, &again);
	} while (!rc && again);
	return rc;
}

#endif /* PGTABLE_WALK_SPLIT_H */
