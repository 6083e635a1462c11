/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cd.c - Context Descriptors: what is ILLEGAL (IHI 0070 5.4.2) and what a legal
 * one means.
 *
 * Both translation tables are checked whatever the address, unless EPDx turns
 * one off.  An EL2 stream without E2H has TTB0 only.
 */
#include "msmmu.h"

#define F(cd, n, name) FIELD_GET(SMMU_CD_##n##_##name, (cd)->q[n])

unsigned int msmmu_granule_tg1(unsigned int tg1)
{
	static const uint8_t lg2[4] = { 0, 14, 12, 16 };

	return lg2[tg1 & 3];
}

static unsigned int ips_bits(const struct msmmu_caps *caps,
			     const struct smmu_cd *cd)
{
	unsigned int code = F(cd, 0, IPS);

	if (caps->minor == 0 && code > SMMU_IDR5_OAS_48)
		code = SMMU_IDR5_OAS_48;
	else if (code > SMMU_IDR5_OAS_52)
		code = SMMU_IDR5_OAS_52;
	return (unsigned int)min_u64(smmu_oas_bits(code), caps->oas);
}

/* The fields of one table, wherever they stand. */
struct half_fields {
	unsigned int tsz, granule;
	uint64_t ttb;
	bool epd;
};

static struct half_fields half_fields(const struct smmu_cd *cd, unsigned int i)
{
	if (i)
		return (struct half_fields){
			.tsz = F(cd, 0, T1SZ),
			.granule = msmmu_granule_tg1(F(cd, 0, TG1)),
			.ttb = cd->q[2] & SMMU_CD_2_TTB1_ADDR,
			.epd = F(cd, 0, EPD1),
		};
	return (struct half_fields){
		.tsz = F(cd, 0, T0SZ),
		.granule = msmmu_granule_tg0(F(cd, 0, TG0)),
		.ttb = cd->q[1] & SMMU_CD_1_TTB0_ADDR,
		.epd = F(cd, 0, EPD0),
	};
}

static const char *check_half(const struct msmmu_caps *caps,
			      const struct smmu_cd *cd, unsigned int i)
{
	struct half_fields f = half_fields(cd, i);
	bool ds = caps->ds && F(cd, 2, DS);
	unsigned int max = 39, min = 16;

	if (!msmmu_has_granule(caps, f.granule))
		return i ? "CD.TG1 is reserved or not supported"
			 : "CD.TG0 is reserved or not supported";
	if (caps->stt)
		max = f.granule == 16 ? 47 : 48;
	if (caps->vax52 && (f.granule == 16 || ds))
		min = 12;
	if (f.tsz < min || f.tsz > max)
		return i ? "CD.T1SZ out of range" : "CD.T0SZ out of range";
	if (f.ttb >> ips_bits(caps, cd))
		return i ? "CD.TTB1 above IPS" : "CD.TTB0 above IPS";
	if (f.granule < 16 && !ds && f.ttb >> 48)
		return i ? "CD.TTB1 above 48 bits" : "CD.TTB0 above 48 bits";
	return NULL;
}

static const char *check_fault_model(const struct msmmu_caps *caps,
				     const struct smmu_ste *ste,
				     const struct smmu_cd *cd)
{
	bool s = F(cd, 0, S);

	if (s && FIELD_GET(SMMU_STE_1_S1STALLD, ste->q[1]))
		return "CD.S against STE.S1STALLD";
	if (s && caps->stall_model == SMMU_IDR0_STALL_MODEL_TERM)
		return "CD.S without stalling";
	if (!F(cd, 0, A) && caps->term_only)
		return "CD.A is 0 where only aborts exist";
	return NULL;
}

const char *msmmu_cd_check(const msmmu *m, const struct smmu_ste *ste,
			   const struct msmmu_ctx *ctx,
			   const struct smmu_cd *cd)
{
	const struct msmmu_caps *caps = &m->caps;
	bool el2 = ctx->regime == MSMMU_REGIME_EL2;
	bool epd0 = !el2 && F(cd, 0, EPD0);
	bool epd1 = el2 || F(cd, 0, EPD1);
	const char *why;

	if (!F(cd, 0, V))
		return "CD.V is 0";
	why = check_fault_model(caps, ste, cd);
	if (why)
		return why;
	if (!F(cd, 0, AA64))
		return "CD.AA64 names a format that is not there";
	if (F(cd, 0, HA) || F(cd, 0, HD))
		return "CD.HA or HD without hardware update";
	if (!el2 && !caps->asid16 && F(cd, 0, ASID) > 0xff)
		return "CD.ASID has more than 8 bits";
	if (!epd0)
		why = check_half(caps, cd, 0);
	if (!why && !epd1)
		why = check_half(caps, cd, 1);
	if (why || (epd0 && epd1))
		return why;
	if (caps->ttendian == SMMU_IDR0_TTENDIAN_LE && F(cd, 0, ENDI))
		return "CD.ENDI big-endian";
	if (caps->ttendian == SMMU_IDR0_TTENDIAN_BE && !F(cd, 0, ENDI))
		return "CD.ENDI little-endian";
	return NULL;
}

unsigned int msmmu_start_table_lg2(const struct msmmu_half *half)
{
	unsigned int shift = msmmu_level_shift(half->granule_lg2, half->start);
	unsigned int lg2 = half->in_bits - shift + 3;

	/* 52-bit bases leave no room for smaller alignment. */
	return half->out_bits == 52 && lg2 < 6 ? 6 : lg2;
}

static void decode_half(const struct msmmu_caps *caps, const struct smmu_cd *cd,
			unsigned int i, struct msmmu_half *half)
{
	struct half_fields f = half_fields(cd, i);
	bool ds = caps->ds && F(cd, 2, DS) && f.granule != 16;
	unsigned int idx = f.granule - 3;

	half->off = f.epd;
	if (f.epd)
		return;
	half->granule_lg2 = f.granule;
	half->in_bits = 64 - f.tsz;
	half->out_bits = ips_bits(caps, cd);
	half->start = 3 - (int)((half->in_bits - 1u - f.granule) / idx);
	half->oa_form = ds				     ? MSMMU_OA_DS
			: f.granule == 16 && caps->oas >= 52 ? MSMMU_OA_64K_52
							     : MSMMU_OA_48;
	half->sh = i ? F(cd, 0, SH1) : F(cd, 0, SH0);
	half->walk_mair = i ? msmmu_cache_to_mair(F(cd, 0, IR1), F(cd, 0, OR1))
			    : msmmu_cache_to_mair(F(cd, 0, IR0), F(cd, 0, OR0));
	half->walk_sh = msmmu_sh_fix(half->walk_mair, half->sh);
	half->big_endian = F(cd, 0, ENDI);
	half->affd = F(cd, 0, AFFD);
	half->had = caps->had && (i ? F(cd, 2, HAD1) : F(cd, 1, HAD0));
	half->e0pd = caps->e0pd && (i ? F(cd, 2, E0PD1) : F(cd, 1, E0PD0));
	half->ttb = align_down_lg2(f.ttb & GENMASK64(51, 4),
				   msmmu_start_table_lg2(half));
}

void msmmu_cd_decode(msmmu *m, const struct smmu_cd *cd, struct msmmu_ctx *ctx)
{
	const struct msmmu_caps *caps = &m->caps;
	bool el2 = ctx->regime == MSMMU_REGIME_EL2;
	struct smmu_cd one = *cd;

	if (el2)
		one.q[0] &= ~SMMU_CD_0_EPD0;
	decode_half(caps, &one, 0, &ctx->half[0]);
	ctx->tbi = F(cd, 0, TBI0);
	ctx->two_halves = !el2;
	if (el2) {
		ctx->half[0].e0pd = false;
		ctx->half[1].off = true;
	} else {
		decode_half(caps, cd, 1, &ctx->half[1]);
		ctx->tbi |= F(cd, 0, TBI1) << 1;
		ctx->asid = F(cd, 0, ASID);
		ctx->aset = F(cd, 0, ASET);
		ctx->pan = F(cd, 0, PAN);
		ctx->epan = caps->epan && F(cd, 1, EPAN);
	}
	if (!caps->asid16)
		ctx->asid &= 0xff;
	ctx->wxn = F(cd, 0, WXN);
	ctx->r = F(cd, 0, R);
	ctx->s = F(cd, 0, S);
	ctx->a = F(cd, 0, A);
	ctx->mair = cd->q[3];
}
