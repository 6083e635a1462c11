/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tlb_inline.h - the TLB's look-up, inlined into the translation path, and the
 * layout of its words.
 *
 * tag	VA[55:n] of an entry of 2^n bytes in 44:n-11, below it a one, then zeros
 * key	owner 35:0, stamp 63:36
 * out	MAIR byte, shareability, PA[51:12], rights of both stages together, levels
 *	of the leaves
 * aux	IPA[51:12] where stage 2 translated, rights of stage 1, granule
 *
 * Rights of stage 2 alone are not kept: where stage 1 grants what both together
 * do not, stage 2 does not, and where stage 1 does not, nobody asks.
 */
#ifndef MODEL_SMMUV3_TLB_INLINE_H
#define MODEL_SMMUV3_TLB_INLINE_H

#include <errno.h>

#include "msmmu.h"

#define TLB_VA GENMASK64(55, 0)

#define KEY_ASID GENMASK64(15, 0)
#define KEY_VMID GENMASK64(31, 16)
#define KEY_REGIME GENMASK64(33, 32)
#define KEY_GLOBAL BIT64(34)
#define KEY_ASET BIT64(35)

#define OUT_MAIR GENMASK64(7, 0)
#define OUT_SH GENMASK64(9, 8)
#define OUT_CLEAN BIT64(10) /* msmmu_result.clean */
#define OUT_PA GENMASK64(51, 12)
#define OUT_BOTH GENMASK64(57, 52)
#define OUT_BOTH_SHIFT 52
#define OUT_LEVEL1 GENMASK64(60, 58)
#define OUT_LEVEL2 GENMASK64(63, 61)
#define OUT_HIGH GENMASK64(63, 48) /* not of the address, below 2^48 */

#define AUX_IPA GENMASK64(39, 0)
#define AUX_S1 GENMASK64(45, 40)
#define AUX_GRANULE GENMASK64(47, 46)

/*
 * A space's word: generation; bit n of the sizes, entries of 2^(n + 12) bytes; and
 * a bit for each kind of leaf of stage 1 of which there are entries smaller than
 * it, because stage 2 maps it in pieces: levels 0 to 2 of 4K, 1 to 3 of 16K and
 * of 64K.
 */
#define SPACE_SIZES GENMASK64(30, 0)
#define SPACE_SPLIT GENMASK64(39, 31)
#define SPACE_SPLIT_SHIFT 31
#define SPACE_GEN_SHIFT 41
/* Starts over here, with room above for threads that do not know yet. */
#define SPACE_GEN_LAST BIT64(22)

static inline uint32_t tlb_index(const struct msmmu_view *view, uint64_t in,
				 unsigned int lg2)
{
	return (uint32_t)(in << 8 >> 19 >> (lg2 - 11)) + view->salt;
}

static inline uint64_t tlb_tag(uint64_t in, unsigned int lg2)
{
	return (in << 8 >> 8 >> lg2 << 1 | 1) << (lg2 - 12);
}

/* The same for a size as a bit of SPACE_SIZES. */
static inline uint64_t tlb_tag_of(uint64_t in, uint64_t size)
{
	return (in << 8 >> 19 & -(size << 1)) | size;
}

static inline unsigned int tlb_tag_lg2(uint64_t tag)
{
	return 12 + (unsigned int)__builtin_ctzll(tag);
}

static inline uint64_t tlb_tag_first(uint64_t tag)
{
	return (tag & (tag - 1)) << 11;
}

static inline int8_t tlb_level(uint64_t code)
{
	return code == 7 ? MSMMU_NO_LEVEL : (int8_t)((int)code - 1);
}

static inline uint64_t tlb_level_code(int level)
{
	return level == MSMMU_NO_LEVEL ? 7 : (uint64_t)(level + 1);
}

static inline uint64_t tlb_granule_code(unsigned int granule_lg2)
{
	return (granule_lg2 - 10) / 2;
}

static inline unsigned int tlb_granule_lg2(uint64_t code)
{
	return 10 + 2 * (unsigned int)code;
}

static inline uint64_t tlb_split_bit(unsigned int granule_lg2, int level)
{
	unsigned int nth = (granule_lg2 - 12) / 2;

	return BIT64(SPACE_SPLIT_SHIFT + nth * 3 + (unsigned int)level -
		     (nth != 0));
}

/* What an entry of this size adds to its space's word, stage 1 as walked. */
static inline uint64_t tlb_uses(unsigned int lg2, unsigned int granule_lg2,
				int level1)
{
	uint64_t uses = BIT64(lg2 - 12);

	if (level1 != MSMMU_NO_LEVEL &&
	    unlikely(msmmu_level_shift(granule_lg2, level1) > lg2))
		uses |= tlb_split_bit(granule_lg2, level1);
	return uses;
}

/* Rights of each stage from those of stage 1 and of both; see above. */
static inline uint32_t tlb_rights(uint32_t s1, uint32_t both)
{
	uint32_t lost = s1 & ~both;
	uint32_t rw = (lost | lost >> 3) & 3;

	return s1 | (MSMMU_S2_ALL &
		     ~(rw * MSMMU_S2_R | (lost >> 2 & 1) * MSMMU_S2_UX |
		       (lost >> 5 & 1) * MSMMU_S2_PX));
}

/* Rights of both stages together: for the unprivileged 2:0, privileged 5:3. */
static inline uint32_t tlb_both(uint32_t rights)
{
	uint32_t s2 = rights / MSMMU_S2_R;
	uint32_t rw = s2 & 3;
	uint32_t unpriv = rw | (s2 >> 2 & 1) << 2;
	uint32_t priv = rw | (s2 >> 3 & 1) << 2;

	return (unpriv | priv << 3) & rights & MSMMU_S1_ALL;
}

/* What of an answer a hit needs. */
struct tlb_hit {
	uint64_t out;
	uint64_t aux;
	uint64_t size; /* a bit of SPACE_SIZES */
	unsigned int lg2;
};

/*
 * The entry for `in`; `base` is what is added to the space's generation to make
 * the stamp.  Without want_aux hit->aux is not read.
 */
static inline __attribute__((always_inline)) bool
tlb_find_entry(const msmmu *m, const struct msmmu_view *view, uint64_t base,
	       uint64_t in, struct tlb_hit *hit, bool want_aux)
{
	uint64_t word = load_acquire(&view->space->word);
	uint64_t key =
		mcache_key(view->owner, (word >> SPACE_GEN_SHIFT) + base);
	uint64_t sizes = word & SPACE_SIZES;

	for (; sizes; sizes &= sizes - 1) {
		unsigned int lg2 = 12 + (unsigned int)__builtin_ctzll(sizes);

		hit->lg2 = lg2;
		hit->size = sizes & -sizes;
		if (likely(mcache_find(&m->tlb, tlb_index(view, in, lg2),
				       tlb_tag_of(in, hit->size), key,
				       &hit->out, want_aux ? &hit->aux : NULL)))
			return true;
	}
	return false;
}

/*
 * Is it known that the view has such entries (tlb_uses())?  `word` is of its
 * space.
 */
static inline bool tlb_view_used(const msmmu *m, const struct msmmu_view *view,
				 uint64_t word, uint64_t uses)
{
	uint32_t i;

	if (unlikely(uses & ~word))
		return false;
	if (!view->first_note)
		return true;
	i = load_acquire(view->first_note);
	return i && load_acquire(&m->views.note[i].owner) == view->owner;
}

/*
 * Put in an entry made with the ticket's stamp; `word` is the ticket's of the
 * view, `uses` is of tlb_uses().  Should that have been forgotten since, so has
 * the stamp.
 */
static inline void tlb_fill_entry(msmmu *m, const struct msmmu_view *view,
				  uint64_t in, unsigned int lg2, uint64_t uses,
				  const struct mcache_entry *e, uint64_t word,
				  uint64_t kills)
{
	if (unlikely(!tlb_view_used(m, view, word, uses)))
		msmmu_view_use(m, view, uses);
	mcache_fill(&m->tlb, tlb_index(view, in, lg2), e, kills);
}

/*
 * A fill for `in` is likely: get the lines it will write, while tables are
 * read.  The guess is an entry of the smallest size in use.
 */
static inline void tlb_prefetch(const msmmu *m, const struct msmmu_view *view,
				uint64_t in)
{
	uint64_t sizes = load_relaxed(&view->space->word) & SPACE_SIZES;
	unsigned int lg2 = sizes ? 12 + (unsigned int)__builtin_ctzll(sizes)
				 : 12;
	const struct mcache_set *set =
		mcache_set(&m->tlb, tlb_index(view, in, lg2));

	__builtin_prefetch(set, 1);
	__builtin_prefetch(set->key, 1);
}

static inline bool tlb_find_view(const msmmu *m, const struct msmmu_view *view,
				 uint64_t base, uint64_t in,
				 struct msmmu_result *res)
{
	struct tlb_hit hit;

	if (!tlb_find_entry(m, view, base, in, &hit, true))
		return false;
	res->pa = (hit.out & OUT_PA) | (in & mask_lg2(hit.lg2));
	res->ipa = FIELD_GET(AUX_IPA, hit.aux) << 12 | (in & mask_lg2(hit.lg2));
	res->rights = tlb_rights((uint32_t)FIELD_GET(AUX_S1, hit.aux),
				 (uint32_t)FIELD_GET(OUT_BOTH, hit.out));
	res->size_lg2 = (uint8_t)hit.lg2;
	res->mair = (uint8_t)FIELD_GET(OUT_MAIR, hit.out);
	res->sh = (uint8_t)FIELD_GET(OUT_SH, hit.out);
	res->global = view->owner & KEY_GLOBAL;
	res->clean = hit.out & OUT_CLEAN;
	res->level1 = tlb_level(FIELD_GET(OUT_LEVEL1, hit.out));
	res->level2 = tlb_level(FIELD_GET(OUT_LEVEL2, hit.out));
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
