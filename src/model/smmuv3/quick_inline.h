/* SPDX-License-Identifier: BSD-2-Clause */
/* quick_inline.h - the short way through level-3 tables, see quick.c. */
#ifndef MODEL_SMMUV3_QUICK_INLINE_H
#define MODEL_SMMUV3_QUICK_INLINE_H

#include "hw/vmsa/desc.h"
#include "pwc_inline.h"

/* The bits of a page descriptor that msmmu_quick.high goes by. */
static inline unsigned int quick_flags(uint64_t desc)
{
	_Static_assert(VMSA_S1_AP_1 == BIT64(6) && VMSA_S1_AP_2 == BIT64(7) &&
			       VMSA_S1_PXN == BIT64(53) &&
			       VMSA_S1_UXN == BIT64(54),
		       "they are moved to PWC_*");
	_Static_assert(VMSA_S2_S2AP == GENMASK64(7, 6) &&
			       VMSA_S2_XN == GENMASK64(54, 53),
		       "they are where those of stage 1 are");

	return (unsigned int)((desc >> 6 & 3) | (desc >> 51 & 0xc)) ^
	       PWC_NO_UNPRIV;
}

/*
 * Find the table, read the descriptor, see that it is an ordinary page; `key`
 * is that of the view.  Stores OUT_HIGH and OUT_PA.
 */
static inline __attribute__((always_inline)) bool
quick_desc(const msmmu *m, const struct msmmu_quick *q, unsigned int lg2,
	   const struct msmmu_view *view, uint64_t key, uint64_t in,
	   uint64_t *desc, uint64_t *out)
{
	const unsigned int table_lg2 = 2 * lg2 - 3;
	uint64_t table, pa;

	if (unlikely(!mcache_find(&m->pwc, tlb_index(view, in, table_lg2),
				  tlb_tag(in, table_lg2),
				  mcache_key(key, load_acquire(&m->tables_gen)),
				  &table, NULL)))
		return false;
	pa = (table & PWC_TABLE) + (in >> lg2 & mask_lg2(lg2 - 3)) * 8;
	if (unlikely(!model_direct64(&m->host, pa, desc)) &&
	    model_call64(&m->host, pa, desc, pwc_attrs(table)))
		return false;
	*out = FIELD_PREP(OUT_HIGH,
			  q->high[quick_flags(*desc) | (table & PWC_FLAGS)]) |
	       (*desc & q->addr);
	return likely((*desc & q->look) == q->usual);
}

static inline uint64_t quick_attrs(const struct msmmu_ctx *ctx, uint64_t desc)
{
	return ctx->attrs[(desc >> 2 & 7) | (desc >> 5 & 0x18)];
}

/* Stage 1 for one granule, which the compiler knows in the common case. */
static inline __attribute__((always_inline)) bool
quick_walk_by(msmmu *m, const struct msmmu_ctx *ctx, uint64_t va,
	      const struct msmmu_quick *q, unsigned int lg2, unsigned int bit,
	      struct tlb_hit *hit)
{
	const struct msmmu_view *view = &ctx->local;
	/* The ticket (msmmu_tlb_ticket), as far as it is needed. */
	uint64_t kills = mcache_kills(&m->tlb);
	uint64_t gens = load_acquire(ctx->vm_gen) + load_acquire(ctx->all_gen);
	uint64_t word = load_acquire(&view->space->word);
	struct mcache_entry e;
	uint64_t desc;

	e.key = mcache_key(view->owner, (word >> SPACE_GEN_SHIFT) + gens);
	if (!quick_desc(m, q, lg2, view, e.key, va, &desc, &e.out) ||
	    unlikely(!(e.out >> bit & 1)))
		return false;
	e.out |= quick_attrs(ctx, desc);
	e.tag = tlb_tag(va, lg2);
	e.aux = FIELD_PREP(AUX_S1, FIELD_GET(OUT_BOTH, e.out)) |
		FIELD_PREP(AUX_GRANULE, tlb_granule_code(lg2));
	tlb_fill_entry(m, view, va, lg2, BIT64(lg2 - 12), &e, word, kills);
	hit->out = e.out;
	hit->lg2 = lg2;
	hit->size = BIT64(lg2 - 12);
	return true;
}

/*
 * After a miss in the local view of `ctx`, which is fast: the common case of a
 * walk, for an access that wants right `bit` of OUT_BOTH.  False: nothing was
 * decided or counted.
 */
static inline __attribute__((always_inline)) bool
quick_walk(msmmu *m, struct model_slot *slot, const struct msmmu_ctx *ctx,
	   uint64_t va, unsigned int bit, struct tlb_hit *hit)
{
	const struct msmmu_quick *q = &ctx->quick[ctx->two_halves & (va >> 55)];

	/* One pointer, not sums that the compiler makes again and again. */
	__asm__("" : "+r"(q));
	/* What is global may be in the TLB; the general path finds it. */
	if (unlikely(load_acquire(&ctx->global.space->word) & SPACE_SIZES) &&
	    tlb_find_entry(m, &ctx->global,
			   load_acquire(ctx->vm_gen) +
				   load_acquire(ctx->all_gen),
			   va, hit, false))
		return false;
	if (ctx->s2)
		return q->granule_lg2 &&
		       msmmu_quick_nested(m, slot, ctx, va, bit, hit);
	if (likely(q->granule_lg2 == VMSA_GRANULE_4K_LG2))
		return quick_walk_by(m, ctx, va, q, VMSA_GRANULE_4K_LG2, bit,
				     hit);
	return q->granule_lg2 &&
	       quick_walk_by(m, ctx, va, q, q->granule_lg2, bit, hit);
}

#endif /* MODEL_SMMUV3_QUICK_INLINE_H */
