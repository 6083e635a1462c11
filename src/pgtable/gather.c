/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gather.c - what is to be invalidated, and how dead tables become free memory.
 *
 * Ranges are kept in ascending order, so that the two which lie closest are
 * neighbours.  A gathered table keeps the list in words 0 (next table) and 1
 * (the object it belongs to): both are aligned addresses and read as invalid
 * descriptors, because hardware and readers may still be looking.  For the
 * same reason the storage of a deferred call cannot be put into the table,
 * where a reader would take it for descriptors; the object has room for one
 * call, and tables that are released while it is under way wait for the next.
 * Nothing here can fail.
 */
#include "pt.h"

void pt_gather_table(struct uiommu_gather *gather, struct uiommu_pgtable *pt,
		     uint64_t *table)
{
	store_relaxed(&table[1], (uint64_t)(uintptr_t)pt);
	store_relaxed(&table[0], (uint64_t)(uintptr_t)gather->tables);
	gather->tables = table;
	gather->platform = pt->platform;
}

static void range_join(struct uiommu_gather_range *to,
		       const struct uiommu_gather_range *from)
{
	to->first = min_u64(to->first, from->first);
	to->last = max_u64(to->last, from->last);
	if (from->stride_lg2 < to->stride_lg2)
		to->stride_lg2 = from->stride_lg2;
	if (from->level != to->level)
		to->level = UIOMMU_GATHER_LEVEL_MIXED;
	to->leaf_only = to->leaf_only && from->leaf_only;
}

/* `a` lies before `b`; may they be one without losing anything? */
static bool range_touches(const struct uiommu_gather_range *a,
			  const struct uiommu_gather_range *b)
{
	if (a->last >= b->first)
		return true;
	return a->last + 1 == b->first && a->stride_lg2 == b->stride_lg2 &&
	       a->level == b->level;
}

static void range_remove(struct uiommu_gather_range *list, uint32_t nr,
			 uint32_t i)
{
	memmove(&list[i], &list[i + 1], (nr - i - 1) * sizeof(*list));
}

void pt_gather_insert(struct uiommu_gather *gather,
		      const struct uiommu_gather_range *range)
{
	struct uiommu_gather_range list[UIOMMU_GATHER_RANGES + 1];
	uint64_t gap, best_gap = UINT64_MAX;
	uint32_t nr = gather->nr_ranges, i, best = 0;

	for (i = 0; i < nr && gather->range[i].first <= range->first; i++)
		list[i] = gather->range[i];
	list[i] = *range;
	for (; i < nr; i++)
		list[i + 1] = gather->range[i];
	nr++;
	for (i = 0; i + 1 < nr;) {
		if (!range_touches(&list[i], &list[i + 1])) {
			i++;
			continue;
		}
		range_join(&list[i], &list[i + 1]);
		range_remove(list, nr--, i + 1);
	}
	if (nr > UIOMMU_GATHER_RANGES) {
		for (i = 0; i + 1 < nr; i++) {
			gap = list[i + 1].first - list[i].last;
			if (gap < best_gap) {
				best_gap = gap;
				best = i;
			}
		}
		range_join(&list[best], &list[best + 1]);
		range_remove(list, nr--, best + 1);
	}
	memcpy(gather->range, list, nr * sizeof(*list));
	gather->nr_ranges = nr;
}

static uint64_t *next_of(const uint64_t *table)
{
	return (uint64_t *)(uintptr_t)load_relaxed(&table[0]);
}

static void reclaim_kick(struct uiommu_pgtable *pt);

/* All readers that could see the tables of `dying` have left. */
static void reclaim_done(struct uiommu_defer *head)
{
	struct uiommu_pgtable *pt =
		container_of(head, struct uiommu_pgtable, defer);
	uint64_t *table, *next;

	for (table = pt->dying; table; table = next) {
		next = next_of(table);
		pt_table_free(pt, table);
	}
	pt->dying = NULL;
	exchange_acq_rel(&pt->reclaiming, 0);
	reclaim_kick(pt);
	pt_put(pt);
}

/*
 * Start a grace period for what waits, unless one is under way already.
 *
 * Nothing is left behind: both who pushes on `dead` and who gives up
 * `reclaiming` exchange the latter afterwards.  If the pusher's exchange comes
 * second it finds 0 and goes on itself; if it comes first, the other's reads
 * from it and therefore sees the push.
 */
static void reclaim_kick(struct uiommu_pgtable *pt)
{
	while (load_relaxed(&pt->dead)) {
		if (exchange_acq_rel(&pt->reclaiming, 1))
			return;
		pt->dying = exchange_acq_rel(&pt->dead, NULL);
		if (pt->dying) {
			fetch_add_relaxed(&pt->refs, 1);
			pt->platform->defer(pt->platform->ctx, &pt->defer,
					    reclaim_done);
			return;
		}
		exchange_acq_rel(&pt->reclaiming, 0);
	}
}

/* Take the tables of the first one's object off the front of the list. */
static uint64_t *release_run(uint64_t *first)
{
	uint64_t owner = load_relaxed(&first[1]), *tail = first, *rest, *old;
	struct uiommu_pgtable *pt = (struct uiommu_pgtable *)(uintptr_t)owner;

	for (rest = next_of(tail); rest && load_relaxed(&rest[1]) == owner;
	     rest = next_of(tail))
		tail = rest;
	old = load_relaxed(&pt->dead);
	do {
		store_relaxed(&tail[0], (uint64_t)(uintptr_t)old);
	} while (!cmpxchg_acq_rel(&pt->dead, &old, first));
	reclaim_kick(pt);
	return rest;
}

void uiommu_gather_release(struct uiommu_gather *gather)
{
	uint64_t *table = gather->tables;

	while (table)
		table = release_run(table);
	uiommu_gather_init(gather);
}
