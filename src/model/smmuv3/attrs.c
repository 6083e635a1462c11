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

uint8_t msmmu_cache_to_mair(unsigned int inner, unsigned int outer)
{
	/* IRx, ORx, S1CIR…: NC, WB allocating, WT, WB allocating less */
	static const uint8_t map[4] = { NIBBLE_NC, NIBBLE_WB, 0xa, 0xe };

	return (uint8_t)(map[outer & 3] << 4 | map[inner & 3]);
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

static unsigned int kind(uint8_t nib)
{
	if (nib == NIBBLE_NC)
		return 1;
	/* 00RW and 10RW are write-through, 01RW and 11RW write-back */
	return nib & 4 ? 3 : 2;
}

uint8_t msmmu_mair_alloc(uint8_t mair, unsigned int alloccfg)
{
	uint8_t rw = (uint8_t)(alloccfg >> 1 & 3);
	uint8_t out = mair;

	if (!(alloccfg & 8) || msmmu_mair_is_device(mair))
		return mair;
	for (unsigned int s = 0; s <= 4; s += 4) {
		uint8_t nib = mair >> s & 0xf;

		if (kind(nib) == 1)
			continue;
		nib = (uint8_t)((nib & 0xc) | rw);
		if (alloccfg & 1)
			nib &= 0x7; /* transient */
		out = (uint8_t)((out & ~(0xf << s)) | nib << s);
	}
	return out;
}

uint8_t msmmu_sh_fix(uint8_t mair, uint8_t sh)
{
	if (msmmu_mair_is_device(mair) || mair == 0x44)
		return SMMU_SH_OUTER;
	return sh == 1 ? SMMU_SH_NON : sh;
}

/* The weaker of two nibbles; allocation hints of the first. */
static uint8_t weaker(uint8_t a, uint8_t b)
{
	return kind(a) <= kind(b) ? a : (uint8_t)(nibble(kind(b)));
}

static uint8_t combine_types(uint8_t s1, uint8_t s2)
{
	bool dev1 = msmmu_mair_is_device(s1), dev2 = msmmu_mair_is_device(s2);

	if (dev1 && dev2)
		return s1 < s2 ? s1 : s2;
	if (dev1 || dev2)
		return dev1 ? s1 : s2;
	return (uint8_t)(weaker(s1 >> 4, s2 >> 4) << 4 |
			 weaker(s1 & 0xf, s2 & 0xf));
}

static uint8_t combine_fwb(uint8_t s1, unsigned int s2)
{
	if (!(s2 & 4))
		return combine_types(s1, (uint8_t)((s2 & 3) << 2));
	switch (s2 & 3) {
	case 1:
		return msmmu_mair_is_device(s1) ? s1 : 0x44;
	case 2:
		if (msmmu_mair_is_device(s1) || s1 == 0x44)
			return 0xff;
		return (uint8_t)((s1 | 0x44) | 0x88);
	default:
		return s1; /* 7: as stage 1; 4 is reserved, the same */
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
