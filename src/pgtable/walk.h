/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * walk.h - the algorithm of the page tables, compiled once per instance.
 *
 * Nouns.  A *slot* is a descriptor in a table.  It is empty (0), a *leaf* that
 * maps, a *table* pointer, or pending: a *mark*, which was a leaf on its way to
 * becoming a table, or a *broken* leaf, which stood in a contiguous *group* and
 * will be a leaf again.  The table of a slot *covers* the addresses of that
 * slot.  A *change* is a call of map, unmap or protect.
 *
 * Who may run beside whom.  Changes whose ranges overlap are kept apart by the
 * caller; everything else runs at once, translate and the dirty calls beside
 * all.  Trim runs beside those two only.  From this follows, without any lock:
 *   (a) A slot above the last level is shared only as a pointer: neighbours
 *       put a missing table there, or split a leaf that reaches into both
 *       their ranges.  Both happen by compare-and-swap; who loses frees what
 *       it made and goes on with what it found.
 *   (b) A slot whose whole cover lies in the range of a call belongs to that
 *       call alone.  Leaves are made and removed there by plain stores; that
 *       a page is mapped already is seen by a load.  Others only exchange
 *       flags of a leaf that is there (its dirty state, its group), by
 *       compare-and-swap, which loses to such a store.
 *   (c) A table dies only when one unmap or one block covers all of it, or in
 *       trim, which is alone.  A map that could be on its way to an empty slot
 *       of that table would have its range inside it, so inside that of the
 *       other call: they overlap and the caller keeps them apart.  So changes
 *       never meet a dying table and need no read section; translate and the
 *       dirty calls open one.
 *   (d) Nothing is counted: a table that several unmaps have emptied stays,
 *       until a call covers it or trim takes it.
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
 * flush, turns the mark into the pointer.  The prepared table names one page of
 * the range of the call that made it (walk_split.h); pages have one owner at a
 * time, so a call knows its own mark.  Others who need the slot get -EAGAIN;
 * translate looks into the prepared table.  An empty table in the place of a new
 * block is just cleared away in the first call: nobody else has business there.
 *
 * Levels in a gather tell the hardware where it need look, so they must not
 * lie.  After a split with BBML2 the hardware may go on using the leaf of
 * before until that is invalidated, and a neighbour that unmaps in the new
 * table could finish first.  Tables from a split therefore carry a flag, and
 * what is changed beneath them is gathered without a level.  The same holds for
 * what the dirty calls clear in a prepared table, before its owner's flush.
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
	uint64_t path; /* pointers passed that have flags, or'ed */
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

/*
 * Each step waits for the load of the one before.  A pointer without flags, as
 * nearly all are, has its type as the only bits beside the address: these are
 * taken off the sum that does not wait, so that one addition is left between
 * the loads.
 */
#define PT_WALK_STEP(lvl)                                                   \
	do {                                                                \
		const unsigned int idx = PT_INDEX(iova, (lvl) + 1);         \
		const uint64_t offset = pt->va_minus_pa - PT_PLAIN_TABLE +  \
					((uint64_t)idx << PT_DESC_LG2);     \
                                                                            \
		pos.d = load_acquire(pos.slot);                             \
		if (stop > (lvl) && pt_likely(pt_is_plain_table(pos.d))) {  \
			pos.slot = (uint64_t *)(uintptr_t)(pos.d + offset); \
			break;                                              \
		}                                                           \
		if (stop <= (lvl) || !pt_is_table(pos.d)) {                 \
			pos.level = (lvl);                                  \
			return pos;                                         \
		}                                                           \
		pos.path |= pos.d;                                          \
		pos.slot = pt_slot_of(pt, pos.d, idx);                      \
	} while (0)

/*
 * Follow pointers from the root towards `iova`, to the slot at level `stop` or
 * to the first one above it that is no pointer.  With a constant `stop` this
 * is a chain of loads and constant shifts.
 */
static PT_INLINE struct pt_pos pt_walk(const struct uiommu_pgtable *pt,
				       uint64_t iova, int stop)
{
	struct pt_pos pos = { 0 };

	/* By level, so that the first shift is a constant too. */
#define PT_WALK_FROM(lvl) pos.slot = pt->root + (iova >> PT_SHIFT(lvl))
	switch (pt->start_level) {
#if PT_MIN_START < 0
	case -1:
		PT_WALK_FROM(-1);
		PT_WALK_STEP(-1);
		goto at_0;
#endif
	case 0:
		PT_WALK_FROM(0);
		break;
	case 1:
		PT_WALK_FROM(1);
		goto at_1;
	case 2:
		PT_WALK_FROM(2);
		goto at_2;
	default:
		PT_WALK_FROM(PT_LAST_LEVEL);
		goto at_last;
	}
#if PT_MIN_START < 0
at_0:
#endif
	PT_WALK_STEP(0);
at_1:
	PT_WALK_STEP(1);
at_2:
	PT_WALK_STEP(2);
at_last:
	pos.d = load_acquire(pos.slot);
	pos.level = PT_LAST_LEVEL;
	return pos;
#undef PT_WALK_FROM
}

/*
 * A new table and the descriptor that points to it; NULL: no memory.  It is
 * empty but for `nr` slots from `first` on, which the caller fills before
 * anybody can see the table.
 */
static uint64_t *pt_new_table(struct uiommu_pgtable *pt, uint64_t *d,
			      unsigned int first, unsigned int nr)
{
	uiommu_pa_t pa;
	uint64_t *table = pt_table_alloc(pt, &pa);

	if (!table)
		return NULL;
	memset(table, 0, first * sizeof(*table));
	memset(table + first + nr, 0,
	       (PT_ENTRIES - first - nr) * sizeof(*table));
	*d = pt_make_table(pa);
	if ((uint64_t)(uintptr_t)table - pa != pt->va_minus_pa)
		*d |= PT_TABLE_FAR;
	return table;
}

/* The level that may be told for a leaf that was reached by `path`. */
static PT_INLINE int8_t pt_told_level(uint64_t path, int level)
{
	return path & PT_TABLE_SPLIT ? UIOMMU_GATHER_LEVEL_MIXED
				     : (int8_t)level;
}

/*
 * The rest of a walk that came to a mark: through the prepared tables.  The
 * hardware may still have the leaf of before, so these count as split.
 */
static PT_NOINLINE struct pt_pos pt_walk_mark(const struct uiommu_pgtable *pt,
					      struct pt_pos pos, uint64_t iova)
{
	while (pos.level < PT_LAST_LEVEL &&
	       (pt_is_table(pos.d) || pt_is_mark(pos.d))) {
		pos.path |= pos.d | PT_TABLE_SPLIT;
		pos.level++;
		pos.slot = pt_slot_of(pt, pos.d, PT_INDEX(iova, pos.level));
		pos.d = load_acquire(pos.slot);
	}
	return pos;
}

/* A walk met something pending: another one, to what will stand there. */
static PT_NOINLINE uint64_t pt_look_through(const struct uiommu_pgtable *pt,
					    uint64_t iova, int *level)
{
	struct pt_pos pos = pt_walk(pt, iova, PT_LAST_LEVEL);

	if (pt_is_pending(pos.d))
		pos = pt_walk_mark(pt, pos, iova);
	*level = pos.level;
	return pt_is_broken(pos.d) ? pt_mend_leaf(pos.d, pos.level) : pos.d;
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
	if (pt_unlikely(pt_is_pending(pos.d)))
		pos.d = pt_look_through(pt, iova, &pos.level);
	pf->read_end(pf->ctx);
	if (pt_unlikely(!pt_is_leaf(pos.d, pos.level)))
		return -ENOENT;
	leaf->pa = pt_leaf_pa(pos.d) | (iova & PT_OFFSET(pos.level));
	leaf->prot = pt_prot(pos.d);
	leaf->size_lg2 = (uint8_t)PT_SHIFT(pos.level);
	if (pt_unlikely(pos.d & PT_LEAF_CONTIG))
		leaf->size_lg2 += (uint8_t)pt_group_lg2(pos.level);
	leaf->level = (int8_t)pos.level;
	return 0;
}

/* Unaligned, empty or outside the aperture? */
static PT_INLINE int pt_check_range(const struct uiommu_pgtable *pt,
				    uint64_t iova, uint64_t bits, uint64_t len)
{
	if (pt_unlikely(((bits | len) & mask_lg2(PT_GRANULE_LG2)) || !len))
		return pt_refuse(pt, -EINVAL,
				 "pgtable: no whole number of granules");
	if (pt_unlikely(iova > pt->iova_last || len - 1 > pt->iova_last - iova))
		return pt_refuse(pt, -ERANGE, "pgtable: beyond the aperture");
	return 0;
}

/* A part of the address space, both ends included. */
struct pt_span {
	uint64_t first;
	uint64_t last;
};

/* Does what has the size of `offset` + 1 around `iova` reach beyond it? */
static PT_INLINE bool pt_size_reaches_out(const struct pt_span *span,
					  uint64_t iova, uint64_t offset)
{
	return (iova & ~offset) < span->first || (iova | offset) > span->last;
}

/* Does the slot of `iova` at `level` reach beyond the span? */
static PT_INLINE bool pt_reaches_out(const struct pt_span *span, uint64_t iova,
				     int level)
{
	return pt_size_reaches_out(span, iova, PT_OFFSET(level));
}

#include "walk_tree.h"
#include "walk_group.h"
#include "walk_map.h"
#include "walk_split.h"
#include "walk_unmap.h"
#include "walk_rights.h"
#include "walk_trim.h"

static uint64_t pt_leaf_sizes(const struct uiommu_pgtable *pt, int level)
{
	unsigned int shift = PT_SHIFT(level);

	if (!pt_has_groups(pt, level))
		return BIT64(shift);
	return BIT64(shift) | BIT64(shift + pt_group_lg2(level));
}

#define PT_CAT2(a, b) pt_##a##_##b
#define PT_CAT(a, b) PT_CAT2(a, b)

const struct pt_ops PT_CAT(PT_INSTANCE_NAME, ops) = {
	.granule_lg2 = PT_GRANULE_LG2,
	.table_lg2 = PT_TABLE_LG2,
	.ias_min = PT_IAS_MIN,
	.ias_max = PT_IAS_MAX,
	.oas_min = PT_OAS_MIN,
	.oas_max = PT_OAS_MAX,
	.first_block_level = PT_FIRST_BLOCK_LEVEL,
	.first_block_oas = PT_FIRST_BLOCK_OAS,
	.ds = PT_DS,
	.concat_lg2 = PT_CONCAT_LG2,
	.concat_last = PT_CONCAT_LAST,
	.mair = PT_MAIR,
	.write_plain = PT_WRITE_PLAIN,
	.write_clean = PT_WRITE_CLEAN,
	.map = pt_map,
	.unmap = pt_unmap,
	.translate = pt_translate,
	.protect = pt_protect,
	.dirty = pt_dirty,
	.trim = pt_trim,
	.leaf_sizes = pt_leaf_sizes,
	.free_tables = pt_free_tables,
};

#endif /* PGTABLE_WALK_H */
