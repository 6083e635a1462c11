/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * strtab.c - from a StreamID and SubstreamID to a context (IHI 0070 3.3, 5.3,
 * 7.3.22 steps 3 to 15).
 *
 * Everything read here lies in memory that a guest writes: each address is
 * checked against the output size, each table index against the size that the
 * registers or the entry above state.  What is found may be cached in any
 * state, a broken one included; a fetch that aborted, or that stage 2 did not
 * let through, is not.  Nor is that a level-1 descriptor leads nowhere: one
 * command that names any StreamID or SubstreamID of it is enough to change that
 * for all of them (5.1.1, 5.3.1).
 */
#include "../mutant.h"
#include "msmmu.h"
#include "tell.h"

static bool bad(struct msmmu_ctx *ctx, uint8_t type, const char *why,
		uint64_t pa, uint64_t word)
{
	ctx->mode = MSMMU_MODE_FAULT;
	ctx->fault = (struct msmmu_fault){
		.type = type,
		.level = MSMMU_NO_LEVEL,
		.record = true,
		.reason = why,
		.ipa = pa,
		.desc_pa = pa,
		.desc = word,
	};
	return true;
}

static bool failed(struct msmmu_ctx *ctx, uint8_t type, const char *why,
		   uint64_t pa)
{
	bad(ctx, type, why, pa, 0);
	return false;
}

/* -------------------------------------------------------- stream table -- */

static int fetch(const msmmu *m, uint64_t pa, uint64_t *words, unsigned int n,
		 struct uiommu_mem_attrs attrs)
{
	int rc = -1;

	if (!(pa >> m->caps.oas) || MUTANT("strtab-fetch-above-oas"))
		rc = model_read64s(&m->host, pa, words, n, attrs);
	if (unlikely(m->explain))
		msmmu_explain_fetch(m, pa, words, n, rc);
	return rc;
}

/* Through the cache of single structures, if there is one. */
static int fetch_kept(msmmu *m, const struct msmmu_ctx *ctx,
		      const struct msmmu_raw_key *key, uint64_t pa,
		      uint64_t *words, unsigned int n)
{
	uint64_t kept_pa;

	if (msmmu_raw_get(m, key, words, n, &kept_pa))
		return 0;
	if (fetch(m, pa, words, n, msmmu_strtab_attrs(m)))
		return -1;
	msmmu_raw_put(m, key, words, n, pa, ctx->raw_kills);
	return 0;
}

struct strtab {
	uint64_t base;
	unsigned int lg2;   /* as written, for alignment */
	unsigned int split; /* 0: linear */
};

static struct strtab strtab(const msmmu *m)
{
	uint32_t cfg = (uint32_t)MSMMU_REG(m, STRTAB_BASE_CFG);
	struct strtab tab = {
		.base = MSMMU_REG(m, STRTAB_BASE) & SMMU_STRTAB_BASE_ADDR,
		.lg2 = FIELD_GET(SMMU_STRTAB_BASE_CFG_LOG2SIZE, cfg),
	};
	unsigned int align = tab.lg2 + 6;

	if (FIELD_GET(SMMU_STRTAB_BASE_CFG_FMT, cfg) ==
		    SMMU_STRTAB_BASE_CFG_FMT_2LVL &&
	    m->caps.st_2lvl) {
		tab.split = FIELD_GET(SMMU_STRTAB_BASE_CFG_SPLIT, cfg);
		if (tab.split != 8 && tab.split != 10 &&
		    !MUTANT("strtab-odd-split"))
			tab.split = 6;
		align = tab.lg2 > tab.split ? tab.lg2 - tab.split + 3 : 0;
		if (align < 6)
			align = 6;
	}
	tab.base = align_down_lg2(tab.base, align);
	return tab;
}

void msmmu_strtab_shape(const msmmu *m, unsigned int *sid_lg2,
			unsigned int *split)
{
	struct strtab tab = strtab(m);

	*sid_lg2 = (unsigned int)min_u64(tab.lg2, m->caps.sid_bits);
	*split = tab.split;
}

/* Is the entry at `index` within the span of its level-1 descriptor? */
static bool in_span(unsigned int span, unsigned int split, uint64_t index)
{
	if (!span)
		return MUTANT("strtab-span-0") && !index;
	if ((span > SMMU_L1STD_SPAN_MAX || span > split + 1) &&
	    !MUTANT("strtab-span-too-large"))
		return false;
	return !(index >> (span - 1)) || MUTANT("strtab-outside-span");
}

/* Where the STE is; false with the context's fault set. */
static bool ste_address(msmmu *m, const struct strtab *tab, uint32_t sid,
			struct msmmu_ctx *ctx, uint64_t *pa, bool *cacheable)
{
	struct msmmu_raw_key key = { .kind = MSMMU_RAW_L1STD,
				     .split = (uint8_t)tab->split };
	uint64_t l1_pa, l1, index;
	unsigned int span;

	*cacheable = false;
	if ((uint64_t)sid >> min_u64(tab->lg2, m->caps.sid_bits) &&
	    !MUTANT("strtab-sid-range")) {
		bad(ctx, SMMU_EVT_C_BAD_STREAMID, "StreamID out of range",
		    UIOMMU_PA_INVALID, 0);
		return false;
	}
	if (!tab->split) {
		*pa = tab->base + (uint64_t)sid * SMMU_STE_SIZE;
		return true;
	}
	l1_pa = tab->base + (uint64_t)(sid >> tab->split) * SMMU_L1STD_SIZE;
	key.index = sid >> tab->split;
	if (fetch_kept(m, ctx, &key, l1_pa, &l1, 1))
		return failed(ctx, SMMU_EVT_F_STE_FETCH,
			      "external abort on a level-1 stream descriptor",
			      l1_pa);
	span = FIELD_GET(SMMU_L1STD_SPAN, l1);
	index = sid & mask_lg2(tab->split);
	if (!in_span(span, tab->split, index)) {
		*cacheable = MUTANT("strtab-outside-span-kept");
		bad(ctx, SMMU_EVT_C_BAD_STREAMID,
		    "StreamID outside the span of its level-1 descriptor",
		    l1_pa, l1);
		return false;
	}
	*cacheable = true;
	*pa = align_down_lg2(l1 & SMMU_L1STD_L2PTR_ADDR, span - 1 + 6) +
	      index * SMMU_STE_SIZE;
	return true;
}

/* ------------------------------------------------------------ CD table -- */

/* An entry of the CD table, which stage 2 may translate. */
static bool cd_fetch(struct msmmu_txn *t, struct msmmu_ctx *ctx,
		     const struct msmmu_raw_key *key, uint64_t addr,
		     uint64_t *words, unsigned int n, uint64_t *pa)
{
	struct uiommu_mem_attrs attrs =
		model_walk_attrs(ctx->cd_mair, ctx->cd_sh);

	if (msmmu_raw_get(t->m, key, words, n, pa))
		return true;
	*pa = addr;
	if (ctx->s2 && !msmmu_walk_own(t, addr, SMMU_EVT_CLASS_CD, false,
				       ctx->cd_mair, ctx->cd_sh, pa, &attrs)) {
		ctx->mode = MSMMU_MODE_FAULT;
		ctx->fault = t->fault;
		return false;
	}
	if (fetch(t->m, *pa, words, n, attrs))
		return failed(ctx, SMMU_EVT_F_CD_FETCH,
			      "external abort on a context descriptor", *pa);
	msmmu_raw_put(t->m, key, words, n, *pa, ctx->raw_kills);
	return true;
}

static bool cd_address(struct msmmu_txn *t, const struct smmu_ste *ste,
		       struct msmmu_ctx *ctx, uint32_t index, uint64_t *addr,
		       bool *cacheable)
{
	uint64_t ptr = ste->q[0] & SMMU_STE_0_S1CONTEXTPTR_ADDR;
	unsigned int cdmax = FIELD_GET(SMMU_STE_0_S1CDMAX, ste->q[0]);
	unsigned int fmt = FIELD_GET(SMMU_STE_0_S1FMT, ste->q[0]);
	unsigned int split = fmt == SMMU_STE_S1FMT_4K_L2 ? SMMU_CD_4K_L2_SPLIT
							 : SMMU_CD_64K_L2_SPLIT;
	unsigned int l1_lg2 = cdmax > split ? cdmax - split + 3 : 3;
	struct msmmu_raw_key key = { .kind = MSMMU_RAW_L1CD,
				     .split = (uint8_t)split,
				     .sid = ctx->sid,
				     .index = index >> split };
	uint64_t l1, l1_pa;

	*cacheable = true;
	if (!t->m->caps.ssid_bits || !cdmax) {
		*addr = ptr;
		return true;
	}
	if (fmt != SMMU_STE_S1FMT_4K_L2 && fmt != SMMU_STE_S1FMT_64K_L2) {
		*addr = align_down_lg2(ptr, cdmax + 6) +
			(uint64_t)index * SMMU_CD_SIZE;
		return true;
	}
	ptr = align_down_lg2(ptr, l1_lg2) + (index >> split) * SMMU_L1CD_SIZE;
	*cacheable = false;
	if (!cd_fetch(t, ctx, &key, ptr, &l1, 1, &l1_pa))
		return false;
	*addr = l1 & SMMU_L1CD_L2PTR_ADDR;
	if ((!(l1 & SMMU_L1CD_V) && !MUTANT("strtab-l1cd-v")) ||
	    (!ctx->s2 && *addr >> t->m->caps.oas &&
	     !MUTANT("strtab-l1cd-above-oas"))) {
		*cacheable = MUTANT("strtab-l1cd-invalid-kept");
		bad(ctx, SMMU_EVT_C_BAD_SUBSTREAMID,
		    "level-1 context descriptor is not usable", l1_pa, l1);
		return false;
	}
	*cacheable = true;
	*addr = align_down_lg2(*addr, split + 6) +
		(index & mask_lg2(split)) * SMMU_CD_SIZE;
	return true;
}

bool msmmu_cd_load(struct msmmu_txn *t, const struct smmu_ste *ste,
		   struct msmmu_ctx *ctx, uint32_t index, struct smmu_cd *cd,
		   uint64_t *pa, bool *cacheable)
{
	struct msmmu_raw_key key = { .kind = MSMMU_RAW_CD,
				     .sid = ctx->sid,
				     .index = index };
	const char *why;
	uint64_t addr;

	if (!cd_address(t, ste, ctx, index, &addr, cacheable))
		return false;
	*cacheable = false;
	if (!cd_fetch(t, ctx, &key, addr, cd->q, SMMU_CD_QWORDS, pa))
		return false;
	*cacheable = true;
	why = msmmu_cd_check(t->m, ste, ctx, cd);
	if (why)
		bad(ctx, SMMU_EVT_C_BAD_CD, why, *pa, cd->q[0]);
	return !why;
}

static bool make_stage1(struct msmmu_txn *t, const struct smmu_ste *ste,
			struct msmmu_ctx *ctx, uint32_t index)
{
	struct smmu_cd cd;
	bool cacheable;
	uint64_t pa;

	if (!msmmu_cd_load(t, ste, ctx, index, &cd, &pa, &cacheable))
		return cacheable;
	msmmu_cd_decode(t->m, &cd, ctx);
	msmmu_ctx_set_views(t->m, ctx);
	return !t->dry;
}

/* ---------------------------------------------------------- substreams -- */

/* Steps 8 and 9; IHI 0070 5.3's table of Config, S1CDMax, SSV and S1DSS. */
static bool pick_substream(const msmmu *m, const struct smmu_ste *ste,
			   struct msmmu_ctx *ctx, uint64_t key, uint64_t pa,
			   uint32_t *index)
{
	bool ssv = key & MSMMU_KEY_SSV;
	uint32_t ssid = key >> 32 & 0xfffff;
	unsigned int cdmax = m->caps.ssid_bits
				     ? FIELD_GET(SMMU_STE_0_S1CDMAX, ste->q[0])
				     : 0;
	unsigned int dss = FIELD_GET(SMMU_STE_1_S1DSS, ste->q[1]);

	*index = ssid;
	if (ssv &&
	    ((!ctx->s1 && !MUTANT("strtab-ssid-without-stage1")) ||
	     (ctx->s1 && !cdmax && !MUTANT("strtab-ssid-with-cdmax0")))) {
		bad(ctx, SMMU_EVT_C_BAD_SUBSTREAMID,
		    "SubstreamID on a stream that has none", pa, ste->q[0]);
		return false;
	}
	if (!ctx->s1 || !cdmax)
		return true;
	if (ssv && ssid >> cdmax && !MUTANT("strtab-ssid-above-cdmax")) {
		bad(ctx, SMMU_EVT_C_BAD_SUBSTREAMID,
		    "SubstreamID above STE.S1CDMax", pa, ste->q[0]);
		return false;
	}
	if (ssv ? !ssid && dss == SMMU_STE_S1DSS_SSID0 &&
			    !MUTANT("strtab-s1dss-ssid0")
		: dss != SMMU_STE_S1DSS_SSID0 && dss != SMMU_STE_S1DSS_BYPASS &&
			    !MUTANT("strtab-s1dss-terminate")) {
		bad(ctx, SMMU_EVT_F_STREAM_DISABLED,
		    "STE.S1DSS ends this substream", pa, ste->q[0]);
		return false;
	}
	if (!ssv && dss == SMMU_STE_S1DSS_BYPASS &&
	    !MUTANT("strtab-s1dss-bypass")) {
		ctx->s1 = false;
		ctx->regime = MSMMU_REGIME_IPA;
		ctx->single_priv = false;
		ctx->skip_s1 = true;
		ctx->hints = false;
		if (!ctx->s2)
			ctx->mode = MSMMU_MODE_BYPASS;
	}
	return true;
}

bool msmmu_ste_load(msmmu *m, struct msmmu_ctx *ctx, struct smmu_ste *ste,
		    uint64_t *pa, bool *cacheable)
{
	struct msmmu_raw_key raw = { .kind = MSMMU_RAW_STE, .sid = ctx->sid };
	struct strtab tab = strtab(m);
	const char *why;

	ctx->raw_kills = msmmu_raw_begin(m);
	if (!ste_address(m, &tab, ctx->sid, ctx, pa, cacheable))
		return false;
	*cacheable = false;
	if (fetch_kept(m, ctx, &raw, *pa, ste->q, SMMU_STE_QWORDS))
		return failed(ctx, SMMU_EVT_F_STE_FETCH,
			      "external abort on a stream table entry", *pa);
	*cacheable = true;
	why = msmmu_ste_check(m, ste);
	if (why)
		bad(ctx, SMMU_EVT_C_BAD_STE, why, *pa, ste->q[0]);
	return !why;
}

bool msmmu_ctx_make(struct msmmu_txn *t, uint64_t key, struct msmmu_ctx *ctx)
{
	msmmu *m = t->m;
	struct smmu_ste ste;
	uint32_t index;
	bool cacheable;
	uint64_t pa;

	*ctx = (struct msmmu_ctx){
		.key = key,
		.sid = (uint32_t)key,
		.priv_and = 1,
		.instr_and = 1,
	};
	t->ctx = ctx;
	if (!msmmu_ste_load(m, ctx, &ste, &pa, &cacheable))
		return cacheable;
	msmmu_ste_decode(m, &ste, ctx);
	msmmu_ctx_set_views(m, ctx);
	ctx->ste_pa = pa;
	if (ctx->mode == MSMMU_MODE_ABORT)
		return true;
	msmmu_txn_rights(t);
	if (!pick_substream(m, &ste, ctx, key, pa, &index))
		return true;
	if (!ctx->s1)
		return true;
	return make_stage1(t, &ste, ctx, index);
}
