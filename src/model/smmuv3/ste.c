/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ste.c - Stream Table Entries: what is ILLEGAL (IHI 0070 5.2.2) and what a
 * legal one means.
 *
 * The check is pure: it sees the entry and the ID registers (and CR2, which is
 * constant while the SMMU is on).  A feature that the ID registers
 * deny makes its fields RES0, which here means that nobody looks at them.
 */
#include "../mutant.h"
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
	return msmmu_cr2(m) & SMMU_CR2_E2H ? MSMMU_REGIME_E2H
					   : MSMMU_REGIME_EL2;
}

/* ---------------------------------------------------------------- rules -- */

/* What the rules look at. */
struct ste_view {
	const struct msmmu_caps *caps;
	const struct smmu_ste *ste;
	uint8_t regime;
	unsigned int config;
	unsigned int granule; /* of stage 2; 0 is none */
	bool ds;
};

static struct ste_view view_of(const msmmu *m, const struct smmu_ste *ste)
{
	return (struct ste_view){
		.caps = &m->caps,
		.ste = ste,
		.regime = msmmu_ste_regime(m, ste),
		.config = F(ste, 0, CONFIG),
		.granule = msmmu_granule_tg0(F(ste, 2, S2TG)),
		.ds = m->caps.ds && F(ste, 3, S2DS),
	};
}

/* Level that S2SL0 and S2SL0_2 name, or MSMMU_NO_LEVEL. */
static int s2_start(const struct ste_view *v)
{
	unsigned int sl0 = F(v->ste, 2, S2SL0);

	if (v->granule == 12) {
		if (v->ds && F(v->ste, 3, S2SL0_2))
			return sl0 ? MSMMU_NO_LEVEL : -1;
		if (sl0 == 3)
			return v->caps->stt ? 3 : MSMMU_NO_LEVEL;
		return 2 - (int)sl0;
	}
	if (sl0 == 3)
		return v->granule == 14 && v->ds ? 0 : MSMMU_NO_LEVEL;
	return 3 - (int)sl0;
}

/* Concatenation makes the first table up to 16 times as large. */
static bool s2_start_fits(const struct ste_view *v)
{
	unsigned int in = 64 - F(v->ste, 2, S2T0SZ);
	unsigned int idx = v->granule - 3, shift;
	int start = s2_start(v);
	bool concat;

	if (start == MSMMU_NO_LEVEL)
		return false;
	shift = v->granule + (unsigned int)(3 - start) * idx;
	concat = start > (v->granule == 12 ? -1 : v->granule == 14 ? 0 : 1);
	return in > shift && in - shift <= idx + (concat ? 4 : 0);
}

static bool ste_1(const struct ste_view *v)
{
	return !F(v->ste, 0, V);
}

static bool ste_2(const struct ste_view *v)
{
	return !v->caps->s1p;
}

static bool ste_3(const struct ste_view *v)
{
	return !v->caps->s2p;
}

static bool eats_is(const struct ste_view *v, unsigned int eats)
{
	return v->caps->ats && F(v->ste, 1, EATS) == eats;
}

static bool ste_4a(const struct ste_view *v)
{
	return eats_is(v, SMMU_STE_EATS_SPLIT) &&
	       v->config != SMMU_STE_CONFIG_NESTED;
}

static bool ste_4b(const struct ste_view *v)
{
	return eats_is(v, SMMU_STE_EATS_SPLIT) && F(v->ste, 2, S2S);
}

static bool ste_4c(const struct ste_view *v)
{
	return eats_is(v, SMMU_STE_EATS_SPLIT) && v->caps->ns1ats;
}

static bool ste_5(const struct ste_view *v)
{
	return eats_is(v, SMMU_STE_EATS_FULL) && F(v->ste, 2, S2S);
}

static bool ste_7(const struct ste_view *v)
{
	return v->config == SMMU_STE_CONFIG_S1 && v->caps->hyp &&
	       (F(v->ste, 1, STRW) & 1);
}

static bool ste_8(const struct ste_view *v)
{
	return F(v->ste, 1, S1STALLD) &&
	       v->caps->stall_model != SMMU_IDR0_STALL_MODEL_BOTH;
}

static bool ste_9(const struct ste_view *v)
{
	return v->caps->ssid_bits && F(v->ste, 0, S1CDMAX) > v->caps->ssid_bits;
}

static bool ste_10(const struct ste_view *v)
{
	unsigned int fmt = F(v->ste, 0, S1FMT);

	return v->caps->ssid_bits && F(v->ste, 0, S1CDMAX) && !v->caps->cd2l &&
	       (fmt == SMMU_STE_S1FMT_4K_L2 || fmt == SMMU_STE_S1FMT_64K_L2);
}

static bool ste_11(const struct ste_view *v)
{
	return v->config == SMMU_STE_CONFIG_S1 &&
	       (v->ste->q[0] & SMMU_STE_0_S1CONTEXTPTR_ADDR) >> v->caps->oas;
}

static bool ste_13a(const struct ste_view *v)
{
	return v->caps->stall_model == SMMU_IDR0_STALL_MODEL_TERM &&
	       F(v->ste, 2, S2S);
}

static bool ste_13b(const struct ste_view *v)
{
	return v->caps->stall_model == SMMU_IDR0_STALL_MODEL_FORCED &&
	       !F(v->ste, 2, S2S);
}

static bool ste_14(const struct ste_view *v)
{
	return !F(v->ste, 2, S2AA64);
}

static bool ste_15(const struct ste_view *v)
{
	return v->caps->httu == SMMU_IDR0_HTTU_NONE &&
	       (F(v->ste, 2, S2HA) || F(v->ste, 2, S2HD));
}

static bool ste_16(const struct ste_view *v)
{
	return v->caps->httu == SMMU_IDR0_HTTU_AF && F(v->ste, 2, S2HD);
}

static bool ste_17(const struct ste_view *v)
{
	return v->caps->httu == SMMU_IDR0_HTTU_HAFT && F(v->ste, 2, S2HAFT) &&
	       !F(v->ste, 2, S2HA);
}

static bool ste_18(const struct ste_view *v)
{
	return !msmmu_has_granule(v->caps, v->granule);
}

static bool ste_19a(const struct ste_view *v)
{
	return (v->ste->q[3] & SMMU_STE_3_S2TTB_ADDR) >>
	       ps_bits(v->caps, F(v->ste, 2, S2PS));
}

static bool ste_19b(const struct ste_view *v)
{
	return v->granule < 16 && !v->ds &&
	       (v->ste->q[3] & SMMU_STE_3_S2TTB_ADDR) >> 48;
}

static bool ste_20a(const struct ste_view *v)
{
	unsigned int max = !v->caps->stt ? 39 : v->granule == 16 ? 47 : 48;

	return F(v->ste, 2, S2T0SZ) > max;
}

static bool ste_20b(const struct ste_view *v)
{
	unsigned int min = v->caps->minor == 0	       ? 0
			   : v->granule == 16 || v->ds ? 12
						       : 16;

	return F(v->ste, 2, S2T0SZ) < max_u64(min, 64u - v->caps->ias);
}

static bool ste_21(const struct ste_view *v)
{
	/* A granule that is none fits nothing; mutants may come here so. */
	return !v->granule || !s2_start_fits(v);
}

static bool ste_22a(const struct ste_view *v)
{
	return v->caps->ttendian == SMMU_IDR0_TTENDIAN_LE &&
	       F(v->ste, 2, S2ENDI);
}

static bool ste_22b(const struct ste_view *v)
{
	return v->caps->ttendian == SMMU_IDR0_TTENDIAN_BE &&
	       !F(v->ste, 2, S2ENDI);
}

static bool ste_24(const struct ste_view *v)
{
	return v->caps->s2p && !v->caps->vmid16 &&
	       v->regime == MSMMU_REGIME_EL1 && F(v->ste, 2, S2VMID) > 0xff;
}

/*
 * The rules by number (docs/spec-map.md), with the configurations in which they
 * count: bits of Config that must be set.  Numbers 6, 12, 23 and 25 are about
 * features that no profile may have: DPT, AArch32 tables, indirect permissions
 * and MPAM.  On SMMUv3.0, where rule 11 and parts of 20 are left open, the
 * entry is ILLEGAL too; of 5 it does not look at S2S without stage 2.
 */
#define STE_RULES(X)                                                   \
	X(1, 0, "STE.V is 0")                                          \
	X(2, 1, "STE.Config wants stage 1")                            \
	X(3, 2, "STE.Config wants stage 2")                            \
	X(4a, 3, "STE.EATS wants split-stage ATS without both stages") \
	X(4b, 3, "STE.EATS wants split-stage ATS with S2S")            \
	X(4c, 3, "STE.EATS wants split-stage ATS, which is not there") \
	X(5, 2, "STE.EATS wants ATS with S2S")                         \
	X(7, 1, "STE.STRW is reserved")                                \
	X(8, 1, "STE.S1STALLD without a choice of stalling")           \
	X(9, 1, "STE.S1CDMax above SSIDSIZE")                          \
	X(10, 1, "STE.S1Fmt asks for two levels")                      \
	X(11, 1, "STE.S1ContextPtr above the output size")             \
	X(13a, 2, "STE.S2S without stalling")                          \
	X(13b, 2, "STE.S2S is 0 where all must stall")                 \
	X(14, 2, "STE.S2AA64 names a format that is not there")        \
	X(15, 2, "STE.S2HA or S2HD without hardware update")           \
	X(16, 2, "STE.S2HD without hardware update of dirty state")    \
	X(17, 2, "STE.S2HAFT without S2HA")                            \
	X(18, 2, "STE.S2TG is reserved or not supported")              \
	X(19a, 2, "STE.S2TTB above S2PS")                              \
	X(19b, 2, "STE.S2TTB above 48 bits")                           \
	X(20a, 2, "STE.S2T0SZ too large")                              \
	X(20b, 2, "STE.S2T0SZ too small")                              \
	X(21, 2, "STE.S2SL0 does not fit S2T0SZ")                      \
	X(22a, 2, "STE.S2ENDI big-endian")                             \
	X(22b, 2, "STE.S2ENDI little-endian")                          \
	X(24, 3, "STE.S2VMID has more than 8 bits")

#define NAME(n, when, why) MUTANT_NAME(mutant_ste_##n, "STE-" #n);
STE_RULES(NAME)
#undef NAME

static const struct {
	const char *id;
	bool (*broken)(const struct ste_view *v);
	unsigned int when;
	const char *why;
} rules[] = {
#define ROW(n, when, why) { "STE-" #n, ste_##n, when, why },
	STE_RULES(ROW)
#undef ROW
};

const char *msmmu_ste_check(const msmmu *m, const struct smmu_ste *ste)
{
	struct ste_view v = view_of(m, ste);

	for (unsigned int i = 0; i < ARRAY_SIZE(rules); i++) {
		/* Config = 0xx: nothing but V counts. */
		if (rules[i].when && !(v.config & 4))
			break;
		if (rules[i].when && !(v.config & rules[i].when))
			continue;
		if (rules[i].broken(&v) && !MUTANT_IS(rules[i].id))
			return rules[i].why;
	}
	return NULL;
}

/* --------------------------------------------------------------- meaning -- */

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
	ctx->ovr.shcfg = SMMU_STE_SHCFG_INCOMING;
	if (caps->attr_types_ovr) {
		ctx->ovr.mt = F(ste, 1, MTCFG);
		ctx->ovr.mair = msmmu_memattr_to_mair(F(ste, 1, MEMATTR));
		ctx->ovr.alloccfg = F(ste, 1, ALLOCCFG);
		ctx->ovr.shcfg = F(ste, 1, SHCFG);
	}
	ctx->in_mair = MSMMU_MAIR_DEFAULT;
	ctx->in_sh = SMMU_SH_NON;
	msmmu_attrs_override(&ctx->ovr, &ctx->in_mair, &ctx->in_sh);
	ctx->hints = ctx->s1 && msmmu_mair_limit(0xff, ctx->in_mair) != 0xff;
}

/* What ATS may do: IHI 0070 3.9, with CR0.ATSCHK as it is now. */
static uint8_t decode_eats(const msmmu *m, const struct smmu_ste *ste)
{
	unsigned int eats = F(ste, 1, EATS);

	if (!m->caps.ats || !(F(ste, 0, CONFIG) & 3) ||
	    eats == SMMU_STE_EATS_DPT)
		return SMMU_STE_EATS_OFF;
	if (eats == SMMU_STE_EATS_SPLIT &&
	    !(MSMMU_REG(m, CR0) & SMMU_CR0_ATSCHK))
		return SMMU_STE_EATS_OFF;
	return (uint8_t)eats;
}

static void decode_stage2(const msmmu *m, const struct smmu_ste *ste,
			  struct msmmu_ctx *ctx)
{
	const struct msmmu_caps *caps = &m->caps;
	struct ste_view v = view_of(m, ste);
	struct msmmu_half *half = &ctx->stage2;
	unsigned int table_lg2;

	half->granule_lg2 = v.granule;
	half->in_bits = 64 - F(ste, 2, S2T0SZ);
	half->out_bits = ps_bits(caps, F(ste, 2, S2PS));
	half->start = s2_start(&v);
	half->oa_form = MSMMU_OA_48;
	if (half->granule_lg2 == 16 && caps->oas >= 52)
		half->oa_form = MSMMU_OA_64K_52;
	else if (half->granule_lg2 != 16 && v.ds)
		half->oa_form = MSMMU_OA_DS;
	half->sh = F(ste, 2, S2SH0);
	half->walk_mair = msmmu_cache_to_mair(
		MSMMU_CODES_TABLE, F(ste, 2, S2IR0), F(ste, 2, S2OR0));
	half->walk_sh = msmmu_sh_fix(half->walk_mair, F(ste, 2, S2SH0));
	half->big_endian = F(ste, 2, S2ENDI);
	half->ha = caps->httu && F(ste, 2, S2HA);
	half->hd = half->ha && caps->httu >= SMMU_IDR0_HTTU_AF_DIRTY &&
		   F(ste, 2, S2HD);
	half->haft = half->ha && caps->httu == SMMU_IDR0_HTTU_HAFT &&
		     F(ste, 2, S2HAFT);
	half->affd = !half->ha && F(ste, 2, S2AFFD);
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
	ctx->eats = decode_eats(m, ste);
	ctx->plain_out = caps->plain_out;
	if (ctx->s2)
		decode_stage2(m, ste, ctx);
	ctx->cd_mair = msmmu_cache_to_mair(MSMMU_CODES_S1C, F(ste, 1, S1CIR),
					   F(ste, 1, S1COR));
	ctx->cd_sh = msmmu_sh_fix(ctx->cd_mair, F(ste, 1, S1CSH));
}
