/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmsav8.h - VMSAv8-64 in the words of fmt_default.h, both stages.
 *
 * The instance defines PT_STAGE (1 or 2) and PT_GRANULE_LG2 first, and PT_DS
 * as 1 for the layout of 52-bit addresses with 4K and 16K (DS = 1).  Software
 * owns bits 58:55 of leaves and 58:51 of table descriptors, and every bit but
 * bit 0 of an invalid descriptor.
 *
 * Stage 1 cannot express "write but not read": such a leaf is readable to the
 * hardware, and bit 55 remembers what was asked.  Addresses beyond 48 bits:
 * with 64K bits 51:48 stand in bits 15:12; with DS bits 51:50 stand in bits
 * 9:8, and the shareability that stood there comes from the context.
 *
 * A leaf is *dirty* when it has DBM and allows writes; one with DBM that does
 * not is writable, but clean.
 */
#ifndef PGTABLE_FMT_VMSAV8_H
#define PGTABLE_FMT_VMSAV8_H

#include "hw/vmsa/desc.h"

#ifndef PT_DS
#define PT_DS 0
#endif

#if PT_DS && PT_GRANULE_LG2 == VMSA_GRANULE_4K_LG2
#define PT_OA VMSA_OA_4K_DS
#define PT_FIRST_BLOCK_LEVEL (VMSA_FIRST_BLOCK_LEVEL_4K - 1)
#elif PT_DS
#define PT_OA VMSA_OA_16K_DS
#define PT_FIRST_BLOCK_LEVEL (VMSA_FIRST_BLOCK_LEVEL_16K - 1)
#elif PT_GRANULE_LG2 == VMSA_GRANULE_4K_LG2
#define PT_OA VMSA_OA_4K
#define PT_FIRST_BLOCK_LEVEL VMSA_FIRST_BLOCK_LEVEL_4K
#elif PT_GRANULE_LG2 == VMSA_GRANULE_16K_LG2
#define PT_OA VMSA_OA_16K
#define PT_FIRST_BLOCK_LEVEL VMSA_FIRST_BLOCK_LEVEL_16K
#else
#define PT_OA VMSA_OA_64K
#define PT_FIRST_BLOCK_LEVEL (VMSA_FIRST_BLOCK_LEVEL_64K - 1)
#define PT_FIRST_BLOCK_OAS 52 /* 4T blocks come with 52-bit addresses */
#endif

#if PT_DS || PT_GRANULE_LG2 == VMSA_GRANULE_64K_LG2
#define PT_IAS_MAX 52
#define PT_OAS_MAX 52
#else
#define PT_IAS_MAX 48
#define PT_OAS_MAX 48
#endif
#define PT_IAS_MIN 25 /* TxSZ <= 39 */
#define PT_OAS_MIN 32

/* Where the address bits go that do not stand in their place. */
#if PT_DS
#define PT_OA_HIGH VMSA_OA_DS_51_50
#define PT_OA_HIGH_DOWN (50 - 8)
#elif PT_OAS_MAX > 48
#define PT_OA_HIGH VMSA_OA_64K_51_48
#define PT_OA_HIGH_DOWN (48 - 12)
#else
#define PT_OA_HIGH UINT64_C(0)
#define PT_OA_HIGH_DOWN 0
#endif

/* The table's CPU address is not its own plus the root's distance. */
#define PT_TABLE_FAR BIT64(55)
/* It took the place of a leaf that the hardware may still remember. */
#define PT_TABLE_SPLIT BIT64(54)
#define PT_LEAF_WRITE_ONLY BIT64(55)

/* walk_group.h */
#define PT_LEAF_CONTIG VMSA_LEAF_CONTIGUOUS
#define PT_LEAF_UNGROUPED BIT64(57)
#define PT_LEAF_CLAIMED BIT64(56)
/* walk_split.h: a bit of a name, in any slot of a table that is prepared. */
#define PT_NAME_BIT BIT64(58)

/* Slots of one contiguous group at a level, lg2; 0: none there. */
static PT_INLINE unsigned int pt_group_lg2(int level)
{
	switch (PT_GRANULE_LG2) {
	case VMSA_GRANULE_4K_LG2:
		return level >= 1 ? VMSA_CONTIG_4K_LG2 : 0;
	case VMSA_GRANULE_16K_LG2:
		return level == 3   ? VMSA_CONTIG_16K_L3_LG2
		       : level == 2 ? VMSA_CONTIG_16K_L2_LG2
				    : 0;
	default:
		return level >= 2 ? VMSA_CONTIG_64K_LG2 : 0;
	}
}

static PT_INLINE uint64_t pt_pack_pa(uint64_t pa)
{
	if (!PT_OA_HIGH)
		return pa;
	return (pa & PT_OA) | (pa >> PT_OA_HIGH_DOWN & PT_OA_HIGH);
}

static PT_INLINE uint64_t pt_table_pa(uint64_t d)
{
	if (!PT_OA_HIGH)
		return d & PT_OA;
	return (d & PT_OA) | (d & PT_OA_HIGH) << PT_OA_HIGH_DOWN;
}

static PT_INLINE uint64_t pt_leaf_pa(uint64_t d)
{
	return pt_table_pa(d);
}

static PT_INLINE bool pt_is_table(uint64_t d)
{
	return (d & VMSA_DESC_TYPE) == VMSA_DESC_TYPE_TABLE;
}

#define PT_PLAIN_TABLE VMSA_DESC_TYPE_TABLE

static PT_INLINE bool pt_is_plain_table(uint64_t d)
{
	return (d & ~PT_OA) == PT_PLAIN_TABLE;
}

static PT_INLINE bool pt_is_leaf(uint64_t d, int level)
{
	return (d & VMSA_DESC_TYPE) == (level == VMSA_LAST_LEVEL
						? VMSA_DESC_TYPE_PAGE
						: VMSA_DESC_TYPE_BLOCK);
}

/* One above the last level that neither is in a group nor leaves one. */
static PT_INLINE bool pt_is_single_block(uint64_t d)
{
	return (d & (VMSA_DESC_TYPE | PT_LEAF_CONTIG | PT_LEAF_UNGROUPED)) ==
	       VMSA_DESC_TYPE_BLOCK;
}

/* Kinds 3 and 2, a page and one that was broken, have bit 1 in common. */
#define PT_PAGE_MAPS BIT64(1)
#define PT_BROKEN_KIND 2u

static PT_INLINE bool pt_is_broken(uint64_t d)
{
	return (d & (VMSA_DESC_TYPE | PT_LEAF_CONTIG)) ==
	       (PT_BROKEN_KIND | PT_LEAF_CONTIG);
}

static PT_INLINE uint64_t pt_make_table(uint64_t pa)
{
	return pt_pack_pa(pa) | VMSA_DESC_TYPE_TABLE;
}

static PT_INLINE uint64_t pt_make_leaf(uint64_t attrs, uint64_t pa, int level)
{
	return attrs | pt_pack_pa(pa) |
	       (level == VMSA_LAST_LEVEL ? VMSA_DESC_TYPE_PAGE
					 : VMSA_DESC_TYPE_BLOCK);
}

/* What a leaf allows and of what kind its memory is, for pt_make_leaf(). */
static PT_INLINE uint64_t pt_leaf_attrs(uint64_t d)
{
	return d & ~(PT_OA | PT_OA_HIGH | VMSA_DESC_TYPE | PT_LEAF_CONTIG |
		     PT_LEAF_UNGROUPED | PT_LEAF_CLAIMED | PT_NAME_BIT);
}

/*
 * The mark: kind 2, which is invalid, over the descriptor of the table that
 * will follow.  A leaf that was broken keeps its contiguous bit, a table never
 * has one.
 */
#define PT_MARK_KIND 2u

static PT_INLINE bool pt_is_mark(uint64_t d)
{
	return (d & (VMSA_DESC_TYPE | PT_LEAF_CONTIG)) == PT_MARK_KIND;
}

static PT_INLINE uint64_t pt_make_mark(uint64_t table)
{
	return (table & ~VMSA_DESC_TYPE) | PT_MARK_KIND;
}

static PT_INLINE uint64_t pt_mark_table(uint64_t d)
{
	return d | VMSA_DESC_TYPE_TABLE;
}

/* Neither leaf nor pointer nor empty: a mark or a broken leaf. */
static PT_INLINE bool pt_is_pending(uint64_t d)
{
	return (d & VMSA_DESC_TYPE) == PT_MARK_KIND;
}

/* A leaf that the hardware no longer sees, and back. */
static PT_INLINE uint64_t pt_break_leaf(uint64_t d)
{
	return (d & ~VMSA_DESC_TYPE) | PT_BROKEN_KIND;
}

static PT_INLINE uint64_t pt_mend_leaf(uint64_t d, int level)
{
	return (d & ~(VMSA_DESC_TYPE | PT_LEAF_CONTIG | PT_LEAF_CLAIMED)) |
	       (level == VMSA_LAST_LEVEL ? VMSA_DESC_TYPE_PAGE
					 : VMSA_DESC_TYPE_BLOCK);
}

/* With DS the context says: inner shareable, and Device is outer anyway. */
static PT_INLINE uint64_t pt_shareability(uint64_t sh)
{
	return PT_DS ? 0 : FIELD_PREP(VMSA_LEAF_SH, sh);
}

#if PT_STAGE == 1

enum {
	PT_ATTR_NC,
	PT_ATTR_WB,
	PT_ATTR_DEVICE
};

#define PT_MAIR                                            \
	(VMSA_MAIR_ATTR(PT_ATTR_NC, VMSA_MAIR_NORMAL_NC) | \
	 VMSA_MAIR_ATTR(PT_ATTR_WB, VMSA_MAIR_NORMAL_WB) | \
	 VMSA_MAIR_ATTR(PT_ATTR_DEVICE, VMSA_MAIR_DEVICE_NGNRE))

/* What pt_with_rights() may change. */
#define PT_RIGHTS                                                        \
	(VMSA_S1_AP_2 | VMSA_S1_UXN | VMSA_S1_PXN | PT_LEAF_WRITE_ONLY | \
	 VMSA_LEAF_DBM)

static PT_INLINE bool pt_is_dirty(uint64_t d)
{
	return (d & (VMSA_LEAF_DBM | VMSA_S1_AP_2)) == VMSA_LEAF_DBM;
}

static PT_INLINE uint64_t pt_make_clean(uint64_t d)
{
	return d | VMSA_S1_AP_2;
}

static PT_INLINE uint64_t pt_make_dirty(uint64_t d)
{
	return d & ~VMSA_S1_AP_2;
}

#define PT_WRITE_PLAIN UINT64_C(0)
#define PT_WRITE_CLEAN (VMSA_S1_AP_2 | VMSA_LEAF_DBM)

static PT_INLINE uint64_t pt_attrs(uint32_t prot, uint64_t write)
{
	uint64_t d = VMSA_LEAF_AF | VMSA_S1_NG;

	d |= prot & UIOMMU_PROT_WRITE ? write : VMSA_S1_AP_2;
	d |= prot & UIOMMU_PROT_PRIV ? 0 : VMSA_S1_AP_1;
	d |= prot & UIOMMU_PROT_READ ? 0 : PT_LEAF_WRITE_ONLY;
	if (!(prot & UIOMMU_PROT_EXEC))
		d |= VMSA_S1_UXN | VMSA_S1_PXN;
	else if (prot & UIOMMU_PROT_PRIV)
		d |= VMSA_S1_UXN;
	if (prot & UIOMMU_PROT_CACHE)
		d |= FIELD_PREP(VMSA_S1_ATTRINDX, PT_ATTR_WB) |
		     pt_shareability(VMSA_SH_INNER);
	else if (prot & UIOMMU_PROT_MMIO)
		d |= FIELD_PREP(VMSA_S1_ATTRINDX, PT_ATTR_DEVICE) |
		     pt_shareability(VMSA_SH_OUTER);
	else
		d |= FIELD_PREP(VMSA_S1_ATTRINDX, PT_ATTR_NC) |
		     pt_shareability(VMSA_SH_OUTER);
	return d;
}

static PT_INLINE uint32_t pt_prot(uint64_t d)
{
	uint32_t prot;

	prot = d & PT_LEAF_WRITE_ONLY ? 0 : UIOMMU_PROT_READ;
	if (!(d & VMSA_S1_AP_2) || (d & VMSA_LEAF_DBM))
		prot |= UIOMMU_PROT_WRITE;
	prot |= d & VMSA_S1_AP_1 ? 0 : UIOMMU_PROT_PRIV;
	prot |= d & VMSA_S1_PXN ? 0 : UIOMMU_PROT_EXEC;
	if (FIELD_GET(VMSA_S1_ATTRINDX, d) == PT_ATTR_WB)
		prot |= UIOMMU_PROT_CACHE;
	else if (FIELD_GET(VMSA_S1_ATTRINDX, d) == PT_ATTR_DEVICE)
		prot |= UIOMMU_PROT_MMIO;
	return prot;
}

#else /* PT_STAGE == 2 */

/*
 * Up to 16 tables of the next level instead of one more level.  With 4K a walk
 * starts at level 3 only where small translation tables exist (STT).
 */
#define PT_CONCAT_LG2 4
#if PT_GRANULE_LG2 == VMSA_GRANULE_4K_LG2
#define PT_CONCAT_LAST 2
#endif
#define PT_PROT_MASK (UIOMMU_PROT_ALL & ~UIOMMU_PROT_PRIV)

#define PT_S2_WRITE FIELD_PREP(VMSA_S2_S2AP, VMSA_S2AP_WO)
#define PT_RIGHTS (VMSA_S2_S2AP | VMSA_S2_XN | VMSA_LEAF_DBM)

static PT_INLINE bool pt_is_dirty(uint64_t d)
{
	return !(~d & (VMSA_LEAF_DBM | PT_S2_WRITE));
}

static PT_INLINE uint64_t pt_make_clean(uint64_t d)
{
	return d & ~PT_S2_WRITE;
}

static PT_INLINE uint64_t pt_make_dirty(uint64_t d)
{
	return d | PT_S2_WRITE;
}

#define PT_WRITE_PLAIN PT_S2_WRITE
#define PT_WRITE_CLEAN VMSA_LEAF_DBM

static PT_INLINE uint64_t pt_attrs(uint32_t prot, uint64_t write)
{
	uint64_t d = VMSA_LEAF_AF;

	d |= prot & UIOMMU_PROT_READ ? FIELD_PREP(VMSA_S2_S2AP, VMSA_S2AP_RO)
				     : 0;
	d |= prot & UIOMMU_PROT_WRITE ? write : 0;
	if (!(prot & UIOMMU_PROT_EXEC))
		d |= FIELD_PREP(VMSA_S2_XN, VMSA_XN_BOTH);
	if (prot & UIOMMU_PROT_CACHE)
		d |= FIELD_PREP(VMSA_S2_MEMATTR, VMSA_MEMATTR_NORMAL_WB) |
		     pt_shareability(VMSA_SH_INNER);
	else if (prot & UIOMMU_PROT_MMIO)
		d |= FIELD_PREP(VMSA_S2_MEMATTR, VMSA_MEMATTR_DEVICE_NGNRE) |
		     pt_shareability(VMSA_SH_OUTER);
	else
		d |= FIELD_PREP(VMSA_S2_MEMATTR, VMSA_MEMATTR_NORMAL_NC) |
		     pt_shareability(VMSA_SH_OUTER);
	return d;
}

static PT_INLINE uint32_t pt_prot(uint64_t d)
{
	uint64_t ap = FIELD_GET(VMSA_S2_S2AP, d);
	uint32_t prot;

	prot = ap & VMSA_S2AP_RO ? UIOMMU_PROT_READ : 0;
	if ((ap & VMSA_S2AP_WO) || (d & VMSA_LEAF_DBM))
		prot |= UIOMMU_PROT_WRITE;
	if (FIELD_GET(VMSA_S2_XN, d) == VMSA_XN_NEITHER)
		prot |= UIOMMU_PROT_EXEC;
	if (FIELD_GET(VMSA_S2_MEMATTR, d) == VMSA_MEMATTR_NORMAL_WB)
		prot |= UIOMMU_PROT_CACHE;
	else if (FIELD_GET(VMSA_S2_MEMATTR, d) == VMSA_MEMATTR_DEVICE_NGNRE)
		prot |= UIOMMU_PROT_MMIO;
	return prot;
}

#endif

#define PT_PROT_RIGHTS (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE | UIOMMU_PROT_EXEC)

/* The leaf with other rights; one that is dirty and stays writable, dirty. */
static PT_INLINE uint64_t pt_with_rights(uint64_t d, uint32_t rights,
					 uint64_t write)
{
	uint32_t prot = (pt_prot(d) & ~PT_PROT_RIGHTS) | rights;
	uint64_t to = (d & ~PT_RIGHTS) | (pt_attrs(prot, write) & PT_RIGHTS);

	if (pt_is_dirty(d) && (to & VMSA_LEAF_DBM))
		to = pt_make_dirty(to);
	return to;
}

#include "../fmt_default.h"

_Static_assert(PT_LAST_LEVEL == VMSA_LAST_LEVEL, "levels are numbered alike");

#endif /* PGTABLE_FMT_VMSAV8_H */
