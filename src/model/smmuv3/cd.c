/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cd.c - Context Descriptors: what is ILLEGAL (IHI 0070 5.4.2) and what a legal
 * one means.
 *
 * Both translation tables are checked whatever the address, unless EPDx turns
 * one off.  An EL2 stream without E2H has TTB0 only.
 */
#include "../mutant.h"
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

/* ---------------------------------------------------------------- rules -- */

/* What the rules look at. */
struct cd_view {
	const struct msmmu_caps *caps;
	const struct smmu_ste *ste;
	const struct smmu_cd *cd;
	uint8_t regime;
	bool off[2]; /* tables that are turned off, or that there is none of */
	bool ds;
};

static bool cd_1(const struct cd_view *v)
{
	return !F(v->cd, 0, V);
}

static bool cd_2(const struct cd_view *v)
{
	return F(v->cd, 0, S) && FIELD_GET(SMMU_STE_1_S1STALLD, v->ste->q[1]);
}

static bool cd_3(const struct cd_view *v)
{
	return v->caps->term_only && !F(v->cd, 0, A);
}

static bool cd_4a(const struct cd_view *v)
{
	return v->caps->stall_model == SMMU_IDR0_STALL_MODEL_TERM &&
	       F(v->cd, 0, S);
}

static bool cd_4b(const struct cd_view *v)
{
	return v->caps->stall_model == SMMU_IDR0_STALL_MODEL_FORCED &&
	       !F(v->cd, 0, S);
}

static bool cd_5(const struct cd_view *v)
{
	return !F(v->cd, 0, AA64);
}

static bool cd_7a(const struct cd_view *v)
{
	return v->caps->httu == SMMU_IDR0_HTTU_NONE &&
	       (F(v->cd, 0, HA) || F(v->cd, 0, HD));
}

static bool cd_7b(const struct cd_view *v)
{
	return v->caps->httu == SMMU_IDR0_HTTU_AF && F(v->cd, 0, HD);
}

static bool cd_7c(const struct cd_view *v)
{
	return v->caps->httu == SMMU_IDR0_HTTU_HAFT && F(v->cd, 1, HAFT) &&
	       !F(v->cd, 0, HA);
}

static bool cd_8(const struct cd_view *v)
{
	return v->regime != MSMMU_REGIME_EL2 && !v->caps->asid16 &&
	       F(v->cd, 0, ASID) > 0xff;
}

static bool tsz_too_large(const struct cd_view *v, unsigned int i)
{
	struct half_fields f = half_fields(v->cd, i);

	return f.tsz > (!v->caps->stt ? 39 : f.granule == 16 ? 47 : 48);
}

static bool tsz_too_small(const struct cd_view *v, unsigned int i)
{
	struct half_fields f = half_fields(v->cd, i);

	return f.tsz < (v->caps->vax52 && (f.granule == 16 || v->ds) ? 12 : 16);
}

static bool cd_9a(const struct cd_view *v)
{
	return tsz_too_large(v, 0);
}

static bool cd_9b(const struct cd_view *v)
{
	return tsz_too_small(v, 0);
}

static bool cd_9c(const struct cd_view *v)
{
	return tsz_too_large(v, 1);
}

static bool cd_9d(const struct cd_view *v)
{
	return tsz_too_small(v, 1);
}

static bool cd_10a(const struct cd_view *v)
{
	return !msmmu_has_granule(v->caps, half_fields(v->cd, 0).granule);
}

static bool cd_10b(const struct cd_view *v)
{
	return !msmmu_has_granule(v->caps, half_fields(v->cd, 1).granule);
}

static bool cd_11a(const struct cd_view *v)
{
	return half_fields(v->cd, 0).ttb >> ips_bits(v->caps, v->cd);
}

static bool ttb_above_48(const struct cd_view *v, unsigned int i)
{
	struct half_fields f = half_fields(v->cd, i);

	return f.granule < 16 && !v->ds && f.ttb >> 48;
}

static bool cd_11b(const struct cd_view *v)
{
	return ttb_above_48(v, 0);
}

static bool cd_11c(const struct cd_view *v)
{
	return half_fields(v->cd, 1).ttb >> ips_bits(v->caps, v->cd);
}

static bool cd_11d(const struct cd_view *v)
{
	return ttb_above_48(v, 1);
}

static bool cd_12a(const struct cd_view *v)
{
	return v->caps->ttendian == SMMU_IDR0_TTENDIAN_LE && F(v->cd, 0, ENDI);
}

static bool cd_12b(const struct cd_view *v)
{
	return v->caps->ttendian == SMMU_IDR0_TTENDIAN_BE && !F(v->cd, 0, ENDI);
}

/* When a rule counts: always, or while the table it is about is on. */
enum {
	ALWAYS,
	TTB0,
	TTB1,
	EITHER,
};

/*
 * The rules by number (docs/spec-map.md).  Numbers 6 and 13 are about features
 * that no profile may have: AArch32 tables and indirect permissions.  On
 * SMMUv3.0, where 9 is left open, the descriptor is ILLEGAL too.
 */
#define CD_RULES(X)                                                   \
	X(1, ALWAYS, "CD.V is 0")                                     \
	X(2, ALWAYS, "CD.S against STE.S1STALLD")                     \
	X(3, ALWAYS, "CD.A is 0 where only aborts exist")             \
	X(4a, ALWAYS, "CD.S without stalling")                        \
	X(4b, ALWAYS, "CD.S is 0 where all must stall")               \
	X(5, ALWAYS, "CD.AA64 names a format that is not there")      \
	X(7a, ALWAYS, "CD.HA or HD without hardware update")          \
	X(7b, ALWAYS, "CD.HD without hardware update of dirty state") \
	X(7c, ALWAYS, "CD.HAFT without HA")                           \
	X(8, ALWAYS, "CD.ASID has more than 8 bits")                  \
	X(10a, TTB0, "CD.TG0 is reserved or not supported")           \
	X(10b, TTB1, "CD.TG1 is reserved or not supported")           \
	X(9a, TTB0, "CD.T0SZ too large")                              \
	X(9b, TTB0, "CD.T0SZ too small")                              \
	X(9c, TTB1, "CD.T1SZ too large")                              \
	X(9d, TTB1, "CD.T1SZ too small")                              \
	X(11a, TTB0, "CD.TTB0 above IPS")                             \
	X(11b, TTB0, "CD.TTB0 above 48 bits")                         \
	X(11c, TTB1, "CD.TTB1 above IPS")                             \
	X(11d, TTB1, "CD.TTB1 above 48 bits")                         \
	X(12a, EITHER, "CD.ENDI big-endian")                          \
	X(12b, EITHER, "CD.ENDI little-endian")

#define NAME(n, when, why) MUTANT_NAME(mutant_cd_##n, "CD-" #n);
CD_RULES(NAME)
#undef NAME

static const struct {
	const char *id;
	bool (*broken)(const struct cd_view *v);
	unsigned int when;
	const char *why;
} rules[] = {
#define ROW(n, when, why) { "CD-" #n, cd_##n, when, why },
	CD_RULES(ROW)
#undef ROW
};

static bool counts(const struct cd_view *v, unsigned int when)
{
	switch (when) {
	case TTB0:
		return !v->off[0];
	case TTB1:
		return !v->off[1];
	case EITHER:
		return !v->off[0] || !v->off[1];
	default:
		return true;
	}
}

const char *msmmu_cd_check(const msmmu *m, const struct smmu_ste *ste,
			   const struct msmmu_ctx *ctx,
			   const struct smmu_cd *cd)
{
	bool el2 = ctx->regime == MSMMU_REGIME_EL2;
	struct cd_view v = {
		.caps = &m->caps,
		.ste = ste,
		.cd = cd,
		.regime = ctx->regime,
		.off = { !el2 && F(cd, 0, EPD0), el2 || F(cd, 0, EPD1) },
		.ds = m->caps.ds && F(cd, 2, DS),
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rules); i++) {
		if (counts(&v, rules[i].when) && rules[i].broken(&v) &&
		    !MUTANT_IS(rules[i].id))
			return rules[i].why;
	}
	return NULL;
}

/* --------------------------------------------------------------- meaning -- */

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
	half->walk_mair = msmmu_cache_to_mair(
		MSMMU_CODES_TABLE, i ? F(cd, 0, IR1) : F(cd, 0, IR0),
		i ? F(cd, 0, OR1) : F(cd, 0, OR0));
	half->walk_sh = msmmu_sh_fix(half->walk_mair, half->sh);
	half->big_endian = F(cd, 0, ENDI);
	half->ha = caps->httu && F(cd, 0, HA);
	half->hd = half->ha && caps->httu >= SMMU_IDR0_HTTU_AF_DIRTY &&
		   F(cd, 0, HD);
	half->haft = half->ha && caps->httu == SMMU_IDR0_HTTU_HAFT &&
		     F(cd, 1, HAFT);
	half->affd = !half->ha && F(cd, 0, AFFD);
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
