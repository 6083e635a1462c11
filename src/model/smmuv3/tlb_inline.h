/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tlb_inline.h - the TLB's look-up, inlined into the translation path, and the
 * layout of its words.
 *
 * tag	valid 63, hash of the owner 62:48, size code 47:44, VA[55:12] 43:0
 * meta	owner 35:0, rights, levels of the leaves, granule
 * out	PA[55:12], MAIR byte, shareability
 * aux	IPA where stage 2 translated
 */
#ifndef MODEL_SMMUV3_TLB_INLINE_H
#define MODEL_SMMUV3_TLB_INLINE_H

#include <errno.h>

#include "msmmu.h"

#define MSMMU_NR_SIZES 10u

#define TLB_VA GENMASK64(55, 0)

#define TAG_PAGE GENMASK64(43, 0)
#define TAG_SIZE GENMASK64(47, 44)

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

#define OUT_PA GENMASK64(55, 12)
#define OUT_MAIR GENMASK64(11, 4)
#define OUT_SH GENMASK64(3, 2)

static inline uint32_t tlb_index(const struct msmmu_view *view, uint64_t in,
				 unsigned int lg2)
{
	return (uint32_t)((in & TLB_VA) >> lg2) + view->salt;
}

static inline uint64_t tlb_tag(const struct msmmu_view *view, uint64_t in,
			       unsigned int code)
{
	unsigned int lg2 = msmmu_sizes[code];

	return view->tag | (uint64_t)code << 44 |
	       (in & TLB_VA) >> lg2 << (lg2 - 12);
}

static inline int8_t tlb_level(uint64_t code)
{
	return code == 7 ? MSMMU_NO_LEVEL : (int8_t)((int)code - 1);
}

/* `base`: what is added to the space's generation to make the stamp. */
static inline bool tlb_find_view(const msmmu *m, const struct msmmu_view *view,
				 uint64_t base, uint64_t in,
				 struct msmmu_result *res)
{
	uint64_t word = load_acquire(&view->space->word);
	uint64_t stamp = (word >> 16) + base;
	uint64_t sizes = word & 0xffff;

	for (; sizes; sizes &= sizes - 1) {
		unsigned int code = (unsigned int)__builtin_ctzll(sizes);
		unsigned int lg2 = msmmu_sizes[code];
		struct mcache_entry e;

		if (!mcache_find(&m->tlb, tlb_index(view, in, lg2),
				 tlb_tag(view, in, code), view->meta,
				 META_OWNER, stamp, &e))
			continue;
		res->pa = (e.out & OUT_PA) | (in & mask_lg2(lg2));
		res->ipa = e.aux | (in & mask_lg2(lg2));
		res->rights = (uint32_t)FIELD_GET(META_RIGHTS, e.meta);
		res->size_lg2 = (uint8_t)lg2;
		res->mair = (uint8_t)FIELD_GET(OUT_MAIR, e.out);
		res->sh = (uint8_t)FIELD_GET(OUT_SH, e.out);
		res->global = e.meta & META_GLOBAL;
		res->level1 = tlb_level(FIELD_GET(META_LEVEL1, e.meta));
		res->level2 = tlb_level(FIELD_GET(META_LEVEL2, e.meta));
		return true;
	}
	return false;
}

#endif /* MODEL_SMMUV3_TLB_INLINE_H */
