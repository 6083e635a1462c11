/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attrs.c - memory types and shareability (IHI 0070 chapter 13).
 *
 * A type is carried as one MAIR byte: high nibble outer, low nibble inner; high
 * nibble 0 is Device.  Of a Normal nibble, 0b0100 is Non-cacheable, bit 3 or 2
 * says write-back or write-through, bits 1:0 allocate on read and on write.
 */
#include "msmmu.h"

#define NIBBLE_NC 0x4u
#define NIBBLE_WT 0xbu
#define NIBBLE_WB 0xfu
/* parts of a cacheable one */
#define NIBBLE_RW 0x3u	  /* allocate on read, on write */
#define NIBBLE_IS_WB 0x4u /* write-back */
#define NIBBLE_STAYS 0x8u /* not transient */
#define NIBBLE_HINTS (NIBBLE_RW | NIBBLE_STAYS)

#define MAIR_NC 0x44u

bool msmmu_mair_is_device(uint8_t mair)
{
	return !(mair & 0xf0);
}

/* 1 NC, 2 WT, 3 WB, as in MemAttr. */
static uint8_t nibble(unsigned int code)
{
	static const uint8_t map[4] = { 0, NIBBLE_NC, NIBBLE_WT, NIBBLE_WB };

	return map[code & 3];
}

uint8_t msmmu_memattr_to_mair(unsigned int memattr)
{
	unsigned int outer = memattr >> 2 & 3, inner = memattr & 3;

	if (!outer)
		return (uint8_t)(inner << 2);
	if (!inner)
		return 0; /* reserved: the strictest Device type */
	return (uint8_t)(nibble(outer) << 4 | nibble(inner));
}

uint8_t msmmu_cache_to_mair(enum msmmu_cache_codes codes, unsigned int inner,
			    unsigned int outer)
{
	/* NC, WB, WT, and what each has of its own */
	static const uint8_t map[][4] = {
		[MSMMU_CODES_CR1] = { NIBBLE_NC, NIBBLE_WB, NIBBLE_WT,
				      NIBBLE_NC },
		/* WB that does not allocate on reads */
		[MSMMU_CODES_S1C] = { NIBBLE_NC, NIBBLE_WB, 0xa, 0xc },
		/* WB that does not allocate on writes */
		[MSMMU_CODES_TABLE] = { NIBBLE_NC, NIBBLE_WB, 0xa, 0xe },
	};

	return (uint8_t)(map[codes][outer & 3] << 4 | map[codes][inner & 3]);
}

uint8_t msmmu_mair_clean(uint8_t mair)
{
	/* Device types use bits 3:2; what else is set picks by them. */
	if (!(mair & 0xf0))
		return mair & 0x0c;
	/* Inner 0 would be Device inside Normal: write-through instead. */
	if (!(mair & 0x0f))
		return mair | 0x3;
	return mair;
}

enum kind {
	KIND_NC = 1,
	KIND_WT,
	KIND_WB,
};

static enum kind kind(uint8_t nib)
{
	if (nib == NIBBLE_NC)
		return KIND_NC;
	/* 00RW and 10RW are write-through, 01RW and 11RW write-back */
	return nib & NIBBLE_IS_WB ? KIND_WB : KIND_WT;
}

/* A cacheable nibble; what does not allocate is not transient either. */
static uint8_t cacheable(enum kind k, uint8_t hints)
{
	uint8_t nib = (uint8_t)((k == KIND_WB ? NIBBLE_IS_WB : 0) | hints);

	return nib & NIBBLE_RW ? nib : nib | NIBBLE_STAYS;
}

/* f(first, second) for the inner and the outer nibble of Normal types. */
static uint8_t by_nibble(uint8_t first, uint8_t second,
			 uint8_t (*f)(uint8_t first, uint8_t second))
{
	return (uint8_t)(f(first >> 4, second >> 4) << 4 |
			 f(first & 0xf, second & 0xf));
}

uint8_t msmmu_sh_fix(uint8_t mair, uint8_t sh)
{
	if (msmmu_mair_is_device(mair) || mair == MAIR_NC)
		return SMMU_SH_OUTER;
	return sh == 1 ? SMMU_SH_NON : sh;
}

/* ---------------------------------------------------- own accesses ------- */

static uint8_t not_allocating(uint8_t nib, uint8_t unused)
{
	return kind(nib) == KIND_NC ? nib : cacheable(kind(nib), 0);
}

/* Codes of QUEUE_*; TABLE_* stand in the same order. */
static struct uiommu_mem_attrs cr1_attrs(uint32_t codes, bool allocates)
{
	uint8_t mair = msmmu_cache_to_mair(MSMMU_CODES_CR1,
					   FIELD_GET(SMMU_CR1_QUEUE_IC, codes),
					   FIELD_GET(SMMU_CR1_QUEUE_OC, codes));

	if (!allocates)
		mair = by_nibble(mair, mair, not_allocating);
	return model_walk_attrs(
		mair, msmmu_sh_fix(mair, FIELD_GET(SMMU_CR1_QUEUE_SH, codes)));
}

struct uiommu_mem_attrs msmmu_strtab_attrs(const msmmu *m)
{
	return cr1_attrs((uint32_t)MSMMU_REG(m, CR1) >> 6,
			 MSMMU_REG(m, STRTAB_BASE) & SMMU_STRTAB_BASE_RA);
}

_Static_assert(SMMU_CR1_TABLE_IC >> 6 == SMMU_CR1_QUEUE_IC &&
		       SMMU_CR1_TABLE_OC >> 6 == SMMU_CR1_QUEUE_OC &&
		       SMMU_CR1_TABLE_SH >> 6 == SMMU_CR1_QUEUE_SH,
	       "the halves of CR1 are alike");
_Static_assert(SMMU_EVENTQ_BASE_WA == SMMU_CMDQ_BASE_RA &&
		       SMMU_PRIQ_BASE_WA == SMMU_CMDQ_BASE_RA,
	       "hints stand in the same bit");

struct uiommu_mem_attrs msmmu_queue_attrs(const msmmu *m, uint64_t base)
{
	return cr1_attrs((uint32_t)MSMMU_REG(m, CR1), base & SMMU_CMDQ_BASE_RA);
}

/* ------------------------------------------------------------ coming in -- */

/* MTCFG: another kind; hints stay where there were any. */
static uint8_t retype(uint8_t to, uint8_t from)
{
	if (kind(to) == KIND_NC)
		return NIBBLE_NC;
	if (kind(from) == KIND_NC)
		return cacheable(kind(to), NIBBLE_HINTS);
	return cacheable(kind(to), from & NIBBLE_HINTS);
}

/* ALLOCCFG = 1RWT. */
static uint8_t realloc_hints(uint8_t nib, uint8_t alloccfg)
{
	uint8_t hints = (uint8_t)(alloccfg >> 1 & NIBBLE_RW);

	if (kind(nib) == KIND_NC)
		return nib;
	return cacheable(kind(nib), hints | (alloccfg & 1 ? 0 : NIBBLE_STAYS));
}

void msmmu_attrs_override(const struct msmmu_overrides *ovr, uint8_t *mair,
			  uint8_t *sh)
{
	if (ovr->mt && msmmu_mair_is_device(ovr->mair))
		*mair = ovr->mair;
	else if (ovr->mt && msmmu_mair_is_device(*mair))
		*mair = by_nibble(ovr->mair, MAIR_NC, retype);
	else if (ovr->mt)
		*mair = by_nibble(ovr->mair, *mair, retype);
	if ((ovr->alloccfg & 8) && !msmmu_mair_is_device(*mair))
		*mair = by_nibble(*mair,
				  (uint8_t)(ovr->alloccfg << 4 | ovr->alloccfg),
				  realloc_hints);
	if (ovr->shcfg != SMMU_STE_SHCFG_INCOMING)
		*sh = ovr->shcfg;
	*sh = msmmu_sh_fix(*mair, *sh);
}

void msmmu_attrs_told(const struct uiommu_smmuv3_txn *in, uint8_t *mair,
		      uint8_t *sh)
{
	*mair = MSMMU_MAIR_DEFAULT;
	*sh = SMMU_SH_NON;
	if (!(in->flags & UIOMMU_TXN_ATTRS))
		return;
	*mair = msmmu_mair_clean(in->attrs.mair);
	*sh = msmmu_sh_fix(*mair, in->attrs.sh);
}

void msmmu_attrs_input(const struct msmmu_txn *t, uint8_t *mair, uint8_t *sh)
{
	*mair = t->ctx->in_mair;
	*sh = t->ctx->in_sh;
	if (likely(!(t->in->flags & UIOMMU_TXN_ATTRS)))
		return;
	msmmu_attrs_told(t->in, mair, sh);
	msmmu_attrs_override(&t->ctx->ovr, mair, sh);
}

/* ------------------------------------------------------------- combining -- */

static uint8_t limit(uint8_t nib, uint8_t by)
{
	if (kind(nib) == KIND_NC || kind(by) == KIND_NC)
		return nib;
	return cacheable(kind(nib), nib & by & NIBBLE_HINTS);
}

uint8_t msmmu_mair_limit(uint8_t mair, uint8_t by)
{
	if (msmmu_mair_is_device(mair) || msmmu_mair_is_device(by))
		return mair;
	return by_nibble(mair, by, limit);
}

/* Stage 2 weakens the kind and has no hints of its own. */
static uint8_t weaken(uint8_t s1, uint8_t s2)
{
	enum kind k = kind(s1) < kind(s2) ? kind(s1) : kind(s2);

	return k == KIND_NC ? NIBBLE_NC : cacheable(k, s1 & NIBBLE_HINTS);
}

static uint8_t combine_types(uint8_t s1, uint8_t s2)
{
	bool dev1 = msmmu_mair_is_device(s1), dev2 = msmmu_mair_is_device(s2);

	if (dev1 && dev2)
		return s1 < s2 ? s1 : s2;
	if (dev1 || dev2)
		return dev1 ? s1 : s2;
	return by_nibble(s1, s2, weaken);
}

/* `s2` names the four cases of MemAttr[1:0] with MemAttr[2] set. */
static uint8_t combine_fwb(uint8_t s1, unsigned int s2)
{
	if (!(s2 & 4))
		return combine_types(s1, (uint8_t)((s2 & 3) << 2));
	switch (s2 & 3) {
	case 3: /* as stage 1 */
		return s1;
	case 2: /* write-back whatever stage 1 says but for hints */
		return by_nibble(MSMMU_MAIR_DEFAULT,
				 msmmu_mair_is_device(s1) ? MAIR_NC : s1,
				 retype);
	default: /* Non-cacheable; 0 is reserved and does the same */
		return msmmu_mair_is_device(s1) ? s1 : MAIR_NC;
	}
}

static unsigned int sh_rank(uint8_t sh)
{
	return sh == SMMU_SH_OUTER ? 2 : sh == SMMU_SH_INNER ? 1 : 0;
}

void msmmu_attrs_combine(const struct msmmu_ctx *ctx, unsigned int s2_memattr,
			 uint8_t s2_sh, uint8_t *mair, uint8_t *sh)
{
	if (ctx->s2fwb)
		*mair = combine_fwb(*mair, s2_memattr & 7);
	else
		*mair = combine_types(*mair, msmmu_memattr_to_mair(s2_memattr));
	if (sh_rank(s2_sh) > sh_rank(*sh))
		*sh = s2_sh;
	*sh = msmmu_sh_fix(*mair, *sh);
}

/* ------------------------------------------------------------- going out -- */

void msmmu_attrs_output(const struct msmmu_txn *t, uint8_t *mair, uint8_t *sh)
{
	uint8_t in_mair, in_sh;

	if (t->ctx && t->ctx->s1) {
		msmmu_attrs_input(t, &in_mair, &in_sh);
		*mair = msmmu_mair_limit(*mair, in_mair);
	}
	if ((t->in->flags & UIOMMU_TXN_NO_SNOOP) &&
	    !msmmu_mair_is_device(*mair)) {
		*mair = MAIR_NC;
		*sh = SMMU_SH_OUTER;
	}
}
