/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * walk_group.h - contiguous groups, part of walk.h.
 *
 * A *group* is an aligned row of slots whose leaves map aligned, contiguous
 * memory alike.  Each carries the contiguous bit, and the hardware may keep one
 * entry for all, made from any of them.  A group comes to be when one map
 * covers all of it.  A change that takes only a part must see to it first that
 * no slot of the group invites the hardware to keep the whole, else what it
 * removed could come back by way of a neighbour's slot.  So it takes the bit
 * from every slot, also from those of others: by compare-and-swap from leaf to
 * leaf, so that an owner's plain store wins.  No slot gets the bit back, since
 * nobody has the whole group in his range.
 *
 * A call looks at the slots of its two ends only; a group that it cuts contains
 * one of them.  Such a slot must therefore not look single before the last slot
 * of its group has lost the bit:
 *   With BBML1 the bit may change in place.  A first pass exchanges it for the
 *   flag UNGROUPED, a second takes the flag away.  Who finds bit or flag does
 *   both passes himself.
 *   Without, all slots are broken (invalid, but the rest of the leaf stays,
 *   bit included), the whole group's range is gathered, and the call ends in
 *   -EAGAIN; the slot at the call's end is *claimed* by a flag, or has become
 *   a mark.  The second call, after the flush, finds its own flag or mark and
 *   mends what is broken, others' slots too.  It need not have been the one
 *   that broke them: it saw none that was whole, and flushed after that.
 */
#ifndef PGTABLE_WALK_GROUP_H
#define PGTABLE_WALK_GROUP_H

/* Fewer slots than any group has. */
#define PT_GROUP_MIN 16u
#define PT_GROUP_FLAGS (PT_LEAF_CONTIG | PT_LEAF_UNGROUPED)

static PT_INLINE uint64_t pt_group_offset(int level)
{
	return mask_lg2(PT_SHIFT(level) + pt_group_lg2(level));
}

/* Not in a root that has fewer slots than a group. */
static PT_INLINE bool pt_has_groups(const struct uiommu_pgtable *pt, int level)
{
	const unsigned int group = pt_group_lg2(level);

	return (pt->features & UIOMMU_PGTABLE_CONTIG) && group &&
	       PT_SHIFT(level) + group <= pt->ias;
}

/*
 * The first slot of the group, if the level has groups: tables are aligned to
 * their size, and those with groups are larger.
 */
static PT_INLINE uint64_t *pt_group_of(uint64_t *slot, int level)
{
	return (uint64_t *)((uintptr_t)slot &
			    ~(uintptr_t)mask_lg2(pt_group_lg2(level) +
						 PT_DESC_LG2));
}

/* Is the leaf `d` in a group, or leaving one, that reaches out of the span? */
static PT_INLINE bool pt_group_is_cut(const struct pt_span *span, uint64_t d,
				      uint64_t iova, int level)
{
	return (d & PT_GROUP_FLAGS) &&
	       pt_size_reaches_out(span, iova, pt_group_offset(level));
}

/* How a run of leaves falls into groups: none, all of `whole`, none. */
struct pt_parts {
	unsigned int head;
	unsigned int whole;
};

static PT_INLINE struct pt_parts pt_parts_of(const struct uiommu_pgtable *pt,
					     const uint64_t *slot,
					     unsigned int nr, uint64_t pa,
					     int level)
{
	const unsigned int mask = (1u << pt_group_lg2(level)) - 1;
	const unsigned int at = (uintptr_t)slot >> PT_DESC_LG2 & mask;
	const unsigned int head = -at & mask;

	if (!(pt->features & UIOMMU_PGTABLE_CONTIG) || !mask ||
	    (pa >> PT_SHIFT(level) & mask) != at || nr < head + mask + 1)
		return (struct pt_parts){ nr, 0 };
	return (struct pt_parts){ head, (nr - head) & ~mask };
}

/* After it no slot of the group has the contiguous bit and is valid. */
static void pt_group_open(const struct uiommu_pgtable *pt, uint64_t *slot,
			  int level, bool in_place)
{
	const unsigned int nr = 1u << pt_group_lg2(level);
	uint64_t d, want;

	slot = pt_group_of(slot, level);
	for (unsigned int i = 0; i < nr; i++) {
		d = load_relaxed(&slot[i]);
		while (pt_is_leaf(d, level) && (d & PT_LEAF_CONTIG)) {
			want = in_place ? (d & ~PT_LEAF_CONTIG) |
						  PT_LEAF_UNGROUPED
					: pt_break_leaf(d);
			if (cmpxchg_acq_rel(&slot[i], &d, want))
				break;
		}
	}
	pt_clean(pt, slot, nr);
}

/* With BBML1: the group's leaves are single ones from now on. */
static PT_NOINLINE void pt_ungroup(const struct uiommu_pgtable *pt,
				   uint64_t *slot, int level)
{
	const unsigned int nr = 1u << pt_group_lg2(level);

	pt_group_open(pt, slot, level, true);
	slot = pt_group_of(slot, level);
	/* Whatever a slot has become since: the flag means nothing there. */
	for (unsigned int i = 0; i < nr; i++)
		if (load_relaxed(&slot[i]) & PT_LEAF_UNGROUPED)
			fetch_and_acq_rel(&slot[i], ~PT_LEAF_UNGROUPED);
	pt_clean(pt, slot, nr);
}

/* Without: after the flush, the broken ones become leaves again. */
static PT_NOINLINE void pt_mend_group(const struct uiommu_pgtable *pt,
				      uint64_t *slot, int level)
{
	const unsigned int nr = 1u << pt_group_lg2(level);
	uint64_t d;

	slot = pt_group_of(slot, level);
	for (unsigned int i = 0; i < nr; i++) {
		d = load_relaxed(&slot[i]);
		while (pt_is_broken(d) &&
		       !cmpxchg_acq_rel(&slot[i], &d, pt_mend_leaf(d, level)))
			;
	}
	pt_clean(pt, slot, nr);
}

static void pt_gather_group(const struct pt_pos *pos, uint64_t iova,
			    struct uiommu_gather *gather)
{
	const uint64_t offset = pt_group_offset(pos->level);

	pt_gather_range(gather, iova & ~offset, iova | offset,
			PT_SHIFT(pos->level),
			pt_told_level(pos->path, pos->level), true);
}

#endif /* PGTABLE_WALK_GROUP_H */
