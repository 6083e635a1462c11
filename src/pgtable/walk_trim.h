/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * walk_trim.h - taking out empty tables, part of walk.h.
 *
 * No change runs beside it, so an empty table stays empty, and a pointer to one
 * is taken out by a store.  Look-ups that are inside find nothing, as before.
 */
#ifndef PGTABLE_WALK_TRIM_H
#define PGTABLE_WALK_TRIM_H

/* The address of the slot that was the tour's last stop. */
static uint64_t pt_tour_iova(const struct pt_tour *t, int level)
{
	uint64_t iova = 0;

	for (int l = t->top; l <= level; l++)
		iova |= (uint64_t)(t->next[l - PT_TOP_LEVEL] - 1)
			<< PT_SHIFT(l);
	return iova;
}

static void pt_trim(struct uiommu_pgtable *pt, struct uiommu_gather *gather)
{
	struct pt_tour tour;
	enum pt_stop stop;
	struct pt_pos pos = { 0 };
	uint64_t *table;

	pt_tour_begin(&tour, pt->root, pt->start_level, pt_root_entries(pt));
	do {
		stop = pt_tour_next(pt, &tour, &pos.d, &table, &pos.level);
		if (stop != PT_STOP_SLOT || !pt_is_table(pos.d) ||
		    !pt_tree_empty(pt, pos.d, pos.level + 1))
			continue;
		pt_tour_skip(&tour);
		pos.slot = &table[tour.next[pos.level - PT_TOP_LEVEL] - 1];
		pt_detach(pt, &pos, pt_tour_iova(&tour, pos.level), gather);
	} while (stop != PT_STOP_END);
}

#endif /* PGTABLE_WALK_TRIM_H */
