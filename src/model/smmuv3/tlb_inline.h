/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tlb_inline.h - the TLB's look-up, inlined into the translation path, and the
 * layout of its words.
 *
 * tag	valid 63, hash of the owner 62:49, log2 of the size less 12 48:44,
 *	VA[55:12] 43:0
 * meta	owner 35:0, rights by stage, levels of the leaves, granule, rights of
 *	both stages together
 * out	PA[55:12], MAIR byte, shareability
 * aux	IPA where stage 2 translated
 */
#ifndef MODEL_SMMUV3_TLB_INLINE_H
#define MODEL_SMMUV3_TLB_INLINE_H

#include <errno.h>

#include "msmmu.h"

#define TLB_VA GENMASK64(55, 0)

#define TAG_PAGE GENMASK64(43, 0)
#define TAG_SIZE GENMASK64(48, 44)
#define TAG_HASH GENMASK64(62, 49)

#define META_ASID GENMASK64(15, 0)
#define META_VMID GENMASK64(31, 16)
#define META_REGIME GENMASK64(33, 32)
#define META_GLOBAL BIT64(34)
#define META_ASET BIT64(35)
#define META_OWNER GENMASK64(35, 0)
#define META_RIGHTS GENMASK64(45, 36)
#define META_LEVEL1 GENMASK64(48, 46)
#define META_LEVEL2 GENMASK64(51, 49)
#define META_GRANULE GENMASK64(53, 52)
#define META_BOTH GENMASK64(59, 54)
#define META_BOTH_SHIFT 54
#define META_CLEAN BIT64(60) /* msmmu_result.clean */

/* A space's word: generation and, bit n, entries of 2^(n + 12) bytes. */
#define SPACE_SIZES GENMASK64(31, 0)
#define SPACE_GEN_SHIFT 32

#define OUT_PA GENMASK64(55, 12)
#define OUT_MAIR GENMASK64(11, 4)
#define OUT_SH GENMASK64(3, 2)

static inline uint32_t tlb_index(const struct msmmu_view *view, uint64_t in,
				 unsigned int lg2)
{
	return (uint32_t)((in & TLB_VA) >> lg2) + view->salt;
}

static inline uint64_t tlb_tag(const struct msmmu_view *view, uint64_t in,
			       unsigned int lg2)
{
	uint64_t page = (in & TLB_VA) >> lg2 << (lg2 - 12);

	return view->tag | (uint64_t)(lg2 - 12) << 44 | page;
}

static inline int8_t tlb_level(uint64_t code)
{
	return code == 7 ? MSMMU_NO_LEVEL : (int8_t)((int)code - 1);
}

/*
 * The entry for `in`; `base` is what is added to the space's generation to make
 * the stamp.  Without want_aux e->aux is not read.
 */
static inline __attribute__((always_inline)) bool
tlb_find_entry(const msmmu *m, const struct msmmu_view *view, uint64_t base,
	       uint64_t in, struct mcache_entry *e, unsigned int *lg2,
	       bool want_aux)
{
	uint64_t word = load_acquire(&view->space->word);
	uint64_t stamp = (word >> SPACE_GEN_SHIFT) + base;
	uint64_t sizes = word & SPACE_SIZES;

	for (; sizes; sizes &= sizes - 1) {
		*lg2 = 12 + (unsigned int)__builtin_ctzll(sizes);
		if (mcache_find(&m->tlb, tlb_index(view, in, *lg2),
				tlb_tag(view, in, *lg2), view->meta, META_OWNER,
				stamp, e, want_aux))
			return true;
	}
	return false;
}

/*
 * A fill for `in` is likely: get the line it will write, while tables are read.
 * The guess is an entry of the smallest size in use.
 */
static inline void tlb_prefetch(const msmmu *m, const struct msmmu_view *view,
				uint64_t in)
{
	uint64_t sizes = load_relaxed(&view->space->word) & SPACE_SIZES;
	unsigned int lg2 = sizes ? 12 + (unsigned int)__builtin_ctzll(sizes)
				 : 12;
	const struct mcache_set *set =
		&m->tlb.set[tlb_index(view, in, lg2) & m->tlb.mask];

	__builtin_prefetch(&set->way[load_relaxed(&set->victim) % MCACHE_WAYS],
			   1);
}

static inline bool tlb_find_view(const msmmu *m, const struct msmmu_view *view,
				 uint64_t base, uint64_t in,
				 struct msmmu_result *res)
{
	struct mcache_entry e;
	unsigned int lg2;

	if (!tlb_find_entry(m, view, base, in, &e, &lg2, true))
		return false;
	res->pa = (e.out & OUT_PA) | (in & mask_lg2(lg2));
	res->ipa = e.aux | (in & mask_lg2(lg2));
	res->rights = (uint32_t)FIELD_GET(META_RIGHTS, e.meta);
	res->size_lg2 = (uint8_t)lg2;
	res->mair = (uint8_t)FIELD_GET(OUT_MAIR, e.out);
	res->sh = (uint8_t)FIELD_GET(OUT_SH, e.out);
	res->global = e.meta & META_GLOBAL;
	res->clean = e.meta & META_CLEAN;
	res->level1 = tlb_level(FIELD_GET(META_LEVEL1, e.meta));
	res->level2 = tlb_level(FIELD_GET(META_LEVEL2, e.meta));
	return true;
}

/* The address as the TLB knows it; false: not one that can be in it. */
static inline bool tlb_address(const struct msmmu_ctx *ctx, uint64_t *va)
{
	uint64_t canon = (uint64_t)((int64_t)(*va << 8) >> 8);

	if (likely(canon == *va))
		return ctx->two_halves || !(canon >> 55);
	if (!ctx->two_halves) {
		*va &= TLB_VA;
		return (ctx->tbi & 1) && !(*va >> 55);
	}
	if (!(ctx->tbi >> (canon >> 63) & 1))
		return false;
	*va = canon;
	return true;
}

#endif /* MODEL_SMMUV3_TLB_INLINE_H */
