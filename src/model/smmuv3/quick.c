/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * quick.c - the common case of a TLB miss: the level-3 table is known, the page
 * descriptor in it is an ordinary one and allows the access.
 *
 * What a descriptor means is worked out when the context is made, for each
 * combination of bits that matter, so that a miss is one descriptor read and
 * table look-ups.  Whatever is not ordinary - a fault, an access flag or dirty
 * state to be updated, contiguous or global pages - decides nothing here and is
 * walked for by walk.c, which knows all of it.
 */
#include "quick_inline.h"
#include "walk.h"

/* Descriptor bits for one combination of PWC_*. */
static uint64_t desc_of(unsigned int flags)
{
	return (flags & PWC_NO_UNPRIV ? 0 : VMSA_S1_AP_1) |
	       (flags & PWC_NO_WRITE ? VMSA_S1_AP_2 : 0) |
	       (flags & PWC_PXN ? VMSA_S1_PXN : 0) |
	       (flags & PWC_UXN ? VMSA_S1_UXN : 0);
}

/* What both stages have in common. */
static bool set_quick(const struct msmmu_half *half, struct msmmu_quick *q)
{
	if (half->off || half->start == VMSA_LAST_LEVEL ||
	    half->oa_form != MSMMU_OA_48 || half->big_endian)
		return false;
	q->granule_lg2 = half->granule_lg2;
	q->addr = GENMASK64(47, half->granule_lg2);
	q->usual = VMSA_DESC_TYPE_PAGE | VMSA_LEAF_AF;
	/* Addresses that are too large are unusual as well. */
	q->look = q->usual | VMSA_DESC_TYPE | VMSA_LEAF_CONTIGUOUS |
		  (half->hd ? VMSA_LEAF_DBM : 0) |
		  (q->addr & ~mask_lg2(half->out_bits));
	return true;
}

static uint16_t high(uint32_t rights, int level1, int level2)
{
	return (uint16_t)FIELD_GET(
		OUT_HIGH,
		FIELD_PREP(OUT_BOTH, tlb_both(rights)) |
			FIELD_PREP(OUT_LEVEL1, tlb_level_code(level1)) |
			FIELD_PREP(OUT_LEVEL2, tlb_level_code(level2)));
}

static void set_s1(const struct msmmu_ctx *ctx, const struct msmmu_half *half,
		   struct msmmu_quick *q)
{
	if (!set_quick(half, q))
		return;
	if (ctx->regime != MSMMU_REGIME_EL2) {
		q->usual |= VMSA_S1_NG;
		q->look |= VMSA_S1_NG;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(q->high); i++) {
		struct walk_leaf leaf = { .desc = desc_of(i) };
		bool clean;

		q->high[i] = high(walk_s1_rights(ctx, half, &leaf, &clean) |
					  MSMMU_S2_ALL,
				  VMSA_LAST_LEVEL, MSMMU_NO_LEVEL);
	}
}

static void set_s2(const msmmu *m, const struct msmmu_half *half,
		   struct msmmu_quick *q)
{
	if (!set_quick(half, q))
		return;
	for (unsigned int i = 0; i < ARRAY_SIZE(q->high); i++) {
		uint64_t desc = desc_of(i);
		bool clean;

		q->high[i] = high(walk_s2_rights(m, half, desc, &clean) |
					  MSMMU_S1_ALL,
				  MSMMU_NO_LEVEL, VMSA_LAST_LEVEL);
	}
}

void msmmu_ctx_set_quick(const msmmu *m, struct msmmu_ctx *ctx)
{
	ctx->quick[0].granule_lg2 = 0;
	ctx->quick[1].granule_lg2 = 0;
	ctx->quick_s2.granule_lg2 = 0;
	/* A greedy model fetches ahead at every miss: the long way does. */
	if (ctx->fast_key == MSMMU_NO_KEY || !m->pwc.set ||
	    m->profile.caching == UIOMMU_SMMUV3_CACHING_GREEDY)
		return;
	for (unsigned int i = 0; i <= ctx->two_halves; i++)
		set_s1(ctx, &ctx->half[i], &ctx->quick[i]);
	if (ctx->s2)
		set_s2(m, &ctx->stage2, &ctx->quick_s2);
	for (unsigned int i = 0; i < ARRAY_SIZE(ctx->attrs); i++) {
		uint8_t mair =
			msmmu_mair_clean(VMSA_MAIR_BYTE(ctx->mair, i & 7));
		uint8_t sh = msmmu_sh_fix(mair, (uint8_t)(i >> 3));

		ctx->attrs[i] = (uint16_t)(FIELD_PREP(OUT_MAIR, mair) |
					   FIELD_PREP(OUT_SH, sh));
	}
}

/* ------------------------------------------------------- both stages ---- */

/* Stage 2 of an IPA, from the TLB or its table; out as the TLB has it. */
static inline __attribute__((always_inline)) bool
nested_s2(msmmu *m, struct model_slot *slot, const struct msmmu_ctx *ctx,
	  unsigned int lg2, uint64_t ipa, uint64_t gens, uint64_t kills,
	  struct tlb_hit *hit)
{
	const struct msmmu_quick *q = &ctx->quick_s2;
	const struct msmmu_view *view = &ctx->ipa;
	uint64_t word = load_acquire(&view->space->word);
	struct mcache_entry e;
	uint64_t desc;

	if (unlikely(ipa >> ctx->stage2.in_bits))
		return false;
	if (tlb_find_entry(m, view, gens, ipa, hit, false))
		return true;
	if (unlikely(!lg2))
		return false;
	e.key = mcache_key(view->owner, (word >> SPACE_GEN_SHIFT) + gens);
	if (!quick_desc(m, q, lg2, view, e.key, ipa, &desc, &e.out))
		return false;
	model_count(slot, MSMMU_WALK_READS, 1);
	e.out |= FIELD_PREP(OUT_MAIR, FIELD_GET(VMSA_S2_MEMATTR, desc)) |
		 FIELD_PREP(OUT_SH, FIELD_GET(VMSA_LEAF_SH, desc));
	e.tag = tlb_tag(ipa, lg2);
	e.aux = FIELD_PREP(AUX_IPA, ipa >> lg2 << (lg2 - 12)) | AUX_S1 |
		FIELD_PREP(AUX_GRANULE, tlb_granule_code(lg2));
	tlb_fill_entry(m, view, ipa, lg2, BIT64(lg2 - 12), &e, word, kills);
	hit->out = e.out;
	hit->lg2 = lg2;
	return true;
}

/* Stage 1 said s1, stage 2 of its IPA said s2. */
static inline uint64_t nested_out(const struct msmmu_ctx *ctx, uint64_t s1,
				  uint64_t s2, uint64_t pa)
{
	uint8_t mair = (uint8_t)FIELD_GET(OUT_MAIR, s1);
	uint8_t sh = (uint8_t)FIELD_GET(OUT_SH, s1);

	msmmu_attrs_combine(ctx, (unsigned int)FIELD_GET(OUT_MAIR, s2),
			    (uint8_t)FIELD_GET(OUT_SH, s2), &mair, &sh);
	return pa | (s1 & s2 & OUT_BOTH) | (s1 & OUT_LEVEL1) |
	       (s2 & OUT_LEVEL2) | FIELD_PREP(OUT_MAIR, mair) |
	       FIELD_PREP(OUT_SH, sh);
}

/* For granules of the two stages, which the compiler may know. */
static inline __attribute__((always_inline)) bool
nested_by(msmmu *m, struct model_slot *slot, const struct msmmu_ctx *ctx,
	  const struct msmmu_quick *q, unsigned int lg2, unsigned int s2_lg2,
	  uint64_t va, unsigned int bit, struct tlb_hit *hit)
{
	const struct msmmu_view *view = &ctx->local;
	const unsigned int granule = lg2;
	/* Tickets of both stages, as far as they are needed. */
	uint64_t kills = mcache_kills(&m->tlb);
	uint64_t vm = load_acquire(ctx->vm_gen);
	uint64_t all = load_acquire(ctx->all_gen);
	uint64_t word = load_acquire(&view->space->word);
	uint64_t desc, s1, ipa;
	struct mcache_entry e;
	struct tlb_hit s2;

	e.key = mcache_key(view->owner, (word >> SPACE_GEN_SHIFT) + vm + all);
	if (!quick_desc(m, q, lg2, view, e.key, va, &desc, &s1))
		return false;
	ipa = (s1 & q->addr) | (va & mask_lg2(lg2));
	if (unlikely(!(s1 >> bit & 1)) ||
	    !nested_s2(m, slot, ctx, s2_lg2, ipa, all, kills, &s2) ||
	    unlikely((s2.out & OUT_CLEAN) || !(s2.out >> bit & 1)))
		return false;
	if (unlikely(s2.lg2 < lg2))
		lg2 = s2.lg2;
	e.out = nested_out(ctx, s1 | quick_attrs(ctx, desc), s2.out,
			   ((s2.out & OUT_PA) | (ipa & mask_lg2(s2.lg2))) &
				   ~mask_lg2(lg2));
	e.tag = tlb_tag(va, lg2);
	e.aux = FIELD_PREP(AUX_IPA, ipa >> lg2 << (lg2 - 12)) |
		FIELD_PREP(AUX_S1, FIELD_GET(OUT_BOTH, s1)) |
		FIELD_PREP(AUX_GRANULE, tlb_granule_code(granule));
	tlb_fill_entry(m, view, va, lg2,
		       tlb_uses(lg2, granule, VMSA_LAST_LEVEL), &e, word,
		       kills);
	hit->out = e.out;
	hit->lg2 = lg2;
	hit->size = BIT64(lg2 - 12);
	return true;
}

bool msmmu_quick_nested(msmmu *m, struct model_slot *slot,
			const struct msmmu_ctx *ctx, uint64_t va,
			unsigned int bit, struct tlb_hit *hit)
{
	const struct msmmu_quick *q = &ctx->quick[ctx->two_halves & (va >> 55)];
	unsigned int s2_lg2 = ctx->quick_s2.granule_lg2;

	if (likely(q->granule_lg2 == VMSA_GRANULE_4K_LG2 &&
		   s2_lg2 == VMSA_GRANULE_4K_LG2))
		return nested_by(m, slot, ctx, q, VMSA_GRANULE_4K_LG2,
				 VMSA_GRANULE_4K_LG2, va, bit, hit);
	return nested_by(m, slot, ctx, q, q->granule_lg2, s2_lg2, va, bit, hit);
}
