/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * walk_split.h - leaves and groups that reach beyond the range of a change,
 * part of walk.h.
 *
 * An unmap or a change of rights has two *edges*, its first and its last page.
 * Where an edge lies in a leaf that reaches beyond the range, that leaf is
 * replaced by a tree of smaller ones which translates the same: tables only
 * along the edges, so that every leaf of it lies inside the range or outside,
 * and every group.  Where it lies in a leaf whose group reaches beyond, the
 * group is taken apart (walk_group.h).  Both trees are built before anything is
 * shown, so running out of memory changes nothing.
 *
 * A mark's *name* is the page of the range of its maker that comes first in the
 * leaf.  It stands in a software bit of the first slots of the prepared table,
 * one bit in each, and is taken out before the table is shown to the hardware.
 * Who reads a name while its owner takes it out may take it for his own, and
 * then does the same: the flush has been made, and nobody can have put
 * anything else into the slot, for all of them have pages in it.
 */
#ifndef PGTABLE_WALK_SPLIT_H
#define PGTABLE_WALK_SPLIT_H

/* A table at `level` that maps what `leaf` one level up maps; NULL: none. */
static uint64_t *pt_expand(struct uiommu_pgtable *pt, uint64_t leaf, int level,
			   uint64_t *d)
{
	uint64_t attrs = pt_leaf_attrs(leaf), pa = pt_leaf_pa(leaf);
	uint64_t *table = pt_new_table(pt, d, 0, PT_ENTRIES);

	if (!table)
		return NULL;
	if ((pt->features & UIOMMU_PGTABLE_CONTIG) && pt_group_lg2(level))
		attrs |= PT_LEAF_CONTIG;
	pt_fill_slots(table, PT_ENTRIES, attrs, pa, level);
	return table;
}

/* Along one edge: single leaves, and tables where one still reaches out. */
static bool pt_carve(struct uiommu_pgtable *pt, uint64_t *table, int level,
		     uint64_t edge, const struct pt_span *span)
{
	uint64_t *slot, *group, d;

	for (;; level++) {
		slot = &table[PT_INDEX(edge, level)];
		d = load_relaxed(slot);
		if (pt_size_reaches_out(span, edge, pt_group_offset(level))) {
			group = pt_group_of(slot, level);
			for (unsigned int i = 0; i < 1u << pt_group_lg2(level);
			     i++)
				store_relaxed(&group[i],
					      group[i] & ~PT_LEAF_CONTIG);
		}
		if (level == PT_LAST_LEVEL ||
		    !pt_reaches_out(span, edge, level))
			return true;
		if (pt_is_table(d)) {
			table = pt_table_of(pt, d);
			continue;
		}
		table = pt_expand(pt, d, level + 1, &d);
		if (!table)
			return false;
		store_relaxed(slot, d);
	}
}

static void pt_clean_tree(const struct uiommu_pgtable *pt, uint64_t *table,
			  int level)
{
	struct pt_tour tour;
	enum pt_stop stop;
	uint64_t d;

	pt_tour_begin(&tour, table, level, PT_ENTRIES);
	do {
		stop = pt_tour_next(pt, &tour, &d, &table, &level);
		if (stop == PT_STOP_TABLE)
			pt_clean(pt, table, PT_ENTRIES);
	} while (stop != PT_STOP_END);
}

/* One end of a change. */
struct pt_edge {
	struct pt_pos pos;
	uint64_t iova;
	uint64_t *tree; /* what shall replace the leaf; NULL: nothing */
	uint64_t tree_d;
	bool splits;  /* the leaf reaches beyond the range */
	bool grouped; /* and so does its group */
	bool waits;   /* the flush must come first */
};

/*
 * A tree at `level` that maps what the edge's leaf, one level up, maps, and
 * falls apart at both ends of the span.
 */
static int pt_build_tree(struct uiommu_pgtable *pt, const struct pt_span *span,
			 struct pt_edge *edge, int level)
{
	const uint64_t base = edge->iova & ~PT_OFFSET(level - 1);
	uint64_t at;

	edge->tree = pt_expand(pt, edge->pos.d, level, &edge->tree_d);
	if (!edge->tree)
		return -ENOMEM;
	for (int end = 0; end < 2; end++) {
		at = end ? span->last : span->first;
		if (at - base > PT_OFFSET(level - 1))
			continue; /* not in this leaf */
		if (!pt_carve(pt, edge->tree, level, at, span)) {
			pt_free_tree(pt, edge->tree, level);
			return -ENOMEM;
		}
	}
	return 0;
}

/* Bits of the name of a mark at this level. */
static PT_INLINE unsigned int pt_name_bits(int level)
{
	return PT_SHIFT(level) - PT_GRANULE_LG2;
}

_Static_assert(PT_SHIFT(PT_FIRST_BLOCK_LEVEL) - PT_GRANULE_LG2 <= PT_ENTRIES,
	       "a table has room for the name of every page of a leaf");

static void pt_name_set(uint64_t *table, int level, const struct pt_span *span,
			uint64_t iova)
{
	uint64_t name = max_u64(span->first, iova & ~PT_OFFSET(level));

	name = (name & PT_OFFSET(level)) >> PT_GRANULE_LG2;
	for (unsigned int i = 0; i < pt_name_bits(level); i++)
		if (name >> i & 1)
			store_relaxed(&table[i], table[i] | PT_NAME_BIT);
}

static bool pt_name_is_ours(const uint64_t *table, const struct pt_span *span,
			    uint64_t iova, int level)
{
	uint64_t name = 0, page;

	for (unsigned int i = 0; i < pt_name_bits(level); i++)
		if (load_relaxed(&table[i]) & PT_NAME_BIT)
			name |= BIT64(i);
	page = (iova & ~PT_OFFSET(level)) | name << PT_GRANULE_LG2;
	return page >= span->first && page <= span->last;
}

/*
 * The edge has come to a mark that reaches out of the span.  If it is our own,
 * from the call before, it becomes the table; else -EAGAIN.
 */
static int pt_edge_mark(struct uiommu_pgtable *pt, const struct pt_span *span,
			struct pt_edge *edge)
{
	struct pt_pos *pos = &edge->pos;
	uint64_t *table = pt_table_of(pt, pos->d);

	if (!pt_name_is_ours(table, span, edge->iova, pos->level))
		return -EAGAIN;
	for (unsigned int i = 0; i < pt_name_bits(pos->level); i++)
		if (load_relaxed(&table[i]) & PT_NAME_BIT)
			fetch_and_acq_rel(&table[i], ~PT_NAME_BIT);
	pt_clean(pt, table, pt_name_bits(pos->level));
	store_release(pos->slot, pt_mark_table(pos->d));
	pt_clean(pt, pos->slot, 1);
	if (pt_has_groups(pt, pos->level))
		pt_mend_group(pt, pos->slot, pos->level);
	return 0;
}

/*
 * Look at one end.  What the call before has left becomes final; *again then
 * asks for another look.  -EAGAIN: a neighbour is at it.
 */
static int pt_edge_look(struct uiommu_pgtable *pt, const struct pt_span *span,
			struct pt_edge *edge, bool *again)
{
	struct pt_pos *pos = &edge->pos;
	int rc;

	if (!pos->d)
		return 0;
	edge->splits = pt_reaches_out(span, edge->iova, pos->level);
	if (pt_is_mark(pos->d)) {
		if (!edge->splits)
			return 0;
		rc = pt_edge_mark(pt, span, edge);
		*again = !rc;
		return rc;
	}
	edge->grouped = pt_group_is_cut(span, pos->d, edge->iova, pos->level);
	if (!edge->splits && edge->grouped && pt_is_broken(pos->d) &&
	    (pos->d & PT_LEAF_CLAIMED)) {
		pt_mend_group(pt, pos->slot, pos->level);
		*again = true;
	}
	return 0;
}

/*
 * Show the tree, or a mark that leads to it; take a group apart, or claim the
 * leaf for that.  False: somebody was faster and the tree is freed.
 */
static bool pt_edge_install(struct uiommu_pgtable *pt,
			    const struct pt_span *span, struct pt_edge *edge,
			    struct uiommu_gather *gather)
{
	const struct pt_pos *pos = &edge->pos;
	uint64_t *slot = pos->slot, found = pos->d, want;
	const uint32_t features = pt->features;

	if (edge->grouped && (features & UIOMMU_PGTABLE_BBML1)) {
		pt_ungroup(pt, slot, pos->level);
		pt_gather_group(pos, edge->iova, gather);
		found &= ~PT_GROUP_FLAGS;
		if (!edge->tree)
			return true;
	}
	edge->waits = !(features & UIOMMU_PGTABLE_BBML2);
	if (!edge->tree) {
		want = pt_break_leaf(found) | PT_LEAF_CLAIMED;
	} else {
		if (edge->waits)
			pt_name_set(edge->tree, pos->level, span, edge->iova);
		if (pt_unlikely(pt->incoherent))
			pt_clean_tree(pt, edge->tree, pos->level + 1);
		want = edge->waits ? pt_make_mark(edge->tree_d)
				   : edge->tree_d | PT_TABLE_SPLIT;
	}
	if (!cmpxchg_acq_rel(slot, &found, want)) {
		if (edge->tree)
			pt_free_tree(pt, edge->tree, pos->level + 1);
		edge->waits = false;
		return false;
	}
	pt_clean(pt, slot, 1);
	if (edge->waits)
		pt_gather_range(gather, edge->iova & ~PT_OFFSET(pos->level),
				edge->iova | PT_OFFSET(pos->level),
				PT_SHIFT(pos->level), pos->level, true);
	return true;
}

/* Where groups need it: break what is left of this edge's. */
static void pt_edge_break(struct uiommu_pgtable *pt, const struct pt_edge *edge,
			  struct uiommu_gather *gather)
{
	if (!edge->grouped || !edge->waits ||
	    (pt->features & UIOMMU_PGTABLE_BBML1))
		return;
	pt_group_open(pt, edge->pos.slot, edge->pos.level, false);
	pt_gather_group(&edge->pos, edge->iova, gather);
}

/*
 * Look at both ends.  No memory is asked for while one of them has something
 * that the call before has left: were there none it would stay broken.
 */
static int pt_look_at_edges(struct uiommu_pgtable *pt,
			    const struct pt_span *span, struct pt_edge edge[2],
			    bool *again)
{
	int rc;

	*again = false;
	for (int i = 0; i < 2; i++) {
		edge[i].pos = pt_walk(pt, edge[i].iova, PT_LAST_LEVEL);
		/* One leaf across both ends: the first one's tree serves both. */
		if (i && edge[1].pos.slot == edge[0].pos.slot)
			return 0;
		rc = pt_edge_look(pt, span, &edge[i], again);
		if (rc || *again)
			return rc;
	}
	return 0;
}

/* A tree for each leaf that must be split.  -ENOMEM, and there is none. */
static int pt_build_trees(struct uiommu_pgtable *pt, const struct pt_span *span,
			  struct pt_edge edge[2])
{
	int rc;

	for (int i = 0; i < 2; i++) {
		if (!edge[i].splits)
			continue;
		rc = pt_build_tree(pt, span, &edge[i], edge[i].pos.level + 1);
		if (!rc)
			continue;
		if (i && edge[0].tree)
			pt_free_tree(pt, edge[0].tree, edge[0].pos.level + 1);
		return rc;
	}
	return 0;
}

/* Split at both ends; *again when the picture changed meanwhile. */
static int pt_split_once(struct uiommu_pgtable *pt, const struct pt_span *span,
			 struct uiommu_gather *gather, bool *again)
{
	struct pt_edge edge[2] = { { .iova = span->first },
				   { .iova = span->last } };
	int rc;

	rc = pt_look_at_edges(pt, span, edge, again);
	if (rc || *again)
		return rc;
	rc = pt_build_trees(pt, span, edge);
	if (rc)
		return rc;
	for (int i = 0; i < 2; i++)
		if ((edge[i].tree || edge[i].grouped) &&
		    !pt_edge_install(pt, span, &edge[i], gather))
			*again = true;
	for (int i = 0; i < 2; i++)
		pt_edge_break(pt, &edge[i], gather);
	return edge[0].waits || edge[1].waits ? -EAGAIN : 0;
}

/* After 0 no leaf and no group reaches out of the span. */
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
