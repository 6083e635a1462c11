/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * walk_tree.h - whole trees of tables, part of walk.h: touring, freeing, asking
 * whether one is empty, taking one out into the gather.
 *
 * Nothing recurses: a tour remembers one table and one index for each level.
 */
#ifndef PGTABLE_WALK_TREE_H
#define PGTABLE_WALK_TREE_H

/*
 * A tour of a table and all below it, depth first: every slot above the last
 * level that is not empty, and each table once all below it was seen.
 */
struct pt_tour {
	uint64_t *table[PT_NR_LEVELS];
	unsigned int next[PT_NR_LEVELS];
	unsigned int nr_top; /* slots of the table it began with */
	int top;	     /* and its level */
	int level;	     /* where it is; above `top` at the end */
};

enum pt_stop {
	PT_STOP_SLOT,  /* *d at *level; goes on below it if it is a pointer */
	PT_STOP_TABLE, /* *table at *level is done with */
	PT_STOP_END
};

static void pt_tour_enter(struct pt_tour *t, uint64_t *table, int level)
{
	t->level = level;
	t->table[level - PT_TOP_LEVEL] = table;
	t->next[level - PT_TOP_LEVEL] = 0;
}

static void pt_tour_begin(struct pt_tour *t, uint64_t *table, int level,
			  unsigned int nr)
{
	t->top = level;
	t->nr_top = nr;
	pt_tour_enter(t, table, level);
}

/* Do not go below the slot that was the last stop. */
static void pt_tour_skip(struct pt_tour *t)
{
	t->level--;
}

static enum pt_stop pt_tour_next(const struct uiommu_pgtable *pt,
				 struct pt_tour *t, uint64_t *d,
				 uint64_t **table, int *level)
{
	const unsigned int at = (unsigned int)(t->level - PT_TOP_LEVEL);
	const unsigned int nr = t->level == t->top ? t->nr_top : PT_ENTRIES;

	if (t->level < t->top)
		return PT_STOP_END;
	*table = t->table[at];
	*level = t->level;
	while (t->level < PT_LAST_LEVEL && t->next[at] < nr) {
		*d = load_acquire(&(*table)[t->next[at]++]);
		if (!*d)
			continue;
		if (pt_is_table(*d) || pt_is_mark(*d))
			pt_tour_enter(t, pt_table_of(pt, *d), t->level + 1);
		return PT_STOP_SLOT;
	}
	t->level--;
	return PT_STOP_TABLE;
}

/* Free a table and all below it that nobody else can see. */
static PT_NOINLINE void pt_free_tree(struct uiommu_pgtable *pt, uint64_t *table,
				     int level)
{
	struct pt_tour tour;
	enum pt_stop stop;
	uint64_t d;

	pt_tour_begin(&tour, table, level, PT_ENTRIES);
	do {
		stop = pt_tour_next(pt, &tour, &d, &table, &level);
		if (stop == PT_STOP_TABLE)
			pt_table_free(pt, table);
	} while (stop != PT_STOP_END);
}

static unsigned int pt_root_entries(const struct uiommu_pgtable *pt)
{
	return (unsigned int)(pt->root_size >> PT_DESC_LG2);
}

static void pt_free_tables(struct uiommu_pgtable *pt)
{
	struct pt_tour tour;
	enum pt_stop stop;
	uint64_t *table;
	uint64_t d;
	int level;

	pt_tour_begin(&tour, pt->root, pt->start_level, pt_root_entries(pt));
	do {
		stop = pt_tour_next(pt, &tour, &d, &table, &level);
		if (stop == PT_STOP_TABLE && table != pt->root)
			pt_table_free(pt, table);
	} while (stop != PT_STOP_END);
}

/* Does nothing beneath this table map? */
static PT_NOINLINE bool pt_tree_empty(const struct uiommu_pgtable *pt,
				      uint64_t d, int level)
{
	struct pt_tour tour;
	enum pt_stop stop;
	uint64_t *table;

	pt_tour_begin(&tour, pt_table_of(pt, d), level, PT_ENTRIES);
	do {
		stop = pt_tour_next(pt, &tour, &d, &table, &level);
		if (stop == PT_STOP_SLOT && !pt_is_table(d))
			return false;
		if (stop != PT_STOP_TABLE || level != PT_LAST_LEVEL)
			continue;
		for (unsigned int i = 0; i < PT_ENTRIES; i++)
			if (load_relaxed(&table[i]))
				return false;
	} while (stop != PT_STOP_END);
	return true;
}

/* Mapped bytes below a table that was taken out, and what leaves they were. */
struct pt_harvest {
	uint64_t bytes;
	uint8_t stride_lg2;
	int8_t level;
	bool split;
};

static PT_INLINE void pt_harvest_leaves(struct pt_harvest *h, uint64_t nr,
					int level)
{
	if (!nr)
		return;
	if (h->bytes && h->level != level)
		h->level = UIOMMU_GATHER_LEVEL_MIXED;
	else if (!h->bytes)
		h->level = (int8_t)level;
	if (PT_SHIFT(level) < h->stride_lg2)
		h->stride_lg2 = (uint8_t)PT_SHIFT(level);
	h->bytes += nr << PT_SHIFT(level);
}

static PT_INLINE uint64_t pt_count_pages(const uint64_t *table)
{
	uint64_t a = 0, b = 0, c = 0, d = 0;

	/* Four sums, so that none waits for the one before. */
	for (const uint64_t *at = table; at < table + PT_ENTRIES; at += 4) {
		a += load_relaxed(&at[0]) & PT_PAGE_MAPS;
		b += load_relaxed(&at[1]) & PT_PAGE_MAPS;
		c += load_relaxed(&at[2]) & PT_PAGE_MAPS;
		d += load_relaxed(&at[3]) & PT_PAGE_MAPS;
	}
	return FIELD_GET(PT_PAGE_MAPS | ~(PT_PAGE_MAPS - 1), a + b + c + d);
}

/* A pointer that was passed on the way to what was mapped. */
static PT_INLINE void pt_harvest_pointer(struct pt_harvest *h, uint64_t d,
					 int level)
{
	h->split = h->split || (d & PT_TABLE_SPLIT) || pt_is_mark(d);
	/* It is remembered once per address it covers. */
	if (PT_SHIFT(level) < h->stride_lg2)
		h->stride_lg2 = (uint8_t)PT_SHIFT(level);
}

static PT_NOINLINE void pt_collect_tree(struct uiommu_pgtable *pt,
					uint64_t *table, int level,
					struct uiommu_gather *gather,
					struct pt_harvest *h)
{
	struct pt_tour tour;
	enum pt_stop stop;
	uint64_t d;

	pt_tour_begin(&tour, table, level, PT_ENTRIES);
	do {
		stop = pt_tour_next(pt, &tour, &d, &table, &level);
		if (stop == PT_STOP_TABLE) {
			if (level == PT_LAST_LEVEL)
				pt_harvest_leaves(h, pt_count_pages(table),
						  level);
			pt_gather_table(gather, pt, table);
		} else if (stop == PT_STOP_SLOT) {
			if (pt_is_table(d) || pt_is_mark(d))
				pt_harvest_pointer(h, d, level);
			else
				pt_harvest_leaves(h, 1, level);
		}
	} while (stop != PT_STOP_END);
}

/*
 * Put a table that was taken out, and all below it, into the gather; add up
 * what was mapped there.
 */
static PT_INLINE void pt_collect(struct uiommu_pgtable *pt, uint64_t d,
				 int level, struct uiommu_gather *gather,
				 struct pt_harvest *h)
{
	uint64_t *table = pt_table_of(pt, d);

	pt_harvest_pointer(h, d, level - 1);
	if (level < PT_LAST_LEVEL) {
		pt_collect_tree(pt, table, level, gather, h);
		return;
	}
	pt_harvest_leaves(h, pt_count_pages(table), level);
	pt_gather_table(gather, pt, table);
}

/*
 * Take the table or mark out of a slot whose whole cover is ours; what was
 * mapped goes into the gather.  Returns its bytes.
 */
static uint64_t pt_detach(struct uiommu_pgtable *pt, const struct pt_pos *pos,
			  uint64_t iova, struct uiommu_gather *gather)
{
	struct pt_harvest h = {
		.stride_lg2 = (uint8_t)PT_SHIFT(pos->level),
		.level = UIOMMU_GATHER_LEVEL_MIXED,
	};

	store_relaxed(pos->slot, 0);
	pt_clean(pt, pos->slot, 1);
	pt_collect(pt, pos->d, pos->level + 1, gather, &h);
	h.split = h.split || (pos->path & PT_TABLE_SPLIT);
	pt_gather_range(gather, iova & ~PT_OFFSET(pos->level),
			iova | PT_OFFSET(pos->level), h.stride_lg2,
			h.split ? UIOMMU_GATHER_LEVEL_MIXED : h.level, false);
	return h.bytes;
}

#endif /* PGTABLE_WALK_TREE_H */
