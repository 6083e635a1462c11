/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmsav8.h - VMSAv8-64 in the words of fmt_default.h, both stages.
 *
 * The instance defines PT_STAGE (1 or 2) and PT_GRANULE_LG2 first.  Software
 * owns bits 58:55 of leaves and 58:51 of table descriptors, and every bit but
 * bit 0 of an invalid descriptor.
 *
 * Stage 1 cannot express "write but not read": such a leaf is readable to the
 * hardware, and bit 55 remembers what was asked.  Addresses beyond 48 bits
 * exist with the 64K granule only, where bits 51:48 stand in bits 15:12.
 */
#ifndef PGTABLE_FMT_VMSAV8_H
#define PGTABLE_FMT_VMSAV8_H

#include "hw/vmsa/desc.h"

#if PT_GRANULE_LG2 == VMSA_GRANULE_4K_LG2
#define PT_OA VMSA_OA_4K
#define PT_FIRST_BLOCK_LEVEL VMSA_FIRST_BLOCK_LEVEL_4K
#define PT_IAS_MAX 48
#define PT_OAS_MAX 48
#elif PT_GRANULE_LG2 == VMSA_GRANULE_16K_LG2
#define PT_OA VMSA_OA_16K
#define PT_FIRST_BLOCK_LEVEL VMSA_FIRST_BLOCK_LEVEL_16K
#define PT_IAS_MAX 48
#define PT_OAS_MAX 48
#else
#define PT_OA VMSA_OA_64K
#define PT_FIRST_BLOCK_LEVEL VMSA_FIRST_BLOCK_LEVEL_64K
#define PT_IAS_MAX 52
#define PT_OAS_MAX 52
#endif
#define PT_IAS_MIN 25 /* TxSZ <= 39 */
#define PT_OAS_MIN 32

/* Where bits 51:48 of an address go, as the distance down. */
#define PT_OA_HIGH_DOWN (48 - 12)

/* The table's CPU address is not its own plus the root's distance. */
#define PT_TABLE_FAR BIT64(55)
/* It took the place of a leaf that the hardware may still remember. */
#define PT_TABLE_SPLIT BIT64(54)
#define PT_LEAF_WRITE_ONLY BIT64(55)

static PT_INLINE uint64_t pt_pack_pa(uint64_t pa)
{
	if (PT_OAS_MAX <= 48)
		return pa;
	return (pa & PT_OA) | (pa >> PT_OA_HIGH_DOWN & VMSA_OA_64K_51_48);
}

static PT_INLINE uint64_t pt_table_pa(uint64_t d)
{
	if (PT_OAS_MAX <= 48)
		return d & PT_OA;
	return (d & PT_OA) | (d & VMSA_OA_64K_51_48) << PT_OA_HIGH_DOWN;
}

static PT_INLINE uint64_t pt_leaf_pa(uint64_t d)
{
	return pt_table_pa(d);
}

static PT_INLINE bool pt_is_table(uint64_t d)
{
	return (d & VMSA_DESC_TYPE) == VMSA_DESC_TYPE_TABLE;
}

static PT_INLINE bool pt_is_leaf(uint64_t d, int level)
{
	return (d & VMSA_DESC_TYPE) == (level == VMSA_LAST_LEVEL
						? VMSA_DESC_TYPE_PAGE
						: VMSA_DESC_TYPE_BLOCK);
}

static PT_INLINE uint64_t pt_page_valid(uint64_t d)
{
	return d & VMSA_DESC_VALID;
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

/* All of a leaf but its address and its kind. */
static PT_INLINE uint64_t pt_leaf_attrs(uint64_t d)
{
	return d & ~(pt_pack_pa(mask_lg2(PT_OAS_MAX)) & ~mask_lg2(12)) &
	       ~VMSA_DESC_TYPE;
}

/*
 * The mark: kind 2, which is invalid, over the descriptor of the table that
 * will follow.  The identity takes bits 11:2 and 63:56.
 */
#define PT_MARK_KIND 2u
#define PT_MARK_ID_BITS 18
#define PT_MARK_ID_LOW GENMASK64(11, 2)
#define PT_MARK_ID_HIGH GENMASK64(63, 56)

static PT_INLINE bool pt_is_mark(uint64_t d)
{
	return (d & VMSA_DESC_TYPE) == PT_MARK_KIND;
}

static PT_INLINE uint64_t pt_make_mark(uint64_t table, uint64_t id)
{
	return (table & ~VMSA_DESC_TYPE) | PT_MARK_KIND |
	       FIELD_PREP(PT_MARK_ID_LOW, id) |
	       FIELD_PREP(PT_MARK_ID_HIGH, id >> 10);
}

static PT_INLINE uint64_t pt_mark_id(uint64_t d)
{
	return FIELD_GET(PT_MARK_ID_LOW, d) | FIELD_GET(PT_MARK_ID_HIGH, d)
						      << 10;
}

static PT_INLINE uint64_t pt_mark_table(uint64_t d)
{
	return (d & ~(PT_MARK_ID_LOW | PT_MARK_ID_HIGH)) | VMSA_DESC_TYPE_TABLE;
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

static PT_INLINE uint64_t pt_attrs(uint32_t prot)
{
	uint64_t d = VMSA_LEAF_AF | VMSA_S1_NG;

	d |= prot & UIOMMU_PROT_WRITE ? 0 : VMSA_S1_AP_2;
	d |= prot & UIOMMU_PROT_PRIV ? 0 : VMSA_S1_AP_1;
	d |= prot & UIOMMU_PROT_READ ? 0 : PT_LEAF_WRITE_ONLY;
	if (!(prot & UIOMMU_PROT_EXEC))
		d |= VMSA_S1_UXN | VMSA_S1_PXN;
	else if (prot & UIOMMU_PROT_PRIV)
		d |= VMSA_S1_UXN;
	if (prot & UIOMMU_PROT_CACHE)
		d |= FIELD_PREP(VMSA_S1_ATTRINDX, PT_ATTR_WB) |
		     FIELD_PREP(VMSA_LEAF_SH, VMSA_SH_INNER);
	else if (prot & UIOMMU_PROT_MMIO)
		d |= FIELD_PREP(VMSA_S1_ATTRINDX, PT_ATTR_DEVICE) |
		     FIELD_PREP(VMSA_LEAF_SH, VMSA_SH_OUTER);
	else
		d |= FIELD_PREP(VMSA_S1_ATTRINDX, PT_ATTR_NC) |
		     FIELD_PREP(VMSA_LEAF_SH, VMSA_SH_OUTER);
	return d;
}

static PT_INLINE uint32_t pt_prot(uint64_t d)
{
	uint32_t prot;

	prot = d & PT_LEAF_WRITE_ONLY ? 0 : UIOMMU_PROT_READ;
	prot |= d & VMSA_S1_AP_2 ? 0 : UIOMMU_PROT_WRITE;
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

static PT_INLINE uint64_t pt_attrs(uint32_t prot)
{
	uint64_t d = VMSA_LEAF_AF, ap = VMSA_S2AP_NONE;

	ap |= prot & UIOMMU_PROT_READ ? VMSA_S2AP_RO : 0;
	ap |= prot & UIOMMU_PROT_WRITE ? VMSA_S2AP_WO : 0;
	d |= FIELD_PREP(VMSA_S2_S2AP, ap);
	if (!(prot & UIOMMU_PROT_EXEC))
		d |= FIELD_PREP(VMSA_S2_XN, VMSA_XN_BOTH);
	if (prot & UIOMMU_PROT_CACHE)
		d |= FIELD_PREP(VMSA_S2_MEMATTR, VMSA_MEMATTR_NORMAL_WB) |
		     FIELD_PREP(VMSA_LEAF_SH, VMSA_SH_INNER);
	else if (prot & UIOMMU_PROT_MMIO)
		d |= FIELD_PREP(VMSA_S2_MEMATTR, VMSA_MEMATTR_DEVICE_NGNRE) |
		     FIELD_PREP(VMSA_LEAF_SH, VMSA_SH_OUTER);
	else
		d |= FIELD_PREP(VMSA_S2_MEMATTR, VMSA_MEMATTR_NORMAL_NC) |
		     FIELD_PREP(VMSA_LEAF_SH, VMSA_SH_OUTER);
	return d;
}

static PT_INLINE uint32_t pt_prot(uint64_t d)
{
	uint64_t ap = FIELD_GET(VMSA_S2_S2AP, d);
	uint32_t prot;

	prot = ap & VMSA_S2AP_RO ? UIOMMU_PROT_READ : 0;
	prot |= ap & VMSA_S2AP_WO ? UIOMMU_PROT_WRITE : 0;
	if (FIELD_GET(VMSA_S2_XN, d) == VMSA_XN_NEITHER)
		prot |= UIOMMU_PROT_EXEC;
	if (FIELD_GET(VMSA_S2_MEMATTR, d) == VMSA_MEMATTR_NORMAL_WB)
		prot |= UIOMMU_PROT_CACHE;
	else if (FIELD_GET(VMSA_S2_MEMATTR, d) == VMSA_MEMATTR_DEVICE_NGNRE)
		prot |= UIOMMU_PROT_MMIO;
	return prot;
}

#endif

#include "../fmt_default.h"

_Static_assert(PT_LAST_LEVEL == VMSA_LAST_LEVEL, "levels are numbered alike");
_Static_assert(PT_SHIFT(PT_FIRST_BLOCK_LEVEL) - PT_GRANULE_LG2 <=
		       PT_MARK_ID_BITS,
	       "a mark can name every page of the largest leaf");

#endif /* PGTABLE_FMT_VMSAV8_H */
