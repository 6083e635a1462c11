/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that does not speak SMMUv3: its PASID table as the two words of an entry,
 * and what it wants forgotten as commands, of those that a guest may send.
 *
 * Less than what is asked for must never go.  The guest does not say by which
 * granule it translates, and a command for a range of one granule need not reach
 * entries of another (IHI 0070 4.4.1.1): so there is one range for each that the
 * SMMU has, and where ranges are not to be had or do not pay, an address for each of
 * the smallest pages, which any entry obeys; or everything of the guest.  An address
 * reaches pages of all address spaces (nG clear) with any ASID, an ASID alone does not
 * (IHI 0070 4.4): so all of one ASID would be less than many pages of it.
 */
#include <uiommu/env.h>

#include "base/bits.h"
#include "cmd.h"
#include "guest.h"
#include "hw/smmuv3/cmd.h"
#include "hw/smmuv3/regs.h"
#include "mutant.h"
#include "unit.h"

/* Commands for one request: as many as a flush has (inv.c), */
#define MAX_PAGES UINT64_C(128)
/* or ranges of at most 2^5 << 31 pages: not more than 8 for a granule. */
#define MAX_RANGE BIT64(36)
/*
 * Aligned blocks of an ATC: those of a range of at most 2^8 pages, 16; a larger range
 * grows to pages that are larger.
 */
#define ATC_PAGES_LG2 8u

/* -------------------------------------------------------------- entries -- */

static unsigned int ssid_size(const struct smmuv3_features *f)
{
	return FIELD_GET(SMMU_IDR1_SSIDSIZE, f->idr[1]);
}

/* Bytes of the table that S1ContextPtr names, which it is aligned to. */
static uint64_t top_size(const struct uiommu_pasid_table *table)
{
	unsigned int bits = table->pasid_bits, leaf;

	if (!bits || table->format == UIOMMU_PASID_TABLE_LINEAR)
		return UINT64_C(64) << bits;
	leaf = table->format == UIOMMU_PASID_TABLE_2L_4K ? 6 : 10;
	/* A level-1 table has the alignment of a CD at least. */
	return max_u64(64, UINT64_C(8) << (bits > leaf ? bits - leaf : 0));
}

static int check_table(const struct smmuv3_features *f, uint8_t ipa_bits,
		       const struct uiommu_pasid_table *table)
{
	uint64_t size;

	if (table->pasid_bits > ssid_size(f) &&
	    !DRIVER_MUTANT("bind: number of PASIDs"))
		return -EINVAL;
	if (table->pasid_bits) {
		if ((unsigned int)table->format > UIOMMU_PASID_TABLE_2L_64K ||
		    (unsigned int)table->none > UIOMMU_PASID_NONE_IS_0)
			return -EINVAL;
		if (table->format != UIOMMU_PASID_TABLE_LINEAR && !f->cd2l)
			return -EOPNOTSUPP;
	}
	size = top_size(table);
	if (table->base & (size - 1) && !DRIVER_MUTANT("bind: alignment"))
		return -EINVAL;
	if (table->base > mask_lg2(ipa_bits) - (size - 1) &&
	    !DRIVER_MUTANT("bind: base in reach"))
		return -EINVAL;
	return 0;
}

static enum smmu_ste_s1dss dss_of(enum uiommu_pasid_none none)
{
	switch (none) {
	case UIOMMU_PASID_NONE_ABORT:
		return SMMU_STE_S1DSS_TERMINATE;
	case UIOMMU_PASID_NONE_BYPASS:
		return SMMU_STE_S1DSS_BYPASS;
	default:
		return SMMU_STE_S1DSS_SSID0;
	}
}

static void make_s1(const struct uiommu_pasid_table *table, uint64_t q[2])
{
	/* Where one CD is all it is not looked at; then growth is one word. */
	enum smmu_ste_s1dss dss = SMMU_STE_S1DSS_SSID0;

	q[0] = SMMU_STE_0_V |
	       FIELD_PREP(SMMU_STE_0_CONFIG, SMMU_STE_CONFIG_S1) |
	       (table->base & SMMU_STE_0_S1CONTEXTPTR_ADDR);
	if (table->pasid_bits) {
		/* The formats have the same numbers. */
		q[0] |= FIELD_PREP(SMMU_STE_0_S1FMT, table->format) |
			FIELD_PREP(SMMU_STE_0_S1CDMAX, table->pasid_bits);
		dss = dss_of(table->none);
	}
	q[1] = FIELD_PREP(SMMU_STE_1_S1DSS, dss) |
	       FIELD_PREP(SMMU_STE_1_S1CIR, SMMU_STE_S1C_WBRA) |
	       FIELD_PREP(SMMU_STE_1_S1COR, SMMU_STE_S1C_WBRA) |
	       FIELD_PREP(SMMU_STE_1_S1CSH, SMMU_SH_INNER) |
	       FIELD_PREP(SMMU_STE_1_EATS, SMMU_STE_EATS_FULL);
}

int smmuv3_make_guest_words(const struct smmuv3_features *f, uint8_t ipa_bits,
			    const struct uiommu_pasid_table *table,
			    uint64_t q[2])
{
	int rc;

	q[0] = SMMU_STE_0_V;
	q[1] = 0;
	switch (table->state) {
	case UIOMMU_GUEST_TRANSLATE:
		rc = check_table(f, ipa_bits, table);
		if (!rc)
			make_s1(table, q);
		return rc;
	case UIOMMU_GUEST_BYPASS:
		q[0] |= FIELD_PREP(SMMU_STE_0_CONFIG, SMMU_STE_CONFIG_BYPASS);
		return 0;
	case UIOMMU_GUEST_ABORT:
		q[0] |= FIELD_PREP(SMMU_STE_0_CONFIG, SMMU_STE_CONFIG_ABORT);
		return 0;
	default:
		return -EINVAL;
	}
}

/* ------------------------------------------------------------- commands -- */

static bool is_for_all(const struct uiommu_cache_info *info)
{
	return info->granularity == UIOMMU_CACHE_ALL_PASIDS;
}

static bool is_global(const struct uiommu_cache_info *info)
{
	return info->granularity == UIOMMU_CACHE_PAGES &&
	       info->flags & UIOMMU_CACHE_GLOBAL;
}

int smmuv3_forget_check(const struct smmuv3_features *f,
			const struct uiommu_cache_info *info)
{
	int rc = uiommu_cache_check(info);

	if (rc || is_for_all(info) || is_global(info))
		return rc;
	if (info->type == UIOMMU_CACHE_TLB)
		return info->arch_id > mask_lg2(f->asid_bits) &&
				       !DRIVER_MUTANT("forget: ASID in range")
			       ? -EINVAL
			       : 0;
	return info->pasid != UIOMMU_NO_PASID &&
			       info->pasid > mask_lg2(ssid_size(f)) &&
			       !DRIVER_MUTANT("forget: PASID in range")
		       ? -EINVAL
		       : 0;
}

static struct uiommu_gather_range range_of(const struct uiommu_cache_info *info)
{
	return (struct uiommu_gather_range){
		.first = info->addr,
		.last = info->addr + ((info->nr_pages - 1) << info->page_lg2) +
			mask_lg2(info->page_lg2),
		.level = UIOMMU_GATHER_LEVEL_MIXED,
		.leaf_only = info->flags & UIOMMU_CACHE_LEAF,
	};
}

/* Granules that an entry may be of, the smallest first; how many. */
static unsigned int granules_of(const struct smmuv3_features *f, uint8_t lg2[3])
{
	unsigned int nr = 0;

	if (f->idr[5] & SMMU_IDR5_GRAN4K)
		lg2[nr++] = 12;
	if (f->idr[5] & SMMU_IDR5_GRAN16K)
		lg2[nr++] = 14;
	if (f->idr[5] & SMMU_IDR5_GRAN64K)
		lg2[nr++] = 16;
	return nr;
}

/* False: it is more than what commands for parts are good for. */
static bool forget_pages(const struct smmuv3_features *f,
			 const struct uiommu_cache_info *info,
			 smmuv3_emit_fn *emit, void *ctx)
{
	struct smmuv3_inv_target target = {
		.asid = (uint16_t)info->arch_id,
		.all_asids = is_global(info),
		.range = f->ril,
		.ds = f->ds,
	};
	struct uiommu_gather_range range = range_of(info);
	unsigned int i, nr;
	uint64_t pages;
	uint8_t lg2[3];

	nr = granules_of(f, lg2);
	pages = (range.last - range.first) >> lg2[0];
	if (pages >= (f->ril ? MAX_RANGE : MAX_PAGES))
		return false;
	/* As many addresses as there would be ranges say the same. */
	if (pages < nr)
		target.range = false;
	for (i = 0; i < (target.range ? nr : 1); i++) {
		if (DRIVER_MUTANT("forget: range of each granule") && i)
			break;
		target.granule_lg2 = lg2[i];
		range.stride_lg2 = lg2[i];
		smmuv3_inv_range(&target, &range, emit, ctx);
	}
	return true;
}

void smmuv3_forget_tlb(const struct smmuv3_features *f,
		       const struct uiommu_cache_info *info,
		       smmuv3_emit_fn *emit, void *ctx)
{
	/* Pages may be those of all address spaces, which an ASID leaves. */
	bool one = info->granularity == UIOMMU_CACHE_ONE_PASID;

	if (info->granularity == UIOMMU_CACHE_PAGES &&
	    forget_pages(f, info, emit, ctx))
		return;
	if (DRIVER_MUTANT("forget: TLBI"))
		return;
	(void)emit(ctx,
		   one ? smmuv3_make_tlbi_nh_asid(0, (uint16_t)info->arch_id)
		       : smmuv3_make_tlbi_nh_all(0));
}

void smmuv3_forget_contexts(const struct uiommu_cache_info *info, uint32_t sid,
			    smmuv3_emit_fn *emit, void *ctx)
{
	uint32_t ssid = info->pasid == UIOMMU_NO_PASID ? 0 : info->pasid;

	if (DRIVER_MUTANT("forget: CFGI_CD"))
		return;
	/* Leaf 0: it does not say that level 1 of the table is as it was. */
	(void)emit(ctx, is_for_all(info)
				? smmuv3_make_cfgi_cd_all(sid)
				: smmuv3_make_cfgi_cd(sid, ssid, false));
}

/* What an ATC has of [addr, addr + 2^lg2). */
static void forget_block(const struct uiommu_cache_info *info, uint32_t sid,
			 bool pasids, uint64_t addr, unsigned int lg2,
			 smmuv3_emit_fn *emit, void *ctx)
{
	bool all = is_for_all(info) || is_global(info);
	bool none = info->pasid == UIOMMU_NO_PASID;

	if (DRIVER_MUTANT("forget: ATC_INV"))
		return;
	/* Number 0 may have been found by those without, and they by it. */
	if (all || none || !info->pasid)
		(void)emit(ctx, smmuv3_make_atc_inv(sid, 0, addr, lg2));
	if (!pasids || (none && !all))
		return;
	if (DRIVER_MUTANT("forget: ATC_INV of PASIDs"))
		return;
	(void)emit(ctx, all ? smmuv3_make_atc_inv_pasids(sid, addr, lg2)
			    : smmuv3_make_atc_inv_pasid(sid, info->pasid, addr,
							lg2));
}

void smmuv3_forget_atc(const struct uiommu_cache_info *info, uint32_t sid,
		       bool pasids, smmuv3_emit_fn *emit, void *ctx)
{
	struct uiommu_gather_range range;
	unsigned int lg2;

	if (info->granularity != UIOMMU_CACHE_PAGES) {
		forget_block(info, sid, pasids, 0, SMMUV3_ATC_ALL, emit, ctx);
		return;
	}
	range = range_of(info);
	lg2 = ilog2_u64(range.last - range.first);
	if (lg2 >= 12 + ATC_PAGES_LG2) {
		lg2 -= ATC_PAGES_LG2 - 1;
		range.first = align_down_lg2(range.first, lg2);
		range.last |= mask_lg2(lg2);
	}
	if (!range.first && range.last == UINT64_MAX) {
		forget_block(info, sid, pasids, 0, SMMUV3_ATC_ALL, emit, ctx);
		return;
	}
	/* In aligned blocks, each as large as there is room for. */
	for (;;) {
		lg2 = range.first ? ffs_u64(range.first) : 63;
		while (mask_lg2(lg2) > range.last - range.first)
			lg2--;
		forget_block(info, sid, pasids, range.first, lg2, emit, ctx);
		if (range.last - range.first == mask_lg2(lg2))
			return;
		range.first += BIT64(lg2);
	}
}
