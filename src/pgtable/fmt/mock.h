/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mock.h - the tables of the mock IOMMU in the words of fmt_default.h.
 *
 * Every right and every kind of memory has a bit of its own, so nothing is lost
 * on the way.  There are no contiguous groups.  Software owns bits 63:56, and
 * all bits of an invalid entry.
 */
#ifndef PGTABLE_FMT_MOCK_H
#define PGTABLE_FMT_MOCK_H

#include "hw/mock/desc.h"

#define PT_GRANULE_LG2 MOCK_GRANULE_LG2
#define PT_TABLE_LG2 MOCK_TABLE_LG2
#define PT_IAS_MIN MOCK_IAS_MIN
#define PT_IAS_MAX MOCK_IAS_MAX
#define PT_OAS_MIN MOCK_OAS_MIN
#define PT_OAS_MAX MOCK_OAS_MAX
#define PT_FIRST_BLOCK_LEVEL MOCK_FIRST_BLOCK_LEVEL

#define PT_TABLE_FAR BIT64(63)
#define PT_TABLE_SPLIT BIT64(62)
#define PT_LEAF_CONTIG BIT64(61)
#define PT_LEAF_UNGROUPED BIT64(60)
#define PT_LEAF_CLAIMED BIT64(59)
#define PT_NAME_BIT BIT64(58)

static PT_INLINE unsigned int pt_group_lg2(int level)
{
	return 0;
}

static PT_INLINE uint64_t pt_table_pa(uint64_t d)
{
	return d & MOCK_DESC_ADDR;
}

static PT_INLINE uint64_t pt_leaf_pa(uint64_t d)
{
	return d & MOCK_DESC_ADDR;
}

static PT_INLINE bool pt_is_table(uint64_t d)
{
	return (d & MOCK_DESC_KIND) == MOCK_KIND_TABLE;
}

#define PT_PLAIN_TABLE MOCK_KIND_TABLE

static PT_INLINE bool pt_is_plain_table(uint64_t d)
{
	return (d & ~MOCK_DESC_ADDR) == PT_PLAIN_TABLE;
}

static PT_INLINE bool pt_is_leaf(uint64_t d, int level)
{
	return (d & MOCK_DESC_KIND) == MOCK_KIND_LEAF;
}

static PT_INLINE bool pt_is_single_block(uint64_t d)
{
	return pt_is_leaf(d, 0);
}

/* A leaf and a mark have bit 1 in common, and no leaf is ever broken. */
#define PT_PAGE_MAPS BIT64(1)
#define PT_MARK_KIND 2u

static PT_INLINE bool pt_is_broken(uint64_t d)
{
	return false;
}

static PT_INLINE bool pt_is_mark(uint64_t d)
{
	return (d & MOCK_DESC_KIND) == PT_MARK_KIND;
}

static PT_INLINE bool pt_is_pending(uint64_t d)
{
	return pt_is_mark(d);
}

static PT_INLINE uint64_t pt_make_table(uint64_t pa)
{
	return pa | MOCK_KIND_TABLE;
}

static PT_INLINE uint64_t pt_make_mark(uint64_t table)
{
	return (table & ~MOCK_DESC_KIND) | PT_MARK_KIND;
}

static PT_INLINE uint64_t pt_mark_table(uint64_t d)
{
	return (d & ~MOCK_DESC_KIND) | MOCK_KIND_TABLE;
}

static PT_INLINE uint64_t pt_break_leaf(uint64_t d)
{
	return d;
}

static PT_INLINE uint64_t pt_mend_leaf(uint64_t d, int level)
{
	return d;
}

static PT_INLINE uint64_t pt_make_leaf(uint64_t attrs, uint64_t pa, int level)
{
	return attrs | pa | MOCK_KIND_LEAF;
}

static PT_INLINE uint64_t pt_leaf_attrs(uint64_t d)
{
	return d & ~(MOCK_DESC_ADDR | MOCK_DESC_KIND | PT_NAME_BIT);
}

static PT_INLINE bool pt_is_dirty(uint64_t d)
{
	return !(~d & (MOCK_LEAF_TRACK | MOCK_LEAF_DIRTY));
}

static PT_INLINE uint64_t pt_make_clean(uint64_t d)
{
	return d & ~MOCK_LEAF_DIRTY;
}

static PT_INLINE uint64_t pt_make_dirty(uint64_t d)
{
	return d | MOCK_LEAF_DIRTY;
}

#define PT_WRITE_PLAIN MOCK_LEAF_WRITE
#define PT_WRITE_CLEAN (MOCK_LEAF_WRITE | MOCK_LEAF_TRACK)

static PT_INLINE uint64_t pt_attrs(uint32_t prot, uint64_t write)
{
	uint64_t d = 0;

	d |= prot & UIOMMU_PROT_READ ? MOCK_LEAF_READ : 0;
	d |= prot & UIOMMU_PROT_WRITE ? write : 0;
	d |= prot & UIOMMU_PROT_EXEC ? MOCK_LEAF_EXEC : 0;
	d |= prot & UIOMMU_PROT_PRIV ? MOCK_LEAF_PRIV : 0;
	d |= prot & UIOMMU_PROT_CACHE ? MOCK_LEAF_CACHE : 0;
	d |= prot & UIOMMU_PROT_MMIO ? MOCK_LEAF_MMIO : 0;
	return d;
}

static PT_INLINE uint32_t pt_prot(uint64_t d)
{
	uint32_t prot = 0;

	prot |= d & MOCK_LEAF_READ ? UIOMMU_PROT_READ : 0;
	prot |= d & MOCK_LEAF_WRITE ? UIOMMU_PROT_WRITE : 0;
	prot |= d & MOCK_LEAF_EXEC ? UIOMMU_PROT_EXEC : 0;
	prot |= d & MOCK_LEAF_PRIV ? UIOMMU_PROT_PRIV : 0;
	prot |= d & MOCK_LEAF_CACHE ? UIOMMU_PROT_CACHE : 0;
	prot |= d & MOCK_LEAF_MMIO ? UIOMMU_PROT_MMIO : 0;
	return prot;
}

#define PT_PROT_RIGHTS (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE | UIOMMU_PROT_EXEC)
#define PT_RIGHTS                                             \
	(MOCK_LEAF_READ | MOCK_LEAF_WRITE | MOCK_LEAF_TRACK | \
	 MOCK_LEAF_DIRTY | MOCK_LEAF_EXEC)

static PT_INLINE uint64_t pt_with_rights(uint64_t d, uint32_t rights,
					 uint64_t write)
{
	uint64_t to = (d & ~PT_RIGHTS) | pt_attrs(rights, write);

	if (pt_is_dirty(d) && (to & MOCK_LEAF_TRACK))
		to = pt_make_dirty(to);
	return to;
}

#include "../fmt_default.h"

_Static_assert(PT_LAST_LEVEL == MOCK_LAST_LEVEL &&
		       PT_ENTRIES == 1u << MOCK_INDEX_BITS,
	       "levels and tables are what the hardware takes them for");

#endif /* PGTABLE_FMT_MOCK_H */
