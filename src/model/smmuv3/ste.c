/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ste.c - Stream Table Entries: what is ILLEGAL (IHI 0070 5.2.2) and what a
 * legal one means.
 *
 * Both functions are pure: they see the entry and the ID registers (and CR2,
 * which is constant while the SMMU is on).  A feature that the ID registers
 * deny makes its fields RES0, which here means that nobody looks at them.
 */
#include "msmmu.h"

#define F(ste, n, name) FIELD_GET(SMMU_STE_##n##_##name, (ste)->q[n])

unsigned int msmmu_granule_tg0(unsigned int tg0)
{
	static const uint8_t lg2[4] = { 12, 16, 14, 0 };

	return lg2[tg0 & 3];
}

/* Codes of IPS and S2PS that a version does not know act as its largest. */
static unsigned int ps_bits(const struct msmmu_caps *caps, unsigned int code)
{
	if (caps->minor == 0 && code > SMMU_IDR5_OAS_48)
		code = SMMU_IDR5_OAS_48;
	else if (code > SMMU_IDR5_OAS_52)
		code = SMMU_IDR5_OAS_52;
	return (unsigned int)min_u64(smmu_oas_bits(code), caps->oas);
}

uint8_t msmmu_ste_regime(const msmmu *m, const struct smmu_ste *ste)
{
	unsigned int config = F(ste, 0, CONFIG);

	if (!m->caps.hyp || config != SMMU_STE_CONFIG_S1 ||
	    F(ste, 1, STRW) != SMMU_STE_STRW_EL2)
		return MSMMU_REGIME_EL1;
	return MSMMU_REG(m, CR2) & SMMU_CR2_E2H ? MSMMU_REGIME_E2H
						: MSMMU_REGIME_EL2;
}

static const char *check_stage1(const struct msmmu_caps *caps,
				const struct smmu_ste *ste)
{
	unsigned int cdmax = F(ste, 0, S1CDMAX);
	unsigned int fmt = F(ste, 0, S1FMT);
	bool s2 = F(ste, 0, CONFIG) == SMMU_STE_CONFIG_NESTED;

	if (!s2 && caps->hyp && (F(ste, 1, STRW) & 1))
		return "STE.STRW is reserved";
	if (F(ste, 1, S1STALLD) &&
	    caps->stall_model != SMMU_IDR0_STALL_MODEL_BOTH)
		return "STE.S1STALLD without a choice of stalling";
	if (caps->ssid_bits && cdmax > caps->ssid_bits)
		return "STE.S1CDMax above SSIDSIZE";
	if (caps->ssid_bits && cdmax && !caps->cd2l &&
	    (fmt == SMMU_STE_S1FMT_4K_L2 || fmt == SMMU_STE_S1FMT_64K_L2))
		return "STE.S1Fmt asks for two levels";
	if (!s2 && (ste->q[0] & SMMU_STE_0_S1CONTEXTPTR_ADDR) >> caps->oas)
		return "STE.S1ContextPtr above the output size";
	return NULL;
}

/* Level that S2SL0 and S2SL0_2 name, or MSMMU_NO_LEVEL. */
static int s2_start(const struct msmmu_caps *caps, const struct smmu_ste *ste,
		    unsigned int granule)
{
	unsigned int sl0 = F(ste, 2, S2SL0);
	bool ds = caps->ds && F(ste, 3, S2DS);

	if (granule == 12) {
		if (ds && F(ste, 3, S2SL0_2))
			return sl0 ? MSMMU_NO_LEVEL : -1;
		if (sl0 == 3)
			return caps->stt ? 3 : MSMMU_NO_LEVEL;
		return 2 - (int)sl0;
	}
	if (sl0 == 3)
		return granule == 14 && ds ? 0 : MSMMU_NO_LEVEL;
	return 3 - (int)sl0;
}

/* Concatenation makes the first table up to 16 times as large. */
static bool s2_start_fits(unsigned int granule, int start, unsigned int in)
{
	unsigned int idx = granule - 3;
	unsigned int shift;
	bool concat;

	if (start == MSMMU_NO_LEVEL)
		return false;
	shift = granule + (unsigned int)(3 - start) * idx;
	concat = start > (granule == 12 ? -1 : granule == 14 ? 0 : 1);
	return in > shift && in - shift <= idx + (concat ? 4 : 0);
}

static const char *check_s2_input(const struct msmmu_caps *caps,
				  const struct smmu_ste *ste,
				  unsigned int granule)
{
	unsigned int t0sz = F(ste, 2, S2T0SZ);
	unsigned int max = 39, min;
	bool large = granule == 16 || (caps->ds && F(ste, 3, S2DS));

	if (caps->stt)
		max = granule == 16 ? 47 : 48;
	min = (unsigned int)max_u64(large ? 12 : 16, 64u - caps->ias);
	if (t0sz < min || t0sz > max)
		return "STE.S2T0SZ out of range";
	if (!s2_start_fits(granule, s2_start(caps, ste, granule), 64 - t0sz))
		return "STE.S2SL0 does not fit S2T0SZ";
	return NULL;
}

static const char *check_stage2(const struct msmmu_caps *caps,
				const struct smmu_ste *ste)
{
	unsigned int granule = msmmu_granule_tg0(F(ste, 2, S2TG));
	uint64_t ttb = ste->q[3] & SMMU_STE_3_S2TTB_ADDR;
	bool ds = caps->ds && F(ste, 3, S2DS);

	if (F(ste, 2, S2S) && caps->stall_model == SMMU_IDR0_STALL_MODEL_TERM)
		return "STE.S2S without stalling";
	if (!F(ste, 2, S2AA64))
		return "STE.S2AA64 names a format that is not there";
	if (F(ste, 2, S2HA) || F(ste, 2, S2HD))
		return "STE.S2HA or S2HD without hardware update";
	if (!msmmu_has_granule(caps, granule))
		return "STE.S2TG is reserved or not supported";
	if (ttb >> ps_bits(caps, F(ste, 2, S2PS)))
		return "STE.S2TTB above S2PS";
	if (granule < 16 && !ds && ttb >> 48)
		return "STE.S2TTB above 48 bits";
	if (caps->ttendian == SMMU_IDR0_TTENDIAN_LE && F(ste, 2, S2ENDI))
		return "STE.S2ENDI big-endian";
	if (caps->ttendian == SMMU_IDR0_TTENDIAN_BE && !F(ste, 2, S2ENDI))
		return "STE.S2ENDI little-endian";
	return check_s2_input(caps, ste, granule);
}

const char *msmmu_ste_check(const msmmu *m, const struct smmu_ste *ste)
{
	const struct msmmu_caps *caps = &m->caps;
	unsigned int config = F(ste, 0, CONFIG);
	const char *why = NULL;

	if (!F(ste, 0, V))
		return "STE.V is 0";
	if (!(config & 4))
		return NULL;
	if ((config & 1) && !caps->s1p)
		return "STE.Config wants stage 1";
	if ((config & 2) && !caps->s2p)
		return "STE.Config wants stage 2";
	if (config & 1)
		why = check_stage1(caps, ste);
	if (!why && (config & 2))
		why = check_stage2(caps, ste);
	if (!why && (config & 3) && caps->s2p && !caps->vmid16 &&
	    msmmu_ste_regime(m, ste) == MSMMU_REGIME_EL1 &&
	    F(ste, 2, S2VMID) > 0xff)
		why = "STE.S2VMID has more than 8 bits";
	return why;
}

static void decode_overrides(const struct msmmu_caps *caps,
			     const struct smmu_ste *ste, struct msmmu_ctx *ctx)
{
	unsigned int priv = F(ste, 1, PRIVCFG);
	unsigned int instr = F(ste, 1, INSTCFG);

	ctx->priv_and = 1;
	ctx->instr_and = 1;
	if (caps->attr_perms_ovr) {
		ctx->priv_and = priv != SMMU_STE_PRIVCFG_UNPRIV;
		ctx->priv_or = priv == SMMU_STE_PRIVCFG_PRIV;
		ctx->instr_and = instr != SMMU_STE_INSTCFG_DATA;
		ctx->instr_or = instr == SMMU_STE_INSTCFG_INSTR;
	}
	ctx->in_mair = 0xff;
	ctx->in_sh = SMMU_SH_NON;
	if (!caps->attr_types_ovr)
		return;
	if (F(ste, 1, MTCFG))
		ctx->in_mair = msmmu_memattr_to_mair(F(ste, 1, MEMATTR));
	if (F(ste, 1, SHCFG) != SMMU_STE_SHCFG_INCOMING)
		ctx->in_sh = F(ste, 1, SHCFG);
	ctx->in_mair = msmmu_mair_alloc(ctx->in_mair, F(ste, 1, ALLOCCFG));
	ctx->in_sh = msmmu_sh_fix(ctx->in_mair, ctx->in_sh);
}

static void decode_stage2(const struct msmmu_caps *caps,
			  const struct smmu_ste *ste, struct msmmu_ctx *ctx)
{
	struct msmmu_half *half = &ctx->stage2;
	unsigned int table_lg2;

	half->granule_lg2 = msmmu_granule_tg0(F(ste, 2, S2TG));
	half->in_bits = 64 - F(ste, 2, S2T0SZ);
	half->out_bits = ps_bits(caps, F(ste, 2, S2PS));
	half->start = s2_start(caps, ste, half->granule_lg2);
	half->oa_form = MSMMU_OA_48;
	if (half->granule_lg2 == 16 && caps->oas >= 52)
		half->oa_form = MSMMU_OA_64K_52;
	else if (half->granule_lg2 != 16 && caps->ds && F(ste, 3, S2DS))
		half->oa_form = MSMMU_OA_DS;
	half->sh = F(ste, 2, S2SH0);
	half->walk_mair =
		msmmu_cache_to_mair(F(ste, 2, S2IR0), F(ste, 2, S2OR0));
	half->walk_sh = msmmu_sh_fix(half->walk_mair, F(ste, 2, S2SH0));
	half->big_endian = F(ste, 2, S2ENDI);
	half->affd = F(ste, 2, S2AFFD);
	table_lg2 = msmmu_start_table_lg2(half);
	half->ttb = align_down_lg2(ste->q[3] & GENMASK64(51, 4), table_lg2);
	ctx->s2r = F(ste, 2, S2R);
	ctx->s2s = F(ste, 2, S2S);
	ctx->s2ptw = F(ste, 2, S2PTW);
	ctx->s2fwb = caps->fwb && F(ste, 1, S2FWB);
}

void msmmu_ste_decode(msmmu *m, const struct smmu_ste *ste,
		      struct msmmu_ctx *ctx)
{
	const struct msmmu_caps *caps = &m->caps;
	unsigned int config = F(ste, 0, CONFIG);

	ctx->s1 = config & 1;
	ctx->s2 = config & 2;
	ctx->mode = !(config & 4) ? MSMMU_MODE_ABORT
		    : config & 3  ? MSMMU_MODE_XLATE
				  : MSMMU_MODE_BYPASS;
	ctx->regime = ctx->s1 ? msmmu_ste_regime(m, ste) : MSMMU_REGIME_IPA;
	ctx->single_priv = ctx->regime == MSMMU_REGIME_EL2;
	if (caps->s2p && (ctx->regime == MSMMU_REGIME_EL1 || ctx->s2))
		ctx->vmid = F(ste, 2, S2VMID);
	if (!caps->vmid16)
		ctx->vmid &= 0xff;
	decode_overrides(caps, ste, ctx);
	ctx->mev = F(ste, 1, MEV);
	if (ctx->s2)
		decode_stage2(caps, ste, ctx);
	ctx->cd_mair = msmmu_cache_to_mair(F(ste, 1, S1CIR), F(ste, 1, S1COR));
	ctx->cd_sh = msmmu_sh_fix(ctx->cd_mair, F(ste, 1, S1CSH));
}
