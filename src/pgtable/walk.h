/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * walk.h - the algorithm of the page tables, compiled once per instance.
 *
 * Nouns.  A *slot* is a descriptor in a table.  It is empty (0), a *leaf* that
 * maps, a *table* pointer, or a *mark*: a leaf that was broken on its way to
 * becoming a table.  The table of a slot *covers* the addresses of that slot.
 *
 * Who may run beside whom.  Map and unmap calls whose ranges overlap are kept
 * apart by the caller; everything else runs at once, and translate beside all.
 * From this follows, without any lock:
 *   (a) A slot above the last level is shared only as a pointer: neighbours
 *       put a missing table there, or split a leaf that reaches into both
 *       their ranges.  Both happen by compare-and-swap; who loses frees what
 *       it made and goes on with what it found.
 *   (b) A slot whose whole cover lies in the range of a call belongs to that
 *       call alone.  Leaves are made and removed there by plain stores; that
 *       a page is mapped already is seen by a load.
 *   (c) A table dies only when one unmap or one block covers all of it.  A map
 *       that could be on its way to an empty slot of that table would have its
 *       range inside it, so inside that of the other call: they overlap and
 *       the caller keeps them apart.  So map and unmap never meet a dying
 *       table and need no read section; translate opens one.
 *   (d) Nothing is counted: a table that several unmaps have emptied stays,
 *       until a call covers it.
 *
 * What translate may see.  The pointer to a table is published with release
 * after the table was filled, and read with acquire.  A dead table is changed
 * in its first two words only, to CPU addresses, which read as empty; so a
 * look-up that is still inside finds each page as it was or as it becomes.
 *
 * All or nothing.  Map first visits the whole range: it adds tables, and looks
 * that every slot is free.  Only then does it write leaves, which cannot fail,
 * so the hardware never sees a mapping that is taken back.  Unmap first
 * prepares the leaves at the two ends of the range that reach beyond it.
 *
 * Break before make (without BBML2).  A leaf becomes a table in two calls: the
 * first prepares the table, puts a mark in the slot that carries the table's
 * address, gathers the leaf's range and returns -EAGAIN; the second, after the
 * flush, turns the mark into the pointer.  The mark names one page of the
 * range of the call that made it; pages have one owner at a time, so a call
 * knows its own mark.  Others who need the slot get -EAGAIN; translate looks
 * into the prepared table.  An empty table in the place of a new block is
 * just cleared away in the first call: nobody else has business there.
 *
 * Levels in a gather tell the hardware where it need look, so they must not
 * lie.  After a split with BBML2 the hardware may go on using the leaf of
 * before until that is invalidated, and a neighbour that unmaps in the new
 * table could finish first.  Tables from a split therefore carry a flag, and
 * what is unmapped beneath them is gathered without a level.
 *
 * Tables are addressed by the distance of the root's CPU address from its
 * physical one, which on most platforms is that of all tables; a pointer to
 * one where it is not carries a flag and goes through pa_to_va.
 */
#ifndef PGTABLE_WALK_H
#define PGTABLE_WALK_H

#include "pt.h"

#include "iter.h"

struct pt_pos {
	uint64_t *slot;
	uint64_t d;    /* what it held */
	uint64_t path; /* all pointers passed, or'ed: for their flags */
	int level;
};

/* Slot `idx` of the table that `d` points to. */
static PT_INLINE uint64_t *pt_slot_of(const struct uiommu_pgtable *pt,
				      uint64_t d, unsigned int idx)
{
	/* Apart from `d`, so that this sum does not wait for its load. */
	uint64_t offset = pt->va_minus_pa + ((uint64_t)idx << PT_DESC_LG2);

	if (pt_unlikely(d & PT_TABLE_FAR))
		return (uint64_t *)pt->platform->pa_to_va(pt->platform->ctx,
							  pt_table_pa(d)) +
		       idx;
	return (uint64_t *)(uintptr_t)(pt_table_pa(d) + offset);
}

static PT_INLINE uint64_t *pt_table_of(const struct uiommu_pgtable *pt,
				       uint64_t d)
{
	return pt_slot_of(pt, d, 0);
}

/* Write back nr slots, where the walker needs it. */
static PT_INLINE void pt_clean(const struct uiommu_pgtable *pt,
			       const uint64_t *slot, unsigned int nr)
{
	if (pt_unlikely(pt->incoherent))
		pt->platform->clean_range(pt->platform->ctx, slot,
					  (size_t)nr << PT_DESC_LG2);
}

#define PT_WALK_STEP(lvl)                                                    \
	do {                                                                 \
		pos.d = load_acquire(pos.slot);                              \
		if (stop <= (lvl) || !pt_is_table(pos.d)) {                  \
			pos.level = (lvl);                                   \
			return pos;                                          \
		}                                                            \
		pos.path |= pos.d;                                           \
		pos.slot = pt_slot_of(pt, pos.d, PT_INDEX(iova, (lvl) + 1)); \
	} while (0)

/*
 * Follow pointers from the root towards `iova`, to the slot at level `stop` or
 * to the first one above it that is no pointer.  With a constant `stop` this
 * is a chain of loads and constant shifts.
 */
static PT_INLINE struct pt_pos pt_walk(const struct uiommu_pgtable *pt,
				       uint64_t iova, int stop)
{
	struct pt_pos pos = { .slot = pt->root + (iova >> pt->root_shift) };

	switch (pt->start_level) {
	case 0:
		PT_WALK_STEP(0);
		__attribute__((fallthrough));
	case 1:
		PT_WALK_STEP(1);
		__attribute__((fallthrough));
	case 2:
		PT_WALK_STEP(2);
		__attribute__((fallthrough));
	default:
		pos.d = load_acquire(pos.slot);
		pos.level = PT_LAST_LEVEL;
		return pos;
	}
}

/* A new empty table and the descriptor that points to it; NULL: no memory. */
static uint64_t *pt_new_table(struct uiommu_pgtable *pt, uint64_t *d)
{
	uiommu_pa_t pa;
	uint64_t *table = pt_table_alloc(pt, &pa);

	if (!table)
		return NULL;
	*d = pt_make_table(pa);
	if ((uint64_t)(uintptr_t)table - pa != pt->va_minus_pa)
		*d |= PT_TABLE_FAR;
	return table;
}

/* Free a table and all below it that nobody else can see. */
static void pt_free_tree(struct uiommu_pgtable *pt, uint64_t *table, int level)
{
	uint64_t d;

	for (unsigned int i = 0; level < PT_LAST_LEVEL && i < PT_ENTRIES; i++) {
		d = load_relaxed(&table[i]);
		if (pt_is_table(d) || pt_is_mark(d))
			pt_free_tree(pt, pt_table_of(pt, d), level + 1);
	}
	pt_table_free(pt, table);
}

static void pt_free_tables(struct uiommu_pgtable *pt)
{
	size_t nr = pt->root_size >> PT_DESC_LG2;
	uint64_t d;

	for (size_t i = 0; pt->start_level < PT_LAST_LEVEL && i < nr; i++) {
		d = load_relaxed(&pt->root[i]);
		if (pt_is_table(d) || pt_is_mark(d))
			pt_free_tree(pt, pt_table_of(pt, d),
				     pt->start_level + 1);
	}
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
		a += pt_page_valid(load_relaxed(&at[0]));
		b += pt_page_valid(load_relaxed(&at[1]));
		c += pt_page_valid(load_relaxed(&at[2]));
		d += pt_page_valid(load_relaxed(&at[3]));
	}
	return a + b + c + d;
}

/*
 * Put a table that was taken out, and all below it, into the gather; add up
 * what was mapped there.
 */
static void pt_collect(struct uiommu_pgtable *pt, uint64_t d, int level,
		       struct uiommu_gather *gather, struct pt_harvest *h)
{
	uint64_t *table = pt_table_of(pt, d);

	h->split = h->split || (d & PT_TABLE_SPLIT) || pt_is_mark(d);
	/* The way to this table is remembered once per address it covers. */
	if (PT_SHIFT(level - 1) < h->stride_lg2)
		h->stride_lg2 = (uint8_t)PT_SHIFT(level - 1);
	if (level == PT_LAST_LEVEL) {
		pt_harvest_leaves(h, pt_count_pages(table), level);
	} else {
		for (unsigned int i = 0; i < PT_ENTRIES; i++) {
			d = load_acquire(&table[i]);
			if (pt_is_leaf(d, level))
				pt_harvest_leaves(h, 1, level);
			else if (pt_is_table(d) || pt_is_mark(d))
				pt_collect(pt, d, level + 1, gather, h);
		}
	}
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

/* The rest of a walk that came to a mark: through the prepared tables. */
static PT_NOINLINE struct pt_pos pt_walk_mark(const struct uiommu_pgtable *pt,
					      struct pt_pos pos, uint64_t iova)
{
	while (pos.level < PT_LAST_LEVEL &&
	       (pt_is_table(pos.d) || pt_is_mark(pos.d))) {
		pos.level++;
		pos.slot = pt_slot_of(pt, pos.d, PT_INDEX(iova, pos.level));
		pos.d = load_acquire(pos.slot);
	}
	return pos;
}

static int pt_translate(struct uiommu_pgtable *pt, uiommu_iova_t iova,
			struct uiommu_pgtable_leaf *leaf)
{
	const struct uiommu_platform *pf = pt->platform;
	struct pt_pos pos;

	if (pt_unlikely(iova > pt->iova_last))
		return -ERANGE;
	pf->read_begin(pf->ctx);
	pos = pt_walk(pt, iova, PT_LAST_LEVEL);
	if (pt_unlikely(pt_is_mark(pos.d)))
		pos = pt_walk_mark(pt, pos, iova);
	pf->read_end(pf->ctx);
	if (!pt_is_leaf(pos.d, pos.level))
		return -ENOENT;
	leaf->pa = pt_leaf_pa(pos.d) | (iova & PT_OFFSET(pos.level));
	leaf->prot = pt_prot(pos.d);
	leaf->size_lg2 = (uint8_t)PT_SHIFT(pos.level);
	leaf->level = (int8_t)pos.level;
	return 0;
}

/* Unaligned, empty or outside the aperture? */
static PT_INLINE int pt_check_range(const struct uiommu_pgtable *pt,
				    uint64_t iova, uint64_t bits, uint64_t len)
{
	if (pt_unlikely(((bits | len) & mask_lg2(PT_GRANULE_LG2)) || !len))
		return -EINVAL;
	if (pt_unlikely(iova > pt->iova_last || len - 1 > pt->iova_last - iova))
		return -ERANGE;
	return 0;
}

#include "walk_map.h"
#include "walk_split.h"
#include "walk_unmap.h"

#define PT_CAT2(a, b) pt_##a##_##b
#define PT_CAT(a, b) PT_CAT2(a, b)

const struct pt_ops PT_CAT(PT_INSTANCE_NAME, ops) = {
	.granule_lg2 = PT_GRANULE_LG2,
	.ias_min = PT_IAS_MIN,
	.ias_max = PT_IAS_MAX,
	.oas_min = PT_OAS_MIN,
	.oas_max = PT_OAS_MAX,
	.first_block_level = PT_FIRST_BLOCK_LEVEL,
	.concat_lg2 = PT_CONCAT_LG2,
	.concat_last = PT_CONCAT_LAST,
	.mair = PT_MAIR,
	.map = pt_map,
	.unmap = pt_unmap,
	.translate = pt_translate,
	.free_tables = pt_free_tables,
};

#endif /* PGTABLE_WALK_H */
